//! Where tenants and customers can be reached.

use serde::{Deserialize, Serialize};

/// Where a tenant or customer can be reached. Its JSON form is what registries store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contact {
    /// Country.
    pub country: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Street and number.
    pub address: Option<String>,
    /// What does not fit there.
    pub address2: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// An address for mail; nobody signs in with it.
    pub email: Option<String>,
}

impl Contact {
    /// The member that a list is sorted by.
    pub fn field(&self, field: ContactField) -> Option<&str> {
        let text = match field {
            ContactField::Country => &self.country,
            ContactField::State => &self.state,
            ContactField::City => &self.city,
            ContactField::Address => &self.address,
            ContactField::Address2 => &self.address2,
            ContactField::Zip => &self.zip,
            ContactField::Phone => &self.phone,
            ContactField::Email => &self.email,
        };
        text.as_deref()
    }
}

/// A member of [`Contact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactField {
    /// Country.
    Country,
    /// State or province.
    State,
    /// City.
    City,
    /// Street and number.
    Address,
    /// What does not fit there.
    Address2,
    /// Postal code.
    Zip,
    /// Telephone number.
    Phone,
    /// An address for mail.
    Email,
}

impl ContactField {
    /// The name in the JSON form and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::State => "state",
            Self::City => "city",
            Self::Address => "address",
            Self::Address2 => "address2",
            Self::Zip => "zip",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }

    /// The member of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Country, Self::State, Self::City, Self::Address, Self::Address2, Self::Zip, Self::Phone, Self::Email]
            .into_iter()
            .find(|field| field.as_str() == name)
    }
}

/// By what lists of tenants and of customers can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountSort {
    /// The order in which they were added.
    Creation,
    /// The title, by its code points.
    Title,
    /// A member of the contact, by its code points; those without it come first.
    Contact(ContactField),
}
