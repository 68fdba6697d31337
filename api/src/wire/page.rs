//! Pages of lists.

use deed_domain::ports::ListPage;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageJson<T> {
    /// The page's rows; empty beyond the end.
    data: Vec<T>,
    /// Pages of the whole list.
    total_pages: u64,
    /// Rows of the whole list.
    total_elements: u64,
    /// Whether there is a page after this one.
    has_next: bool,
}

impl<T> PageJson<T> {
    /// The page that was asked for by this number and size.
    pub(crate) fn new(page: u32, page_size: u32, list: ListPage<T>) -> Self {
        let total_pages = list.total.div_ceil(u64::from(page_size.max(1)));
        Self { data: list.rows, total_pages, total_elements: list.total, has_next: u64::from(page) + 1 < total_pages }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let page = |page, rows, total| json!(PageJson::new(page, 2, ListPage { rows, total }));
        let expected = |data, pages, total, next| json!({"data": data, "totalPages": pages, "totalElements": total, "hasNext": next});
        assert_eq!(page(0, vec![1, 2], 3), expected(json!([1, 2]), 2, 3, true));
        assert_eq!(page(1, vec![3], 3), expected(json!([3]), 2, 3, false));
        assert_eq!(page(9, vec![], 3), expected(json!([]), 2, 3, false));
        assert_eq!(page(0, vec![], 0), expected(json!([]), 0, 0, false));
    }
}
