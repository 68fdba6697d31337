//! `GET /api/audit/logs`.

use axum::extract::State;
use deed_domain::ports::Scope;

use super::{
    Answer,
    entry::AuditLogJson,
    question::{About, Question},
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
        ("pageSize" = u32, Query, minimum = 1, description = "Entries on a page."),
        ("page" = u32, Query, minimum = 0, description = "Which page; 0 is the first."),
        ("textSearch" = Option<String>, Query, description = "A part of the device's name, the user's e-mail, the action's type or status."),
        ("startTime" = Option<i64>, Query, description = "From this time on, milliseconds since the epoch."),
        ("endTime" = Option<i64>, Query, description = "Up to and including this time."),
        ("sortProperty" = Option<String>, Query, description = "`createdTime`, `entityName`, `userName`, `actionType` or `actionStatus`."),
        ("sortOrder" = Option<String>, Query, description = "`ASC` or `DESC`."),
        ("actionTypes" = Option<String>, Query, description = "Only these, with commas between them."),
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
