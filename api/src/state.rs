//! What the endpoints work with.

use std::sync::Arc;

use deed_domain::{
    claims::Claims,
    deletions::Deletions,
    people::People,
    ports::{Accounts, Attributes, Clock, Credentials, Entropy, Feed, PasswordHasher, Profiles, TokenSigner},
};
use deed_projections::ReadModels;
use tokio::sync::watch;

use crate::{
    limits::{OpenStreams, RequestLimits},
    press::LabelPress,
};

/// What the handlers get: the state behind one pointer, as it is cloned for every request.
pub(crate) type Shared = Arc<ApiState>;

/// Everything that the endpoints need.
pub struct ApiState {
    /// The use cases.
    pub claims: Claims,
    /// Deletes customers and tenants.
    pub deletions: Deletions,
    /// The use cases around users.
    pub people: People,
    /// The log, for audits and for the readiness check.
    pub feed: Arc<dyn Feed>,
    /// Tenants, customers, users and their logins.
    pub accounts: Arc<dyn Accounts>,
    /// What devices authenticate with.
    pub credentials: Arc<dyn Credentials>,
    /// Plain attributes and `additionalInfo`.
    pub attributes: Arc<dyn Attributes>,
    /// Device profiles.
    pub profiles: Arc<dyn Profiles>,
    /// Device list, ownership, active keys, claim history.
    pub read_models: Arc<dyn ReadModels>,
    /// Checks passwords.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Signs and checks tokens.
    pub tokens: Arc<dyn TokenSigner>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub entropy: Arc<dyn Entropy>,
    /// How many requests may be sent.
    pub limits: RequestLimits,
    /// Who follows a log, so that nobody does it too often.
    pub streams: OpenStreams,
    /// Where labels are drawn.
    pub label_press: LabelPress,
    /// The installation's settings.
    pub settings: ApiSettings,
    /// Writes the metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the service wants requests.
    pub readiness: Readiness,
}

/// The settings of the REST API. The names in brackets are those of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// `iss` of the tokens (`security.jwt.tokenIssuer`).
    pub token_issuer: String,
    /// Life of an access token, seconds (`security.jwt.tokenExpirationTime`).
    pub access_token_seconds: i64,
    /// Life of a refresh token, seconds (`security.jwt.refreshTokenExpTime`).
    pub refresh_token_seconds: i64,
    /// Where links of this service lead (`server.base_url`); `None`: where the caller reached it.
    pub base_url: Option<String>,
    /// Whether a tenant's administrators may sign in as users of its customers (`security.user_token_access_enabled`).
    pub user_token_access: bool,
    /// What the value of a new API key begins with (`security.api_key.value_prefix`).
    pub api_key_prefix: String,
    /// Random bytes in the value of a new API key (`security.api_key.value_bytes_size`).
    pub api_key_bytes: usize,
    /// Longest request body, bytes (`server.http.max_payload_size`).
    pub max_body_bytes: usize,
    /// What a reclaim answers (`security.claim.reclaimBody`).
    pub reclaim_body: ReclaimBody,
    /// Whether `expirationTime` shows when the device's own key runs out (`security.claim.expirationTimeAttribute`).
    pub expiration_time_attribute: bool,
    /// Whether an attribute's text that looks like a number is stored as one (`transport.json.type_cast_enabled`).
    pub numeric_text_is_number: bool,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            token_issuer: "thingsboard.io".into(),
            access_token_seconds: 9_000,
            refresh_token_seconds: 604_800,
            base_url: None,
            user_token_access: true,
            api_key_prefix: "tb_".into(),
            api_key_bytes: 64,
            max_body_bytes: 16_777_216,
            reclaim_body: ReclaimBody::Result,
            expiration_time_attribute: true,
            numeric_text_is_number: true,
        }
    }
}

/// What a reclaim answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReclaimBody {
    /// `{"result":{},"setOrExpired":true}`.
    #[default]
    Result,
    /// Nothing.
    Empty,
}

/// Whether the service wants requests; shared between the API and whoever shuts the service down.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    draining: Arc<watch::Sender<bool>>,
}

impl Readiness {
    /// From now on the readiness check fails, so that no new requests are sent here. Those that come are answered;
    /// answers that would go on for ever end.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Waits until no new requests are wanted.
    pub(crate) async fn drained(&self) {
        // It can only fail when the sender is gone, which is held here.
        let _ = self.draining.subscribe().wait_for(|is_draining| *is_draining).await;
    }
}
