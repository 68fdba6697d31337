//! Users.

use deed_domain::{ports::User, time::Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::EntityId;

/// A person who signs in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserJson {
    /// The person.
    id: EntityId,
    /// When the person was added, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// The tenant; the null UUID for the platform's operators.
    tenant_id: EntityId,
    /// The customer of a customer's user; the null UUID otherwise.
    customer_id: EntityId,
    /// What the person signs in with.
    #[schema(example = "auditor@example.org")]
    email: String,
    /// `SYS_ADMIN`, `TENANT_ADMIN`, `CUSTOMER_USER` or `AUDITOR`.
    #[schema(example = "AUDITOR")]
    authority: &'static str,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// One more for each save.
    version: u32,
    /// The e-mail.
    name: String,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        Self {
            id: EntityId::user(user.id),
            created_time: user.created_at,
            tenant_id: EntityId::tenant(user.tenant_id),
            customer_id: EntityId::customer(user.customer_id),
            name: user.email.clone(),
            email: user.email,
            authority: user.authority.as_str(),
            first_name: user.first_name,
            last_name: user.last_name,
            phone: user.phone,
            version: user.version,
            additional_info: user.additional_info,
        }
    }
}
