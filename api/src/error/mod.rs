//! Refusals and faults of the API, typed. What HTTP makes of each stands in [`report`]; [`body`] writes it.
//!
//! A handler returns an [`ApiError`]; turned into a response it is an empty one that carries the error, and the outermost
//! layer writes the body. Routers of other crates do the same with `deed_domain::claims::Failure` or an
//! `Arc<dyn Error + Send + Sync>` as the response's extension.

mod body;
mod people;
mod refused;
mod report;

use std::borrow::Cow;

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use deed_domain::{
    attributes::InvalidAttributes,
    claims::Failure,
    credentials::InvalidCredentials,
    ids::DeviceId,
    people::{PeopleError, UserRefusal},
    ports::{AppendError, StoreError, TooMany},
};
use deed_labels::Unprintable;

pub(crate) use body::{Format, accepts, told, written};
pub(crate) use report::{ErrorBody, Problem};

use crate::limits::Limited;

/// So much of a word that makes no sense is told back.
const SHOWN_CHARACTERS: usize = 64;

/// Why a request is not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Who asks is not known.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The caller's tenant or customer has sent as much as it may.
    #[error("Too many requests for current {}!", limited.name())]
    TooManyRequests { limited: Limited, too_many: TooMany },
    /// So many of the tenant follow its log already.
    #[error("Too many streams of this tenant are open.")]
    TooManyStreams,
    /// The caller may not do that.
    #[error("You don't have permission to perform this operation!")]
    Forbidden,
    /// The platform's operators touch no attributes.
    #[error("System administrator is not allowed to perform this operation!")]
    ForbiddenToOperators,
    /// The request makes no sense: its path, query, headers or body. The text names no value that could be a secret.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// The request makes sense and breaks a rule.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// Some devices can have no such label.
    #[error(transparent)]
    Unprintable(#[from] Unprintable),
    /// These attributes cannot be stored.
    #[error(transparent)]
    Attributes(#[from] InvalidAttributes),
    /// A device cannot be given these credentials.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
    /// What the request is about does not exist.
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    /// There is nothing at this path.
    #[error("No static resource {0}.")]
    NoRoute(Box<str>),
    /// The resource knows no such method.
    #[error("Request method '{0}' is not supported")]
    NoMethod(Method),
    /// The body is longer than this many bytes.
    #[error("Payload size exceeds the limit of {0} bytes")]
    PayloadTooLarge(usize),
    /// The body did not come in time.
    #[error("The request body did not arrive in time")]
    BodyTimeout,
    /// A use case failed; the caller may know exactly why.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A claim failed; a claimant is told no more than what it needs.
    #[error(transparent)]
    ClaimFailed(Failure),
    /// The rules around users say no.
    #[error(transparent)]
    User(#[from] UserRefusal),
    /// Somebody else saved it in between; what it is, in a word.
    #[error("{0} was already changed by someone else")]
    Changed(&'static str),
    /// The store holds something that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A handler panicked.
    #[error("a handler panicked")]
    Panicked,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthenticated {
    /// No credentials, or none that could be meant as such.
    #[error("Authentication failed")]
    NoCredentials,
    /// The credentials are wrong. Does not say which part of them.
    #[error("Invalid username or password")]
    BadCredentials,
    /// The password is right and the account is disabled.
    #[error("User account is not active")]
    Disabled,
    /// The API key's time is over.
    #[error("API key is expired")]
    KeyExpired,
    /// The token's time is over, or its login has ended.
    #[error("Token has expired")]
    Expired,
    /// A login by another method than POST.
    #[error("Authentication method not supported")]
    MethodNotSupported,
}

impl ApiError {
    /// The word in that place is none of those that can stand there. No more of it is told back than it takes to find it.
    pub(crate) fn unknown(place: &str, word: &str) -> Self {
        let shown: String = word.chars().take(SHOWN_CHARACTERS).collect();
        let rest = if shown.len() < word.len() { "…" } else { "" };
        Self::malformed(format!("{place} cannot be '{shown}{rest}'"))
    }

    pub(crate) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(message.into())
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn no_device(id: DeviceId) -> Self {
        Self::NotFound(format!("Device with id [{id}] is not found").into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Failed(AppendError::from(error).into())
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Refused(refusal) => refusal.into(),
            PeopleError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
