//! `GET /api/customers`.

use axum::{Json, extract::State};
use deed_domain::ports::{AccountSort, PageRequest};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{QueryParams, page_request},
    state::Shared,
    wire::{CustomerJson, PageJson},
};

/// List the customers
#[utoipa::path(
    get, path = "/api/customers", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("pageSize" = u32, Query, minimum = 1, description = "Rows on a page."),
        ("page" = u32, Query, description = "Which page; 0 is the first."),
        ("textSearch" = Option<String>, Query, description = "A literal part of the title, in whatever case."),
        ("sortProperty" = Option<String>, Query, description = "`createdTime`, `title`, or a member of the contact."),
        ("sortOrder" = Option<String>, Query, description = "`ASC` or `DESC`, in whatever case."),
    ),
    responses(
        (status = 200, description = "A page of the tenant's customers.", body = PageJson<CustomerJson>),
        (status = 400, description = "The page is not one."),
    )
)]
pub(crate) async fn customers(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<PageJson<CustomerJson>>, ApiError> {
    let request: PageRequest<AccountSort> = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.accounts.customers(admin.tenant_id, request).await?;
    Ok(Json(PageJson::new(page, size, list.map(CustomerJson::from))))
}
