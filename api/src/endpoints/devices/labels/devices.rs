//! The devices that get labels, looked at before the first key is made.

use deed_domain::{
    device::{KeyEnd, Refusal},
    ids::TenantId,
    ports::PageRequest,
};
use deed_labels::{Font, Format};
use deed_projections::{DeviceFilter, DeviceOrder, DeviceRow, SearchedIn};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Labelled, MOST_DEVICES,
    request::{Search, Selection, too_many},
};
use crate::{
    error::ApiError,
    extract::BaseUrl,
    state::{ApiState, Shared},
};

/// Devices that are looked up at once.
const AT_ONCE: usize = 64;

/// What was found.
pub(super) struct Devices {
    /// In the order of the request.
    pub(super) labelled: Vec<Labelled>,
    /// How many were left out, because a customer owns them.
    pub(super) left_out: usize,
}

impl Devices {
    /// The devices of the tenant. One that a customer owns gets no key: it would claim nothing.
    pub(super) async fn find(
        state: &Shared,
        tenant_id: TenantId,
        selection: Selection,
        with_keys: bool,
    ) -> Result<Self, ApiError> {
        let rows = match selection {
            Selection::Ids(ids) => {
                let find = |id| async move {
                    let row = state.read_models.device(id).await?.filter(|row| row.tenant_id == tenant_id);
                    row.ok_or_else(|| ApiError::no_device(id))
                };
                stream::iter(ids).map(find).buffered(AT_ONCE).try_collect().await?
            }
            Selection::Names(names) => {
                let find = |name: String| async move {
                    let row = state.read_models.device_named(tenant_id, &name).await?;
                    row.ok_or_else(|| ApiError::NotFound(format!("There is no device {name:?}").into()))
                };
                stream::iter(names).map(find).buffered(AT_ONCE).try_collect().await?
            }
            Selection::Search(wanted) => search(state, tenant_id, wanted).await?,
        };
        let found = rows.len();
        let is_labelled = |row: &DeviceRow| !with_keys || row.customer_id.is_none();
        let labelled: Vec<_> =
            rows.into_iter().filter(is_labelled).map(|row| Labelled { id: row.device_id, name: row.name }).collect();
        match labelled.len() {
            0 if found > 0 => Err(ApiError::Failed(Refusal::AlreadyClaimed.into())),
            0 => Err(ApiError::NotFound("There is no such device".into())),
            count => Ok(Self { left_out: found - count, labelled }),
        }
    }

    /// Gives them back if all of them can be printed.
    pub(super) async fn checked(
        self,
        state: &ApiState,
        format: Format,
        base_url: &BaseUrl,
        keys: Option<KeyEnd>,
    ) -> Result<Self, ApiError> {
        let until = keys.map(|end| end.of(state.clock.now()).0);
        let base_url = base_url.clone();
        let check = move |font: &Font| {
            let names = self.labelled.iter().map(|device| device.name.as_str());
            format.check_batch(font, base_url.as_str(), names, until).map(|()| self)
        };
        Ok(state.label_press.draw(check).await?)
    }
}

/// All devices that fit, in order of creation. They are read at once: read page by page, one that is deleted meanwhile would
/// move another to the page before.
async fn search(state: &ApiState, tenant_id: TenantId, wanted: Search) -> Result<Vec<DeviceRow>, ApiError> {
    let Search { text, device_type, profile_id, state: claiming } = wanted;
    let mut filter = DeviceFilter {
        device_type,
        profile_id,
        searched_in: SearchedIn::TypeAndOwnerToo,
        ..DeviceFilter::of_tenant(tenant_id)
    };
    claiming.narrow(&mut filter, state.clock.now());
    let sort = DeviceOrder::Creation;
    let request = PageRequest { page: 0, page_size: MOST_DEVICES, text_search: text, sort, descending: false };
    let found = state.read_models.devices(&filter, &request).await?;
    if found.total > u64::from(MOST_DEVICES) { Err(too_many(found.total)) } else { Ok(found.rows) }
}
