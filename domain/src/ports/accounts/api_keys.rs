//! Keys with which programs act for a user.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::Principal;
use crate::{
    ids::{ApiKeyId, UserId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};

/// Keeps API keys. Of a value only a digest is stored.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Adds a key with its value. `false` if its user is gone.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn add_api_key(&self, key: ApiKey, value: ApiKeyValue) -> Result<bool, StoreError>;

    /// The key of that id, whoever's it is.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// The user's keys; the description is searched.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn api_keys_of(&self, user_id: UserId, page: PageRequest<ApiKeySort>)
    -> Result<ListPage<ApiKey>, StoreError>;

    /// Puts the key's description and switch in the place of those it had. `false` if there is no such key.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn save_api_key(&self, key: ApiKey) -> Result<bool, StoreError>;

    /// Deletes a key; from then on its value is worth nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be deleted.
    async fn delete_api_key(&self, id: ApiKeyId) -> Result<(), StoreError>;

    /// Who the value speaks for.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn principal_of_key(&self, value: &ApiKeyValue) -> Result<Result<Principal, KeyRefused>, StoreError>;
}

/// A key without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// For whom it acts.
    pub user_id: UserId,
    /// What it is for; for people.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// It may be used before this time; `None` = always.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// Whether its time has run out.
    pub fn is_expired_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|until| until <= now)
    }
}

/// What an API key list can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeySort {
    /// When it was made.
    Creation,
    /// What it is for.
    Description,
    /// When it expires.
    Expiry,
    /// Whether it may be used.
    Enabled,
}

/// Why an API key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefused {
    /// There is no such key.
    Unknown,
    /// Its time has run out.
    Expired,
    /// It is switched off, or its user may not sign in.
    Disabled,
}

/// The text with which a program signs in. Shows nothing in `Debug`.
#[derive(Clone)]
pub struct ApiKeyValue(Zeroizing<String>);

impl ApiKeyValue {
    /// Takes the text as it was presented.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret text, for its digest and for the one answer that shows it. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyValue(***)")
    }
}
