//! Device profiles (`docs/protocol.md`, device profiles).

pub(crate) mod delete;
mod draft;
pub(crate) mod list;
pub(crate) mod list_infos;
pub(crate) mod make_default;
pub(crate) mod names;
mod payloads;
mod provisioning;
pub(crate) mod read;
pub(crate) mod read_info;
pub(crate) mod save;

use deed_domain::{
    ids::{ProfileId, TenantId},
    ports::{Profile, ProfileSort, ProfilesError},
};

use crate::{error::ApiError, extract::SortProperty, state::ApiState};

impl SortProperty for ProfileSort {
    const CREATION: Self = Self::Creation;

    fn named(name: &str) -> Option<Self> {
        match name {
            // Ids are made in order of creation, and there is one type.
            "createdTime" | "id" | "type" => Some(Self::Creation),
            "name" => Some(Self::Name),
            "transportType" => Some(Self::Transport),
            "description" => Some(Self::Description),
            "isDefault" | "default" => Some(Self::IsDefault),
            _ => None,
        }
    }
}

/// The tenant's profile of that id; another tenant's is not there.
async fn find(state: &ApiState, tenant_id: TenantId, id: ProfileId) -> Result<Profile, ApiError> {
    let profile = state.profiles.by_id(id).await?.filter(|profile| profile.tenant_id == tenant_id);
    profile.ok_or_else(|| not_found(id))
}

fn not_found(id: ProfileId) -> ApiError {
    ApiError::NotFound(format!("Device profile with id [{id}] is not found").into())
}

/// Why nothing became of what was wanted of the profile of that id.
fn refused(id: ProfileId) -> impl FnOnce(ProfilesError) -> ApiError {
    move |error| match error {
        ProfilesError::NameTaken => ApiError::invalid("Device profile with such name already exists!"),
        ProfilesError::ProvisionKeyTaken => {
            ApiError::invalid("Device profile with such provision device key already exists!")
        }
        ProfilesError::NotFound => not_found(id),
        ProfilesError::VersionConflict => ApiError::Changed("Device profile"),
        ProfilesError::InUse => ApiError::invalid("The device profile referenced by the devices cannot be deleted!"),
        ProfilesError::IsDefault => ApiError::invalid("Deletion of Default Device Profile is prohibited!"),
        ProfilesError::Store(error) => error.into(),
    }
}
