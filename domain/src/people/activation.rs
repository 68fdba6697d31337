//! Activation: a new user chooses a password.

use super::{
    People, PeopleError, UserRefusal, WriteLink,
    access::{Access, check},
};
use crate::{
    ids::UserId,
    ports::{LinkPurpose, LinkToken, Message, NewLink, OfferedLink, Password, Principal, User},
    time::{HOUR, MINUTE},
};

/// How long an activation link is good, milliseconds.
const GOOD_FOR: i64 = 24 * HOUR;
/// A link with less than that left gives way to a new one, milliseconds.
const TOO_LITTLE: i64 = 15 * MINUTE;
/// So much of an unknown token is told back.
const SHOWN_CHARACTERS: usize = 64;

/// A link with which a new user chooses a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationLink {
    /// Its secret.
    pub token: LinkToken,
    /// How long it is still good, milliseconds.
    pub good_for_ms: i64,
}

impl People {
    /// The activation link of a user; the same as the last time, unless its time is nearly over.
    ///
    /// # Errors
    /// [`UserRefusal::NotFound`], [`UserRefusal::NotPermitted`], and [`UserRefusal::AlreadyActivated`] if the user has
    /// chosen a password.
    pub async fn activation_link(&self, caller: &Principal, id: UserId) -> Result<ActivationLink, PeopleError> {
        let user = self.existing(id).await?;
        check(caller, Access::Administer, &user)?;
        self.link_of(&user).await
    }

    /// Sends the activation link to the user of that e-mail.
    ///
    /// # Errors
    /// [`UserRefusal::EmailUnknown`], [`UserRefusal::NotPermitted`], [`UserRefusal::AlreadyActivated`].
    pub async fn send_activation(
        &self,
        caller: &Principal,
        email: &str,
        write: WriteLink<'_>,
    ) -> Result<(), PeopleError> {
        let (user, _) = self.accounts.user_by_email(email).await?.ok_or(UserRefusal::EmailUnknown)?;
        check(caller, Access::Administer, &user)?;
        self.invite(&user, write).await
    }

    pub(super) async fn invite(&self, user: &User, write: WriteLink<'_>) -> Result<(), PeopleError> {
        let ActivationLink { token, good_for_ms } = self.link_of(user).await?;
        self.post(user, Message::Activation { link: write(&token), good_for_ms });
        Ok(())
    }

    async fn link_of(&self, user: &User) -> Result<ActivationLink, PeopleError> {
        let account = self.accounts.account(user.id).await?.ok_or(UserRefusal::NotFound(user.id))?;
        if account.is_activated {
            return Err(UserRefusal::AlreadyActivated.into());
        }
        let now = self.clock.now();
        let offered = NewLink {
            user_id: user.id,
            email: user.email.clone(),
            purpose: LinkPurpose::Activation,
            token: self.new_token(),
            expires_at: now.plus(GOOD_FOR),
            // An administrator can ask for it until it is used, and sees the same link each time.
            is_shown_again: true,
        };
        let fresh = ActivationLink { token: offered.token.clone(), good_for_ms: GOOD_FOR };
        match self.accounts.offer_link(offered.clone(), now.plus(TOO_LITTLE)).await? {
            OfferedLink::Taken => Ok(fresh),
            OfferedLink::Kept(kept) => Ok(match kept.token {
                Some(token) => ActivationLink { token, good_for_ms: kept.expires_at.since(now) },
                None => {
                    self.accounts.offer_link(offered, now.plus(GOOD_FOR)).await?;
                    fresh
                }
            }),
        }
    }

    /// Whether a user can be activated with that token now.
    ///
    /// # Errors
    /// [`PeopleError::Store`] if the registry cannot be read.
    pub async fn can_activate(&self, token: &LinkToken) -> Result<bool, PeopleError> {
        let bearer = self.accounts.link_bearer(LinkPurpose::Activation, token).await?;
        Ok(bearer.is_some_and(|(_, expires_at)| self.clock.now() < expires_at))
    }

    /// Activates a user with the password that it chose; `confirmation` sends it a letter. Gives the user, and the hash
    /// with which it signs in from now on.
    ///
    /// # Errors
    /// [`UserRefusal::UnknownActivation`], [`UserRefusal::ActivationExpired`].
    pub async fn activate(
        &self,
        token: &LinkToken,
        password: Password,
        confirmation: bool,
    ) -> Result<(User, String), PeopleError> {
        let unknown = || UserRefusal::UnknownActivation(token.expose().chars().take(SHOWN_CHARACTERS).collect());
        let bearer = self.accounts.link_bearer(LinkPurpose::Activation, token).await?;
        let (user_id, expires_at) = bearer.ok_or_else(unknown)?;
        if expires_at <= self.clock.now() {
            return Err(UserRefusal::ActivationExpired.into());
        }
        let hash = self.passwords.hash(password).await?;
        if !self.accounts.redeem_link(LinkPurpose::Activation, token, hash.clone()).await? {
            return Err(unknown().into());
        }
        let user = self.existing(user_id).await?;
        if confirmation {
            self.post(&user, Message::Activated);
        }
        Ok((user, hash))
    }
}
