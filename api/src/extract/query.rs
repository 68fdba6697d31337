//! Query parameters.

use std::{fmt::Display, ops::RangeBounds, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use super::path::is_encoded_utf8;
use crate::{error::ApiError, state::Shared};

/// The parameters in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct QueryParams(Vec<(String, String)>);

impl QueryParams {
    /// The first value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| of == name).map(|(_, text)| text.as_str())
    }

    /// What the parameters are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, text)| text.as_str())
    }

    /// A flag, `true` or `false` in any case; `None` if the parameter is missing or empty.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None | Some("") => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::malformed(format!("Query parameter '{name}' must be true or false"))),
        }
    }

    /// A whole number within the range; `None` if the parameter is missing.
    pub(crate) fn number<T>(&self, name: &str, range: impl RangeBounds<T>) -> Result<Option<T>, ApiError>
    where
        T: FromStr + PartialOrd + Display,
    {
        self.text(name).map(|text| number_of(&format!("Query parameter '{name}'"), text, range)).transpose()
    }
}

/// The text as a whole number within the range; `place` is where it stands, for the error.
pub(crate) fn number_of<T>(place: &str, text: &str, range: impl RangeBounds<T>) -> Result<T, ApiError>
where
    T: FromStr + PartialOrd + Display,
{
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::malformed(format!("{place} must be a whole number")));
    }
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| ApiError::malformed(format!("{place} is out of range")))
}

impl FromRequestParts<Shared> for QueryParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        let malformed = || ApiError::malformed("The query is malformed");
        if !parts.uri.query().is_none_or(is_encoded_utf8) {
            return Err(malformed());
        }
        let Query(params) = Query::try_from_uri(&parts.uri).map_err(|_| malformed())?;
        Ok(Self(params))
    }
}

#[cfg(test)]
impl QueryParams {
    /// Those of a query that can be decoded.
    pub(crate) fn of(query: &str) -> Self {
        let uri = format!("/?{query}").parse().unwrap();
        Self(Query::try_from_uri(&uri).unwrap().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> QueryParams {
        QueryParams::of(query)
    }

    #[test]
    fn a_flag_is_read_in_any_case() {
        let flag = |query| of(query).flag("f").ok();
        assert_eq!(
            ["f=true", "f=False", "f=TRUE", "f=", ""].map(flag),
            [Some(Some(true)), Some(Some(false)), Some(Some(true)), Some(None), Some(None)]
        );
        assert_eq!((flag("f=1"), flag("f=yes")), (None, None));
    }

    #[test]
    fn values_are_decoded_and_may_repeat() {
        let query = of("key=a+b&key=c%2Cd&keys=");
        assert_eq!(query.all("key").collect::<Vec<_>>(), ["a b", "c,d"]);
        assert_eq!((query.text("keys"), query.text("other")), (Some(""), None));
    }

    #[test]
    fn bytes_that_are_no_text_are_not_replaced() {
        for (query, is_text) in [("a=%C3%BC", true), ("a=b+c", true), ("a=%ff", false), ("a=%f", false), ("a=%", false)]
        {
            assert_eq!(is_encoded_utf8(query), is_text, "{query}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_refused() {
        assert_eq!(of("limit=7").number("limit", 1..=10_u32).unwrap(), Some(7));
        assert_eq!(of("").number("limit", 1..=10_u32).unwrap(), None);
        let refused = |query: &str| of(query).number("limit", 1..=10_u32).unwrap_err().to_string();
        for query in ["limit=0", "limit=11", "limit=-1", "limit=99999999999999999999"] {
            assert_eq!(refused(query), "Query parameter 'limit' is out of range", "{query}");
        }
        for query in ["limit=", "limit=x", "limit=-", "limit=1.5", "limit=1e1", "limit=%201"] {
            assert_eq!(refused(query), "Query parameter 'limit' must be a whole number", "{query}");
        }
    }
}
