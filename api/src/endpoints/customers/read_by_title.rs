//! `GET /api/tenant/customers?customerTitle=`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::QueryParams,
    state::Shared,
    wire::CustomerJson,
};

/// Find a customer by its title
#[utoipa::path(
    get, path = "/api/tenant/customers", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(("customerTitle" = String, Query, description = "The exact title.")),
    responses(
        (status = 200, description = "The customer.", body = CustomerJson),
        (status = 400, description = "`customerTitle` is missing."),
        (status = 404, description = "The tenant has no customer of that title."),
    )
)]
pub(crate) async fn customer_by_title(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<CustomerJson>, ApiError> {
    let missing = || ApiError::malformed("Query parameter 'customerTitle' is missing");
    let title = query.text("customerTitle").ok_or_else(missing)?;
    let found = state.accounts.customer_titled(admin.tenant_id, title).await?;
    let none = || ApiError::NotFound(format!("Customer with title [{title}] is not found").into());
    found.map(|customer| Json(customer.into())).ok_or_else(none)
}
