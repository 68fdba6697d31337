//! `GET /api/customer/{customerId}/users`.

use axum::{Json, extract::State};
use deed_domain::{ids::CustomerId, ports::UsersOf};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{PageParams, PathParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, UserJson},
};

/// List the users of a customer
#[utoipa::path(
    get, path = "/api/customer/{customerId}/users", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer."), PageParams),
    responses(
        (status = 200, description = "A page of users.", body = PageJson<UserJson>),
        (status = 400, description = "The id is no UUID, or the query makes no page."),
        (status = 404, description = "There is no customer of that id."),
    )
)]
pub(crate) async fn users_of_customer(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<PageJson<UserJson>>, ApiError> {
    let id: CustomerId = path.id("customerId")?;
    let request = page_request(&query)?;
    let customer = state.accounts.customer(id).await?;
    let customer =
        customer.ok_or_else(|| ApiError::NotFound(format!("Customer with id [{id}] is not found").into()))?;
    if customer.tenant_id != admin.tenant_id {
        return Err(ApiError::Forbidden);
    }
    let (page, size) = (request.page, request.page_size);
    let list = state.accounts.users(UsersOf::Customer(id), request).await?;
    Ok(Json(PageJson::new(page, size, list.map(super::row))))
}
