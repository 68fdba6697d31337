//! What HTTP makes of an error: the one place where statuses, codes and texts meet.

use std::borrow::Cow;

use axum::http::StatusCode;
use deed_domain::{claims::Failure, time::Timestamp};
use deed_labels::LabelError;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Unauthenticated, people, refused};

/// An error as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) status: StatusCode,
    /// ThingsBoard's number for the kind of error.
    pub(super) error_code: u16,
    /// The stable code word.
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// When the same request may succeed.
    pub(super) retry: Option<Retry>,
    /// Where the default body is a bare JSON string and not an object.
    pub(super) bare: Option<Bare>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    AfterSeconds(i64),
    At(Timestamp),
}

/// A body that is a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// This word, as `application/json`.
    Word(&'static str),
    /// The message, without a Content-Type.
    Message,
}

/// The number of a changed version; another conflict is a bad request.
pub(super) const VERSION_CONFLICT: u16 = 35;

/// When a stream may be opened again if there are too many, seconds.
const STREAM_RETRY: i64 = 5;

/// The number that stands for a status where nothing more exact is known.
pub(super) fn error_code(status: StatusCode) -> u16 {
    match status {
        StatusCode::UNAUTHORIZED => 10,
        StatusCode::FORBIDDEN => 20,
        StatusCode::NOT_FOUND => 32,
        StatusCode::TOO_MANY_REQUESTS => 33,
        _ if status.is_server_error() => 2,
        _ => 31,
    }
}

impl Report {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error_code: error_code(status), code, message: message.into(), retry: None, bare: None }
    }

    /// The fault of a request, found by a router of another crate.
    pub(super) fn of_fault(status: StatusCode, message: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self { bare: Some(Bare::Message), ..Self::new(status, "payload_too_large", message) }
            }
            StatusCode::METHOD_NOT_ALLOWED => Self::new(status, "method_not_allowed", message),
            _ => Self::new(status, "malformed_request", message),
        }
    }

    /// The failure of a use case in a router of another crate, which decides the status of a refusal.
    pub(super) fn of_failure(status: StatusCode, failure: &Failure) -> Self {
        let report = refused::report(failure);
        match failure {
            Failure::Refused(_) if report.status == status => report,
            Failure::Refused(_) => Self { status, error_code: error_code(status), ..report },
            Failure::NotAppended(_) => report,
        }
    }
}

impl From<&ApiError> for Report {
    fn from(error: &ApiError) -> Self {
        let message = || error.to_string();
        match error {
            ApiError::Unauthenticated(why) => {
                let code = match why {
                    Unauthenticated::NoCredentials | Unauthenticated::MethodNotSupported => "authentication_failed",
                    Unauthenticated::BadCredentials => "bad_credentials",
                    Unauthenticated::KeyExpired => "api_key_expired",
                    Unauthenticated::Disabled => "account_disabled",
                    Unauthenticated::Expired => "token_expired",
                };
                let error_code = if *why == Unauthenticated::Expired { 11 } else { 10 };
                Self { error_code, ..Self::new(StatusCode::UNAUTHORIZED, code, message()) }
            }
            ApiError::TooManyRequests { too_many, .. } => {
                let report = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message());
                let seconds = i64::try_from(too_many.seconds()).unwrap_or(i64::MAX);
                Self { retry: Some(Retry::AfterSeconds(seconds)), ..report }
            }
            ApiError::TooManyStreams => {
                let report = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", message());
                Self { retry: Some(Retry::AfterSeconds(STREAM_RETRY)), ..report }
            }
            ApiError::Forbidden | ApiError::ForbiddenToOperators => {
                Self::new(StatusCode::FORBIDDEN, "permission_denied", message())
            }
            ApiError::Malformed(text) => Self::new(StatusCode::BAD_REQUEST, "malformed_request", text.clone()),
            ApiError::Invalid(text) => Self::new(StatusCode::BAD_REQUEST, "validation_failed", text.clone()),
            ApiError::Unprintable(unprintable) => {
                let code = match unprintable.why {
                    LabelError::NotPrintable => "name_not_printable",
                    LabelError::TooLong => "name_too_long_for_size",
                };
                Self::new(StatusCode::BAD_REQUEST, code, message())
            }
            ApiError::Attributes(why) => Self::new(StatusCode::BAD_REQUEST, why.code(), message()),
            ApiError::Credentials(why) => Self::new(StatusCode::BAD_REQUEST, why.code(), message()),
            ApiError::NotFound(text) => Self::new(StatusCode::NOT_FOUND, "not_found", text.clone()),
            ApiError::NoRoute(_) => Self::new(StatusCode::NOT_FOUND, "no_such_resource", message()),
            ApiError::NoMethod(_) => Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message()),
            ApiError::PayloadTooLarge(_) => Self::of_fault(StatusCode::PAYLOAD_TOO_LARGE, message()),
            ApiError::BodyTimeout => Self::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message()),
            ApiError::Changed(_) => {
                Self { error_code: VERSION_CONFLICT, ..Self::new(StatusCode::CONFLICT, "version_conflict", message()) }
            }
            ApiError::Failed(failure) => refused::report(failure),
            ApiError::ClaimFailed(failure) => refused::report_to_claimant(failure),
            ApiError::User(refusal) => people::report(refusal),
            ApiError::Unreadable(_) | ApiError::Panicked => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", refused::INTERNAL)
            }
        }
    }
}

/// The error body of ThingsBoard's clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    /// The HTTP status.
    #[schema(example = 404)]
    pub(crate) status: u16,
    /// For people.
    #[schema(example = "Requested item wasn't found!")]
    pub(crate) message: Cow<'static, str>,
    /// 2 general, 10 authentication, 11 token expired, 20 permission denied, 31 bad request, 32 not found,
    /// 33 too many requests, 35 version conflict.
    #[schema(example = 32)]
    pub(crate) error_code: u16,
    /// When, milliseconds since the epoch.
    #[schema(example = 1_735_689_600_000_i64)]
    pub(crate) timestamp: i64,
}

/// A problem as RFC 9457 has it, for callers that accept `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Always `about:blank`: what sets problems apart is their code.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub(crate) kind: &'static str,
    /// The status in words.
    #[schema(example = "Bad Request")]
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    pub(crate) status: u16,
    /// For people, about this occurrence.
    #[schema(example = "The device cannot be claimed with this key.")]
    pub(crate) detail: Cow<'static, str>,
    /// `urn:deed:request:` and the request id.
    #[schema(example = "urn:deed:request:0192f6c0-6a5e-7c3b-9d2f-0b8a5c1d2e3f")]
    pub(crate) instance: String,
    /// The stable code word; programs may rely on it.
    #[schema(example = "claim_failed")]
    pub(crate) code: &'static str,
    /// As in the header `X-Request-Id`, and in the service's log.
    #[schema(example = "0192f6c0-6a5e-7c3b-9d2f-0b8a5c1d2e3f")]
    pub(crate) request_id: String,
    /// As in the default body.
    #[schema(example = 31)]
    pub(crate) error_code: u16,
}
