//! `GET /api/deviceProfileInfos`.

use axum::{Json, extract::State};
use deed_domain::ports::{ListPage, PageRequest, ProfileSort, ProfileTransport};

use crate::{
    authentication::{DeviceUser, Only},
    error::ApiError,
    extract::{PageParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, ProfileInfoJson},
};

/// Transports that clients know and that no profile here has.
const OTHERS: [&str; 3] = ["COAP", "LWM2M", "SNMP"];

/// Which profiles are wanted.
enum Wanted {
    All,
    With(ProfileTransport),
    None,
}

impl Wanted {
    fn read(query: &QueryParams) -> Result<Self, ApiError> {
        match query.text("transportType").filter(|word| !word.is_empty()) {
            None => Ok(Self::All),
            Some(word) if OTHERS.contains(&word) => Ok(Self::None),
            Some(word) => ProfileTransport::parse(word)
                .map(Self::With)
                .ok_or_else(|| ApiError::malformed("Query parameter 'transportType' has an unknown value")),
        }
    }
}

/// List the device profiles, in short
///
/// The search looks at the name; sorted by `createdTime`, `name`, `type`, `transportType`, `description` or `isDefault`.
#[utoipa::path(
    get, path = "/api/deviceProfileInfos", tag = "device profiles", security(("bearer" = []), ("x-authorization" = [])),
    params(
        PageParams,
        ("transportType" = Option<String>, Query, description = "Only those with this transport: `DEFAULT` or `MQTT`; \
                                                                 there are none with `COAP`, `LWM2M` and `SNMP`."),
    ),
    responses(
        (status = 200, description = "A page of the tenant's profiles.", body = PageJson<ProfileInfoJson>),
        (status = 400, description = "The query makes no page, or the transport is unknown."),
    )
)]
pub(crate) async fn device_profile_infos(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    query: QueryParams,
) -> Result<Json<PageJson<ProfileInfoJson>>, ApiError> {
    let wanted = Wanted::read(&query)?;
    let request: PageRequest<ProfileSort> = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = match wanted {
        Wanted::All => state.profiles.profiles(user.tenant_id(), None, request).await?,
        Wanted::With(transport) => state.profiles.profiles(user.tenant_id(), Some(transport), request).await?,
        Wanted::None => ListPage { rows: Vec::new(), total: 0 },
    };
    Ok(Json(PageJson::new(page, size, list.map(ProfileInfoJson::from))))
}
