//! `GET /api/audit/logs/user/{userId}`.

use axum::extract::State;
use deed_domain::ports::Scope;

use super::{
    Answer,
    entry::AuditLogJson,
    question::{About, AuditLogParams, Question},
};
use crate::{
    authentication::{HistoryReader, Only},
    extract::{PathParams, QueryParams},
    state::Shared,
    wire::PageJson,
};

/// Read a user's audit log
///
/// What the user did, failed claims included. What is not about a device is in no log.
#[utoipa::path(
    get, path = "/api/audit/logs/user/{userId}", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("userId" = uuid::Uuid, Path, description = "The person who acted."),
        AuditLogParams,
    ),
    responses(
        (status = 200, description = "The page.", body = PageJson<AuditLogJson>),
        (status = 400, description = "A parameter is malformed."),
    )
)]
pub(crate) async fn user_audit_log(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Answer {
    let about = About::User(path.id("userId")?);
    let scope = Scope::Tenant(reader.tenant_id);
    super::answer(&state, Question::read(&query, reader.tenant_id, scope, about)?).await
}
