//! Personal links.

use async_trait::async_trait;
use deed_domain::{
    ids::UserId,
    ports::{LinkPurpose, LinkToken, NewLink, OfferedLink, PendingLink, PersonalLinks, StoreError},
    time::Timestamp,
};

use super::{Registry, accounts::folded};
use crate::memory::InMemoryStore;

impl Registry {
    fn pending(&self, user_id: UserId, purpose: LinkPurpose, after: Timestamp) -> Option<PendingLink> {
        let link = self.links.get(&(user_id, purpose)).filter(|link| link.expires_at > after)?;
        let token = link.is_shown_again.then(|| link.token.clone());
        Some(PendingLink { token, expires_at: link.expires_at })
    }

    fn bearer(&self, purpose: LinkPurpose, token: &LinkToken) -> Option<(UserId, Timestamp)> {
        let link = self.links.values().find(|link| link.purpose == purpose && link.token == *token)?;
        Some((link.user_id, link.expires_at))
    }
}

#[async_trait]
impl PersonalLinks for InMemoryStore {
    async fn offer_link(&self, link: NewLink, kept_if_good_until: Timestamp) -> Result<OfferedLink, StoreError> {
        let registry = &mut self.held().registry;
        if let Some(kept) = registry.pending(link.user_id, link.purpose, kept_if_good_until) {
            return Ok(OfferedLink::Kept(kept));
        }
        let bearer = registry.users.get(&link.user_id);
        if bearer.is_some_and(|(user, _)| folded(&user.email) == folded(&link.email)) {
            registry.links.insert((link.user_id, link.purpose), link);
        }
        Ok(OfferedLink::Taken)
    }

    async fn pending_link(&self, user_id: UserId, purpose: LinkPurpose) -> Result<Option<PendingLink>, StoreError> {
        let now = self.clock.now();
        Ok(self.held().registry.pending(user_id, purpose, now))
    }

    async fn link_bearer(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
    ) -> Result<Option<(UserId, Timestamp)>, StoreError> {
        Ok(self.held().registry.bearer(purpose, token))
    }

    async fn redeem_link(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let registry = &mut self.held().registry;
        let Some((user_id, _)) = registry.bearer(purpose, token).filter(|(_, expires_at)| now < *expires_at) else {
            return Ok(false);
        };
        let Some((_, credentials)) = registry.users.get_mut(&user_id) else { return Ok(false) };
        match purpose {
            LinkPurpose::Activation if credentials.password_hash.is_none() => credentials.enabled = true,
            LinkPurpose::PasswordReset if credentials.enabled => {}
            LinkPurpose::Activation | LinkPurpose::PasswordReset => return Ok(false),
        }
        credentials.password_hash = Some(password_hash);
        registry.links.retain(|(of, _), _| *of != user_id);
        registry.end_logins(user_id);
        Ok(true)
    }
}
