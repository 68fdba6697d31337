//! Which page of a list is asked for (`docs/protocol.md`, pages).

use deed_domain::ports::PageRequest;

use super::QueryParams;
use crate::error::ApiError;

/// The properties by which a list can be sorted, as they are called on the wire.
pub(crate) trait SortProperty: Sized {
    /// Without a property, a list stands in order of creation.
    const CREATION: Self;

    /// The property of that name.
    fn named(name: &str) -> Option<Self>;
}

/// Reads `pageSize`, `page`, `textSearch`, `sortProperty` and `sortOrder`.
pub(crate) fn page_request<S: SortProperty>(query: &QueryParams) -> Result<PageRequest<S>, ApiError> {
    let page_size = whole(query, "pageSize")?;
    let page = whole(query, "page")?;
    if page_size < 1 {
        return Err(ApiError::malformed(format!(
            "Incorrect page link page size '{page_size}'. Page size must be greater than zero."
        )));
    }
    if page < 0 {
        return Err(ApiError::malformed(format!("Incorrect page link page '{page}'. Page must be positive integer.")));
    }
    let in_range = |name: &str, number: i64| {
        u32::try_from(number).map_err(|_| ApiError::malformed(format!("Query parameter '{name}' is out of range")))
    };
    let sort = match query.text("sortProperty").filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(S::named(name).ok_or_else(|| ApiError::unknown("Query parameter 'sortProperty'", name))?),
    };
    let descending = descending(query)?;
    Ok(PageRequest {
        page: in_range("page", page)?,
        page_size: in_range("pageSize", page_size)?,
        text_search: query.text("textSearch").filter(|text| !text.is_empty()).map(str::to_owned),
        // An order without a property means nothing.
        descending: descending && sort.is_some(),
        sort: sort.unwrap_or(S::CREATION),
    })
}

fn whole(query: &QueryParams, name: &str) -> Result<i64, ApiError> {
    let text = query.text(name).ok_or_else(|| ApiError::malformed(format!("Query parameter '{name}' is missing")))?;
    text.parse().map_err(|_| ApiError::malformed(format!("Query parameter '{name}' must be a whole number")))
}

fn descending(query: &QueryParams) -> Result<bool, ApiError> {
    match query.text("sortOrder").filter(|order| !order.is_empty()) {
        None => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("ASC") => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("DESC") => Ok(true),
        Some(order) => {
            let shown: String = order.chars().take(16).collect();
            Err(ApiError::malformed(format!(
                "Unsupported sort order '{shown}'! Only 'ASC' or 'DESC' types are allowed."
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum By {
        Creation,
        Name,
    }

    impl SortProperty for By {
        const CREATION: Self = Self::Creation;

        fn named(name: &str) -> Option<Self> {
            match name {
                "createdTime" => Some(Self::Creation),
                "name" => Some(Self::Name),
                _ => None,
            }
        }
    }

    fn read(query: &str) -> Result<PageRequest<By>, String> {
        page_request(&QueryParams::of(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_is_read() {
        let page = read("pageSize=10&page=3&textSearch=a+b&sortProperty=name&sortOrder=desc").unwrap();
        let expected = PageRequest {
            page: 3,
            page_size: 10,
            text_search: Some("a b".to_owned()),
            sort: By::Name,
            descending: true,
        };
        assert_eq!((page.offset(), page), (30, expected));
    }

    #[test]
    fn an_order_without_a_property_means_nothing_and_a_property_alone_ascends() {
        let page = read("pageSize=1&page=0&sortOrder=DESC&textSearch=").unwrap();
        assert_eq!((page.sort, page.descending, page.text_search), (By::Creation, false, None));
        let page = read("pageSize=100000&page=0&sortProperty=name").unwrap();
        assert_eq!((page.sort, page.descending), (By::Name, false));
    }

    #[test]
    fn what_makes_no_page_is_refused() {
        for (query, message) in [
            ("page=0", "Query parameter 'pageSize' is missing"),
            ("pageSize=1", "Query parameter 'page' is missing"),
            ("pageSize=x&page=0", "Query parameter 'pageSize' must be a whole number"),
            ("pageSize=0&page=0", "Incorrect page link page size '0'. Page size must be greater than zero."),
            ("pageSize=1&page=-1", "Incorrect page link page '-1'. Page must be positive integer."),
            ("pageSize=1&page=4294967296", "Query parameter 'page' is out of range"),
            ("pageSize=1&page=0&sortOrder=UP", "Unsupported sort order 'UP'! Only 'ASC' or 'DESC' types are allowed."),
            ("pageSize=1&page=0&sortProperty=rubbish", "Query parameter 'sortProperty' cannot be 'rubbish'"),
        ] {
            assert_eq!(read(query).unwrap_err(), message);
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "(pageSize|page|sortOrder|textSearch)=[-0-9a-zA-Z%]{0,24}(&page=[-0-9]{0,24})?") {
            let _ = read(&query);
        }
    }
}
