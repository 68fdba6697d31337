use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use deed_domain::{
    ids::{CustomerId, DeviceId, TenantId},
    ports::{ListPage, PageRequest, contains_folded, fold_case},
};
use serde::Serialize;

use crate::{
    DeviceFilter, DeviceListChange, DeviceOrder, DeviceRow, OwnedBy, SearchedIn,
    testing::{InMemoryActiveKeys, ReadModel},
};

/// The devices that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InMemoryDeviceList(BTreeMap<DeviceId, DeviceRow>);

impl InMemoryDeviceList {
    /// The device of that id, whatever its tenant.
    pub fn device(&self, device_id: DeviceId) -> Option<&DeviceRow> {
        self.0.get(&device_id)
    }

    /// The tenant's device of that name.
    pub fn device_named(&self, tenant_id: TenantId, name: &str) -> Option<&DeviceRow> {
        self.0.values().find(|row| row.tenant_id == tenant_id && row.name == name)
    }

    /// All of them, by id.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &DeviceRow> {
        self.0.values()
    }

    /// A page of the devices that the filter lets through; `keys` are those of all devices, `title` is the one of a customer.
    pub fn devices(
        &self,
        filter: &DeviceFilter,
        page: &PageRequest<DeviceOrder>,
        keys: &InMemoryActiveKeys,
        title: impl Fn(CustomerId) -> Option<String>,
    ) -> ListPage<DeviceRow> {
        let part = page.text_search.as_deref().map(fold_case);
        let mut found: Vec<(&DeviceRow, Option<String>)> =
            self.rows().map(|row| (row, row.customer_id.and_then(&title))).collect();
        found.retain(|(row, title)| {
            is_listed(filter, row)
                && filter.with_key_at.is_none_or(|at| keys.of_device(row.device_id).any(|key| at <= key.expires_at))
                && part.as_ref().is_none_or(|part| is_found(filter.searched_in, row, title.as_deref(), part))
        });
        found.sort_by(|one, other| compare(page, one, other));
        let total = found.len() as u64;
        let before = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let rows = found.into_iter().skip(before).take(page.page_size as usize).map(|(row, _)| row.clone()).collect();
        ListPage { rows, total }
    }

    /// The names of the profiles that the tenant's devices have.
    pub fn device_types(&self, tenant_id: TenantId) -> BTreeSet<String> {
        self.rows().filter(|row| row.tenant_id == tenant_id).map(|row| row.device_type.clone()).collect()
    }
}

fn is_listed(filter: &DeviceFilter, row: &DeviceRow) -> bool {
    let is_owned = match filter.owned_by {
        OwnedBy::Anybody => true,
        OwnedBy::Nobody => row.customer_id.is_none(),
        OwnedBy::Somebody => row.customer_id.is_some(),
        OwnedBy::Customer(id) => row.customer_id == Some(id),
    };
    row.tenant_id == filter.tenant_id
        && is_owned
        && filter.device_type.as_ref().is_none_or(|device_type| *device_type == row.device_type)
        && filter.profile_id.is_none_or(|profile_id| profile_id == row.profile_id)
}

fn is_found(searched_in: SearchedIn, row: &DeviceRow, title: Option<&str>, part: &str) -> bool {
    let further = match searched_in {
        SearchedIn::NameAndLabel => [None, None],
        SearchedIn::TypeAndOwnerToo => [Some(row.device_type.as_str()), title],
    };
    let texts = [Some(row.name.as_str()), row.label.as_deref()].into_iter().chain(further);
    texts.flatten().any(|text| contains_folded(text, part))
}

fn compare(
    page: &PageRequest<DeviceOrder>,
    (one, one_title): &(&DeviceRow, Option<String>),
    (other, other_title): &(&DeviceRow, Option<String>),
) -> Ordering {
    let (missing, order) = match page.sort {
        DeviceOrder::Creation => (Ordering::Equal, Ordering::Equal),
        DeviceOrder::Name => (Ordering::Equal, one.name.cmp(&other.name)),
        DeviceOrder::Type => (Ordering::Equal, one.device_type.cmp(&other.device_type)),
        DeviceOrder::Label => (one.label.is_none().cmp(&other.label.is_none()), one.label.cmp(&other.label)),
        DeviceOrder::OwnerTitle => (one_title.is_none().cmp(&other_title.is_none()), one_title.cmp(other_title)),
    };
    let order = order.then(one.position.cmp(&other.position));
    missing.then(if page.descending { order.reverse() } else { order })
}

impl ReadModel<DeviceListChange> for InMemoryDeviceList {
    fn apply(&mut self, change: DeviceListChange) {
        match change {
            DeviceListChange::Insert(row) => {
                self.0.insert(row.device_id, row);
            }
            DeviceListChange::Save { device_id, name, device_type, label, profile_id, version } => {
                if let Some(row) = self.0.get_mut(&device_id) {
                    *row = DeviceRow { name, device_type, label, profile_id, version, ..*row };
                }
            }
            DeviceListChange::SetOwner { device_id, customer_id, version } => {
                if let Some(row) = self.0.get_mut(&device_id) {
                    (row.customer_id, row.version) = (customer_id, version);
                }
            }
            DeviceListChange::Delete(device_id) => {
                self.0.remove(&device_id);
            }
        }
    }
}
