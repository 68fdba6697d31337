//! Reads requests: path, query, body, headers. Whatever is wrong becomes an [`crate::error::ApiError`]; no rejection of
//! the framework reaches a caller.

mod base_url;
mod body;
mod command_context;
mod email;
mod json_object;
mod name_conflict;
mod page_params;
mod page_query;
mod path;
mod query;
mod request_id;

pub(crate) use base_url::BaseUrl;
pub(crate) use body::{JsonBody, RawBody, SmallBody};
pub(crate) use command_context::CommandContext;
pub(crate) use email::email;
pub(crate) use json_object::JsonObject;
pub(crate) use name_conflict::{Attempt, NameConflict, NameConflictParams};
pub(crate) use page_params::PageParams;
pub(crate) use page_query::{SortProperty, page_request};
pub(crate) use path::{PathParams, check_path};
pub(crate) use query::{QueryParams, number_of};
pub(crate) use request_id::{REQUEST_ID, RequestId};

use uuid::Uuid;

use crate::error::ApiError;

/// Characters of a UUID in the one form that is accepted.
const UUID_LENGTH: usize = 36;

/// A UUID as RFC 9562 writes it; the other forms that libraries know (`urn:`, braces, no hyphens) are none.
pub(crate) fn uuid(text: &str) -> Result<Uuid, ApiError> {
    (text.len() == UUID_LENGTH)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
        .ok_or_else(|| ApiError::malformed(format!("Invalid UUID string: {}", shortened(text))))
}

/// So much of a text as fits into a message.
fn shortened(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_a_uuid() {
        assert!(uuid("784F394C-42b6-11f0-983c-b7beff2784f9").is_ok());
        for text in ["", "784f394c42b611f0983cb7beff2784f9", "{784f394c-42b6-11f0-983c-b7beff2784f9}", "rubbish"] {
            assert!(uuid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_shortened_between_characters() {
        assert_eq!(shortened(&"ü".repeat(100)).chars().count(), 64);
        assert_eq!(shortened("short"), "short");
    }
}
