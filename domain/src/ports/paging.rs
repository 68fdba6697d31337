//! Lists that are read page by page.

/// Which part of a list is wanted, and in which order. `S` are the properties by which the list can be sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest<S> {
    /// Which page; 0 is the first.
    pub page: u32,
    /// Rows on a page, at least 1.
    pub page_size: u32,
    /// Only rows with this text in one of the fields that the list searches: a literal part of it, in whatever case.
    pub text_search: Option<String>,
    /// The property to sort by; rows that are equal in it stand in order of creation, or in the reverse of it where the
    /// list says so.
    pub sort: S,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl<S> PageRequest<S> {
    /// How many rows come before the page.
    pub fn offset(&self) -> u64 {
        u64::from(self.page) * u64::from(self.page_size)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<T> {
    /// Its rows; none if it lies beyond the end.
    pub rows: Vec<T>,
    /// How many rows the whole list has.
    pub total: u64,
}

impl<T> ListPage<T> {
    /// The same page of other rows.
    pub fn map<U>(self, row: impl FnMut(T) -> U) -> ListPage<U> {
        ListPage { rows: self.rows.into_iter().map(row).collect(), total: self.total }
    }
}
