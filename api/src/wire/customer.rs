//! Customers.

use deed_domain::{ports::Customer, time::Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{ContactJson, EntityId, device::GroupJson};

/// The member of `additionalInfo` that says whether everybody may speak for the customer.
const IS_PUBLIC: &str = "isPublic";

/// An organisation or household that can own devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerJson {
    /// The customer.
    id: EntityId,
    /// When it was added, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    #[serde(flatten)]
    contact: ContactJson,
    /// Unique among the tenant's customers.
    #[schema(example = "Customer A")]
    title: String,
    /// Whose customer it is.
    tenant_id: EntityId,
    /// Always null.
    external_id: Option<EntityId>,
    /// 1 when it is added, one more for each save.
    version: u32,
    /// The title.
    name: String,
    /// Whatever clients keep there, but for `isPublic`: that is `true` of the public customer, and of no other one there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
    /// The customer above it: none, so always the null UUID.
    customer_id: EntityId,
    /// The customer above it: none, so always the null UUID.
    parent_customer_id: EntityId,
    /// The tenant.
    owner_id: EntityId,
    /// Always null.
    custom_menu_id: Option<EntityId>,
}

impl From<Customer> for CustomerJson {
    fn from(customer: Customer) -> Self {
        let tenant_id = EntityId::tenant(Some(customer.tenant_id));
        let additional_info = shown_info(&customer);
        Self {
            id: EntityId::customer(Some(customer.id)),
            created_time: customer.created_at,
            contact: customer.contact.into(),
            name: customer.title.clone(),
            title: customer.title,
            tenant_id,
            external_id: None,
            version: customer.version,
            additional_info,
            customer_id: EntityId::customer(None),
            parent_customer_id: EntityId::customer(None),
            owner_id: tenant_id,
            custom_menu_id: None,
        }
    }
}

/// What clients keep with the customer. That it is public is said of the public customer alone, whatever somebody wrote.
fn shown_info(customer: &Customer) -> Option<Value> {
    let mut info = customer.additional_info.clone();
    if !customer.is_public()
        && let Some(Value::Object(members)) = &mut info
    {
        members.remove(IS_PUBLIC);
    }
    info
}

/// A customer and what people want to see beside it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerInfoJson {
    #[serde(flatten)]
    customer: CustomerJson,
    /// The tenant's title.
    owner_name: Option<String>,
    /// Always empty.
    groups: Vec<GroupJson>,
}

impl CustomerInfoJson {
    /// The customer of the tenant of that title.
    pub(crate) fn new(customer: Customer, tenant_title: Option<&str>) -> Self {
        Self { customer: customer.into(), owner_name: tenant_title.map(str::to_owned), groups: Vec::new() }
    }
}
