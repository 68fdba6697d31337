//! `GET /api/audit/logs`.

use axum::extract::State;
use deed_domain::ports::Scope;

use super::{
    Answer,
    entry::AuditLogJson,
    question::{About, AuditLogParams, Question},
};
use crate::{
    authentication::{HistoryReader, Only},
    extract::QueryParams,
    state::Shared,
    wire::PageJson,
};

/// Read the audit log
///
/// Of all devices of the tenant. What is not about a device is in no log.
#[utoipa::path(
    get, path = "/api/audit/logs", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        AuditLogParams,
    ),
    responses(
        (status = 200, description = "The page.", body = PageJson<AuditLogJson>),
        (status = 400, description = "A parameter is malformed."),
    )
)]
pub(crate) async fn tenant_audit_log(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    query: QueryParams,
) -> Answer {
    let scope = Scope::Tenant(reader.tenant_id);
    super::answer(&state, Question::read(&query, reader.tenant_id, scope, About::Anybody)?).await
}
