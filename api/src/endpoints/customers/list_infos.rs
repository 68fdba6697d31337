//! `GET /api/customerInfos/all`.

use axum::{Json, extract::State};
use deed_domain::ports::{AccountSort, PageRequest};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{QueryParams, page_request},
    state::Shared,
    wire::{CustomerInfoJson, PageJson},
};

/// List the customers and who is above them
#[utoipa::path(
    get, path = "/api/customerInfos/all", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("pageSize" = u32, Query, minimum = 1, description = "Rows on a page."),
        ("page" = u32, Query, description = "Which page; 0 is the first."),
        ("textSearch" = Option<String>, Query, description = "A literal part of the title, in whatever case."),
        ("sortProperty" = Option<String>, Query, description = "`createdTime`, `title`, or a member of the contact."),
        ("sortOrder" = Option<String>, Query, description = "`ASC` or `DESC`, in whatever case."),
        ("includeCustomers" = Option<String>, Query, description = "`true` or `false`; no customer is above another, so \
                                                                    both mean the same."),
    ),
    responses(
        (status = 200, description = "A page of the tenant's customers.", body = PageJson<CustomerInfoJson>),
        (status = 400, description = "The page is not one."),
    )
)]
pub(crate) async fn customer_infos(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<PageJson<CustomerInfoJson>>, ApiError> {
    query.flag("includeCustomers")?;
    let request: PageRequest<AccountSort> = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.accounts.customers(admin.tenant_id, request).await?;
    let tenant = state.accounts.tenant(admin.tenant_id).await?;
    let title = tenant.as_ref().map(|tenant| tenant.title.as_str());
    Ok(Json(PageJson::new(page, size, list.map(|customer| CustomerInfoJson::new(customer, title)))))
}
