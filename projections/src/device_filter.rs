//! Which devices a list shows, and in which order.

use deed_domain::{
    ids::{CustomerId, ProfileId, TenantId},
    time::Timestamp,
};

/// Which devices of a tenant a list shows: those that meet every condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Whose devices.
    pub tenant_id: TenantId,
    /// Who owns them.
    pub owned_by: OwnedBy,
    /// Only those with a key that works at this time or later.
    pub with_key_at: Option<Timestamp>,
    /// Only those whose profile has this name.
    pub device_type: Option<String>,
    /// Only those with this profile.
    pub profile_id: Option<ProfileId>,
    /// Where a page's text is looked for.
    pub searched_in: SearchedIn,
}

impl DeviceFilter {
    /// All devices of the tenant; a text is looked for in names and labels.
    pub const fn of_tenant(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            owned_by: OwnedBy::Anybody,
            with_key_at: None,
            device_type: None,
            profile_id: None,
            searched_in: SearchedIn::NameAndLabel,
        }
    }
}

/// Who owns the devices of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnedBy {
    /// Any customer, or nobody.
    Anybody,
    /// Nobody: the tenant has them.
    Nobody,
    /// Any customer.
    Somebody,
    /// This customer of the tenant.
    Customer(CustomerId),
}

/// Where a page's text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchedIn {
    /// In the device's name and label.
    NameAndLabel,
    /// There, in the name of its profile, and in its owner's title.
    TypeAndOwnerToo,
}

/// The property by which a list is sorted, character by character. Devices that are equal in it stand in order of
/// creation. Descending is all of it reversed, except that devices without a label or an owner come last both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceOrder {
    /// The order of creation.
    Creation,
    /// By name.
    Name,
    /// By the name of the profile.
    Type,
    /// By label.
    Label,
    /// By the title of the customer that owns it.
    OwnerTitle,
}
