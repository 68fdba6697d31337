//! Forgotten passwords: a user chooses another one.

use super::{People, PeopleError, UserRefusal};
use crate::{
    people::WriteLink,
    ports::{LinkPurpose, LinkToken, Message, NewLink, OfferedLink, Password, User},
    time::{HOUR, MINUTE},
};

/// How long a link for another password is good, milliseconds.
const GOOD_FOR: i64 = 24 * HOUR;
/// A user gets at most one such link in that time, milliseconds, however often somebody asks.
const INTERVAL: i64 = MINUTE;

impl People {
    /// Sends the user of that e-mail a link for another password. Nothing happens if there is no such user, or one that
    /// may not sign in, or if the user got one just before. Whoever asks must not learn which it was, nor how long it took.
    ///
    /// # Errors
    /// [`PeopleError::Store`].
    pub async fn send_password_reset(&self, email: &str, write: WriteLink<'_>) -> Result<(), PeopleError> {
        let Some((user, credentials)) = self.accounts.user_by_email(email).await? else { return Ok(()) };
        if !credentials.enabled || credentials.password_hash.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let token = self.new_token();
        let offered = NewLink {
            user_id: user.id,
            email: user.email.clone(),
            purpose: LinkPurpose::PasswordReset,
            token: token.clone(),
            expires_at: now.plus(GOOD_FOR),
            // A letter has it. Without a mail server it is looked up by whoever administers the service.
            is_shown_again: !self.mailer.has_server(),
        };
        let kept_if_good_until = now.plus(GOOD_FOR - INTERVAL);
        if self.accounts.offer_link(offered, kept_if_good_until).await? == OfferedLink::Taken {
            self.post(&user, Message::PasswordReset { link: write(&token), good_for_ms: GOOD_FOR });
        }
        Ok(())
    }

    /// Whether another password can be chosen with that token now.
    ///
    /// # Errors
    /// [`PeopleError::Store`] if the registry cannot be read.
    pub async fn can_reset_password(&self, token: &LinkToken) -> Result<bool, PeopleError> {
        let bearer = self.accounts.link_bearer(LinkPurpose::PasswordReset, token).await?;
        Ok(bearer.is_some_and(|(_, expires_at)| self.clock.now() < expires_at))
    }

    /// Gives the user of that link the password that it chose. All logins end. Gives the user, and the hash with which it
    /// signs in from now on.
    ///
    /// # Errors
    /// [`UserRefusal::UnknownReset`], [`UserRefusal::SamePassword`].
    pub async fn reset_password(&self, token: &LinkToken, password: Password) -> Result<(User, String), PeopleError> {
        let bearer = self.accounts.link_bearer(LinkPurpose::PasswordReset, token).await?;
        let (user_id, _) =
            bearer.filter(|(_, expires_at)| self.clock.now() < *expires_at).ok_or(UserRefusal::UnknownReset)?;
        let user = self.existing(user_id).await?;
        let (_, credentials) = self.accounts.user_by_email(&user.email).await?.ok_or(UserRefusal::UnknownReset)?;
        if self.passwords.verify(password.clone(), credentials.password_hash).await? {
            return Err(UserRefusal::SamePassword.into());
        }
        let hash = self.passwords.hash(password).await?;
        if !self.accounts.redeem_link(LinkPurpose::PasswordReset, token, hash.clone()).await? {
            return Err(UserRefusal::UnknownReset.into());
        }
        self.post(&user, Message::PasswordChanged);
        Ok((user, hash))
    }
}
