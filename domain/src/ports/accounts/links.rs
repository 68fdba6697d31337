//! Personal links: whoever opens one chooses the password of one user.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{ids::UserId, ports::StoreError, time::Timestamp};

/// Keeps the links that have not been used yet: of each user at most one for each purpose, so that asking again and again
/// makes nothing grow.
#[async_trait]
pub trait PersonalLinks: Send + Sync {
    /// Puts the link in the place of the user's older one, unless that one is good until after `kept_if_good_until`. If
    /// there is no such user, or it has another e-mail by now, the link is good for nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn offer_link(&self, link: NewLink, kept_if_good_until: Timestamp) -> Result<OfferedLink, StoreError>;

    /// The user's link for that purpose if it has not been used and has not expired.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn pending_link(&self, user_id: UserId, purpose: LinkPurpose) -> Result<Option<PendingLink>, StoreError>;

    /// Whose link has that token, and until when it is good; links that have expired are told, too, until another takes
    /// their place.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn link_bearer(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
    ) -> Result<Option<(UserId, Timestamp)>, StoreError>;

    /// Uses up the link, gives its user the password and ends all of the user's logins; an activation also lets the user
    /// sign in from now on. `false`, and nothing is changed, if there is no such link any more, it has expired, or the
    /// user may not use it: an active user is not activated, and a disabled one gets no new password.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn redeem_link(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
        password_hash: String,
    ) -> Result<bool, StoreError>;
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkPurpose {
    /// A new user's first password.
    Activation,
    /// Another password instead of a forgotten one.
    PasswordReset,
}

impl LinkPurpose {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activation => "ACTIVATION",
            Self::PasswordReset => "PASSWORD_RESET",
        }
    }
}

/// The secret part of a link. Shows nothing in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(Zeroizing<String>);

impl LinkToken {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret text, for the link itself. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(***)")
    }
}

/// A link to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Whose password it chooses.
    pub user_id: UserId,
    /// The e-mail that the user is known by. A link is never good for longer than the user has that e-mail.
    pub email: String,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Its secret.
    pub token: LinkToken,
    /// From this time on it is good for nothing.
    pub expires_at: Timestamp,
    /// Whether it has to be shown again. Otherwise no more of its secret is stored than it takes to recognise it.
    pub is_shown_again: bool,
}

/// A link that waits to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLink {
    /// Its secret, if it is to be shown again.
    pub token: Option<LinkToken>,
    /// From this time on it is good for nothing.
    pub expires_at: Timestamp,
}

/// The link that a user has after one was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferedLink {
    /// The one that was offered.
    Taken,
    /// The older one.
    Kept(PendingLink),
}
