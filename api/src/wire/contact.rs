//! Where tenants and customers can be reached.

use deed_domain::ports::Contact;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a tenant or customer can be reached.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactJson {
    /// Country.
    country: Option<String>,
    /// State or province.
    state: Option<String>,
    /// City.
    city: Option<String>,
    /// Street and number.
    address: Option<String>,
    /// What does not fit there.
    address2: Option<String>,
    /// Postal code.
    zip: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// An address for mail; nobody signs in with it.
    email: Option<String>,
}

impl From<Contact> for ContactJson {
    fn from(contact: Contact) -> Self {
        let Contact { country, state, city, address, address2, zip, phone, email } = contact;
        Self { country, state, city, address, address2, zip, phone, email }
    }
}
