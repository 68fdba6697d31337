//! `GET /api/audit/logs/entity/{entityType}/{entityId}`.

use axum::extract::State;
use deed_domain::ports::Scope;

use super::{
    Answer,
    entry::AuditLogJson,
    question::{About, AuditLogParams, Question},
};
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::Shared,
    wire::PageJson,
};

/// Entity types that clients know and that leave no events here.
const OTHERS: [&str; 8] =
    ["CUSTOMER", "USER", "TENANT", "ASSET", "DASHBOARD", "DEVICE_PROFILE", "ENTITY_VIEW", "API_KEY"];

/// Read a device's audit log
///
/// Of other things than devices, and of devices that the tenant never had, there are no entries. What is not about a device is in no log.
#[utoipa::path(
    get, path = "/api/audit/logs/entity/{entityType}/{entityId}", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`."),
        ("entityId" = uuid::Uuid, Path, description = "The device."),
        AuditLogParams,
    ),
    responses(
        (status = 200, description = "The page.", body = PageJson<AuditLogJson>),
        (status = 400, description = "A parameter is malformed."),
    )
)]
pub(crate) async fn entity_audit_log(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Answer {
    let scope = Scope::Device(path.id("entityId")?);
    let about = match path.text("entityType")? {
        "DEVICE" => About::Anybody,
        other if OTHERS.contains(&other) => About::Nothing,
        word => return Err(ApiError::unknown("The entity type in the path", word)),
    };
    super::answer(&state, Question::read(&query, reader.tenant_id, scope, about)?).await
}
