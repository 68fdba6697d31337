//! The parameters of a page, as the OpenAPI document shows them.

use utoipa::IntoParams;

/// Which part of a list is wanted; read by [`super::page_request`].
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the query; `page_request` reads it")]
pub(crate) struct PageParams {
    /// Rows on a page.
    #[param(minimum = 1, example = 10)]
    page_size: u32,
    /// Which page; 0 is the first.
    #[param(example = 0)]
    page: u32,
    /// Only rows with this text in one of the fields that the list searches: a literal part, in whatever case.
    text_search: Option<String>,
    /// The property to sort by; without it the rows stand in order of creation.
    sort_property: Option<String>,
    /// `ASC`, which is what counts without it, or `DESC`; in any case.
    sort_order: Option<String>,
}
