//! What the lists of devices share: how they are asked for, and their pages.

use std::collections::BTreeMap;

use deed_domain::{
    ids::{CustomerId, ProfileId, TenantId},
    ports::{Customer, ListPage, PageRequest},
    time::Timestamp,
};
use deed_projections::{DeviceFilter, DeviceOrder, DeviceRow, OwnedBy, SearchedIn};
use utoipa::IntoParams;

use crate::{
    error::ApiError,
    extract::{QueryParams, SortProperty, page_request, uuid},
    state::ApiState,
    wire::{DeviceInfoJson, DeviceJson, PageJson},
};

impl SortProperty for DeviceOrder {
    const CREATION: Self = Self::Creation;

    fn named(name: &str) -> Option<Self> {
        match name {
            // Ids are made in order of creation, and no device is active.
            "createdTime" | "id" | "active" => Some(Self::Creation),
            "name" => Some(Self::Name),
            "type" | "deviceProfileName" => Some(Self::Type),
            "label" => Some(Self::Label),
            "customerTitle" | "ownerName" => Some(Self::OwnerTitle),
            _ => None,
        }
    }
}

/// The filters that every list of devices takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query, which is read by `Asked::read`")]
pub(crate) struct DeviceFilterParams {
    /// Only devices whose profile has this name.
    #[param(rename = "type")]
    device_type: Option<String>,
    /// Only devices with this profile.
    #[param(rename = "deviceProfileId")]
    device_profile_id: Option<uuid::Uuid>,
    /// `true`: only connected devices, which are none, as that is not followed. In any case of letters.
    active: Option<bool>,
}

/// How it stands with claiming the devices that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ClaimingState {
    /// In whatever way.
    #[default]
    Any,
    /// A customer owns them.
    Owned,
    /// Nobody does.
    Unowned,
    /// Nobody does, and there is a key that claims them now or later.
    Open,
}

impl ClaimingState {
    /// Reads the word for it; `place` is where it stands, for the error.
    pub(super) fn read(word: Option<&str>, place: &str) -> Result<Self, ApiError> {
        match word {
            None | Some("") => Ok(Self::Any),
            Some("owned") => Ok(Self::Owned),
            Some("unowned") => Ok(Self::Unowned),
            Some("open") => Ok(Self::Open),
            Some(other) => Err(ApiError::unknown(place, other)),
        }
    }

    /// Lets only such devices through.
    pub(super) fn narrow(self, filter: &mut DeviceFilter, now: Timestamp) {
        filter.owned_by = match self {
            Self::Any => OwnedBy::Anybody,
            Self::Owned => OwnedBy::Somebody,
            Self::Unowned | Self::Open => OwnedBy::Nobody,
        };
        filter.with_key_at = (self == Self::Open).then_some(now);
    }
}

/// A list that was asked for.
pub(in crate::endpoints) struct Asked {
    filter: DeviceFilter,
    page: PageRequest<DeviceOrder>,
    /// Whether nothing can be in it.
    nothing: bool,
}

impl Asked {
    /// Reads filters and page.
    pub(in crate::endpoints) fn read(
        query: &QueryParams,
        tenant_id: TenantId,
        owned_by: OwnedBy,
        searched_in: SearchedIn,
    ) -> Result<Self, ApiError> {
        let given = |name| query.text(name).filter(|text| !text.is_empty());
        let filter = DeviceFilter {
            tenant_id,
            owned_by,
            with_key_at: None,
            device_type: given("type").map(str::to_owned),
            profile_id: given("deviceProfileId").map(uuid).transpose()?.map(ProfileId),
            searched_in,
        };
        Ok(Self { filter, nothing: query.flag("active")? == Some(true), page: page_request(query)? })
    }

    /// Only devices with which it stands so.
    pub(super) fn in_state(mut self, state: ClaimingState, now: Timestamp) -> Self {
        state.narrow(&mut self.filter, now);
        self
    }

    /// Refuses a page with more rows.
    pub(super) fn at_most(self, rows: u32) -> Result<Self, ApiError> {
        if self.page.page_size <= rows {
            return Ok(self);
        }
        Err(ApiError::malformed("Query parameter 'pageSize' is out of range"))
    }

    pub(in crate::endpoints) async fn rows(&self, state: &ApiState) -> Result<ListPage<DeviceRow>, ApiError> {
        if self.nothing {
            return Ok(ListPage { rows: Vec::new(), total: 0 });
        }
        Ok(state.read_models.devices(&self.filter, &self.page).await?)
    }

    pub(in crate::endpoints) fn page<T>(&self, total: u64, rows: Vec<T>) -> PageJson<T> {
        PageJson::new(self.page.page, self.page.page_size, ListPage { rows, total })
    }

    /// The page, of devices.
    pub(super) async fn devices(&self, state: &ApiState) -> Result<PageJson<DeviceJson>, ApiError> {
        let list = self.rows(state).await?;
        Ok(self.page(list.total, super::complete_all(state, list.rows).await?))
    }

    /// The page, of devices and what people want to see beside them.
    pub(super) async fn infos(&self, state: &ApiState) -> Result<PageJson<DeviceInfoJson>, ApiError> {
        let list = self.rows(state).await?;
        let mut owners: BTreeMap<CustomerId, Option<Customer>> = BTreeMap::new();
        let mut infos = Vec::with_capacity(list.rows.len());
        let owner_ids: Vec<_> = list.rows.iter().map(|row| row.customer_id).collect();
        for (owner, device) in owner_ids.into_iter().zip(super::complete_all(state, list.rows).await?) {
            if let Some(id) = owner
                && !owners.contains_key(&id)
            {
                owners.insert(id, state.accounts.customer(id).await?);
            }
            let owner = owner.and_then(|id| owners.get(&id)).and_then(Option::as_ref);
            infos.push(DeviceInfoJson::new(device, owner));
        }
        Ok(self.page(list.total, infos))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn read(query: &str) -> Result<Asked, String> {
        let tenant_id = TenantId(Uuid::from_u128(1));
        Asked::read(&QueryParams::of(query), tenant_id, OwnedBy::Anybody, SearchedIn::NameAndLabel)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn filters_are_read_and_empty_ones_mean_nothing() {
        let id = Uuid::from_u128(7);
        let asked = read(&format!("pageSize=1&page=0&type=a+b&deviceProfileId={id}&active=TRUE")).unwrap();
        assert_eq!(asked.filter.device_type.as_deref(), Some("a b"));
        assert_eq!((asked.filter.profile_id, asked.nothing), (Some(ProfileId(id)), true));
        let asked = read("pageSize=1&page=0&type=&deviceProfileId=&active=").unwrap();
        assert_eq!((asked.filter.device_type, asked.filter.profile_id, asked.nothing), (None, None, false));
        assert!(read("pageSize=1&page=0&active=False").is_ok_and(|asked| !asked.nothing));
        assert!(read("pageSize=1&page=0&active=1").is_err());
        assert!(read("pageSize=1&page=0&deviceProfileId=rubbish").is_err());
    }

    #[test]
    fn what_clients_sort_by_is_known() {
        for name in ["createdTime", "name", "type", "deviceProfileName", "label", "customerTitle", "ownerName", "id"] {
            assert!(read(&format!("pageSize=1&page=0&sortProperty={name}")).is_ok(), "{name}");
        }
        assert_eq!(
            read("pageSize=1&page=0&sortProperty=noSuchProperty").err().unwrap(),
            "Query parameter 'sortProperty' cannot be 'noSuchProperty'"
        );
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "(type|active|deviceProfileId)=[-0-9a-zA-Z%]{0,40}") {
            let uri: Result<axum::http::Uri, _> = format!("/?{query}").parse();
            if uri.is_ok_and(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).is_ok()) {
                let _ = read(&query);
            }
        }
    }
}
