//! `GET /api/audit/logs/customer/{customerId}`.

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

/// Read a customer's audit log
///
/// What concerns the customer, its failed claims included. What is not about a device is in no log.
#[utoipa::path(
    get, path = "/api/audit/logs/customer/{customerId}", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("customerId" = uuid::Uuid, Path, description = "The customer."),
        AuditLogParams,
    ),
    responses(
        (status = 200, description = "The page.", body = PageJson<AuditLogJson>),
        (status = 400, description = "A parameter is malformed."),
    )
)]
pub(crate) async fn customer_audit_log(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Answer {
    let about = About::Customer(path.id("customerId")?);
    let scope = Scope::Tenant(reader.tenant_id);
    super::answer(&state, Question::read(&query, reader.tenant_id, scope, about)?).await
}
