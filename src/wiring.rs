//! Puts adapters behind the ports, and the routers into one.

use std::{hash::Hash, sync::Arc, time::Duration};

use axum::Router;
use deed_adapters::{
    Store,
    mail::{MailSettingsError, MailWorker, NoMailServer, SmtpMailer},
    rate_limits::MemoryRateLimiter,
    secrets::{Argon2Cost, Argon2Hasher, HmacDigester, InvalidCost, JwtSigner, Pepper, PepperError, SignerError},
    surroundings::OsEntropy,
};
use deed_api::{ApiSettings, ApiState, LabelPress, OpenStreams, Readiness, RequestLimits};
use deed_domain::{
    claims::Claims,
    deletions::Deletions,
    gateways::Gateways,
    people::People,
    ports::{Clock, Entropy, Mailer, PasswordHasher, RateLimiter},
    provisioning::Provisioning,
    rate_limit::RateLimit,
};
use deed_transports::{
    bridge::Bridge,
    coap::{Coap, CoapSettings},
    device_protocol::{DeviceProtocol, MessageLimit, Waiting},
    http::{DeviceHttp, router as device_http},
    mqtt::{Mqtt, MqttSettings, over_websocket as mqtt_over_websocket},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, ReclaimBody, Secrets},
    deletion::DeletionWorker,
    expiry::ExpiryWorker,
    label_font::{self, LabelFontError},
    open_files::Connections,
};

/// The parts of a running service.
pub(crate) struct Service {
    /// What everything is kept in.
    pub(crate) store: Arc<dyn Store>,
    /// The use cases.
    pub(crate) claims: Claims,
    /// Hashes passwords.
    pub(crate) passwords: Arc<dyn PasswordHasher>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// New ids and random bytes.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Speaks MQTT with devices.
    pub(crate) mqtt: Arc<Mqtt>,
    /// Speaks CoAP with devices.
    pub(crate) coap: Arc<Coap>,
    /// The same over DTLS.
    pub(crate) coap_dtls: Arc<Coap>,
    /// Answers devices.
    pub(crate) protocol: DeviceProtocol,
    /// Takes messages from a broker, if there is one.
    pub(crate) bridge: Option<Bridge>,
    /// Answers requests.
    pub(crate) router: Router,
    /// Most connections at once over HTTP.
    pub(crate) most_http_connections: usize,
    /// Records the keys whose time ran out.
    pub(crate) expiry: ExpiryWorker,
    /// Sends letters, if there is a mail server.
    pub(crate) mail: Option<MailWorker>,
    /// Goes on with deletions.
    pub(crate) deletion: DeletionWorker,
    /// Whether new requests are wanted.
    pub(crate) readiness: Readiness,
    /// Cancelled when the service stops.
    pub(crate) stopping: CancellationToken,
}

/// Why the parts do not fit together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WiringError {
    /// The peppers cannot be used.
    #[error("security.peppers: {0}")]
    Peppers(#[from] PepperError),
    /// The signing key cannot be used.
    #[error("security.jwt.tokenSigningKey: {0}")]
    SigningKey(#[from] SignerError),
    /// The mail server cannot be used.
    #[error(transparent)]
    Mail(#[from] MailSettingsError),
    /// The font of labels cannot be used.
    #[error(transparent)]
    LabelFont(#[from] LabelFontError),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Passwords(#[from] InvalidCost),
}

impl Service {
    /// Builds a service over an open store.
    ///
    /// # Errors
    /// [`WiringError`].
    pub(crate) fn build(
        config: &Config,
        secrets: &Secrets,
        store: Arc<dyn Store>,
        metrics: PrometheusHandle,
        connections: Connections,
    ) -> Result<Self, WiringError> {
        let clock = store.time();
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let stored = Arc::clone(&store);
        let claims = claims(config, secrets, &store)?;
        let passwords: Arc<dyn PasswordHasher> =
            Arc::new(Argon2Hasher::new(Argon2Cost::default(), Arc::clone(&entropy))?);
        let (mailer, mail) = mail(config, &clock, &entropy)?;
        let people =
            People::new(stored.clone(), Arc::clone(&passwords), mailer, Arc::clone(&clock), Arc::clone(&entropy));
        let readiness = Readiness::default();
        let stopping = CancellationToken::new();
        let protocol = DeviceProtocol {
            claims: claims.clone(),
            gateways: Gateways::new(claims.clone(), stored.clone()),
            provisioning: Provisioning::new(claims.clone(), stored.clone(), stored.clone(), stored.clone()),
            credentials: stored.clone(),
            attributes: stored.clone(),
            profiles: stored.clone(),
            numeric_text_is_number: config.transport.numeric_text_is_number,
            most_attribute_bytes: config.transport.most_attribute_bytes,
            store: stored.clone(),
            feed: stored.clone(),
            waiting: Waiting::on(&*store),
            clock: Arc::clone(&clock),
            message_limit: config.limits.of_devices().map(message_limit),
        };
        let devices = DeviceHttp {
            protocol: protocol.clone(),
            legacy_ack: config.claim.legacy_ack,
            max_body_bytes: config.transport.http_body_limits.others.min(config.server.max_body_bytes),
            max_rpc_bytes: config.transport.http_body_limits.rpc.min(config.server.max_body_bytes),
            longest_wait: Duration::from_millis(config.transport.http_longest_wait_ms),
            stopping: stopping.clone(),
        };
        let mqtt = Mqtt::new(
            protocol.clone(),
            mqtt_settings(config, connections),
            Arc::clone(&entropy),
            stored.clone(),
            stopping.clone(),
        );
        let coap =
            || Coap::new(protocol.clone(), coap_settings(config), Arc::clone(&entropy), &*store, stopping.clone());
        // Each port has room of its own: what comes to one does not crowd the other.
        let (coap, coap_dtls) = (coap(), coap());
        let deletions = Deletions::new(claims.clone(), stored.clone(), stored.clone());
        let state = ApiState {
            claims: claims.clone(),
            deletions: deletions.clone(),
            people,
            feed: stored.clone(),
            accounts: stored.clone(),
            credentials: stored.clone(),
            attributes: stored.clone(),
            profiles: stored.clone(),
            read_models: stored.clone(),
            passwords: Arc::clone(&passwords),
            tokens: Arc::new(JwtSigner::new(secrets.signing_key.expose(), Arc::clone(&clock))?),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            limits: RequestLimits {
                tenant: config.limits.of_tenants().map(counted),
                customer: config.limits.of_customers().map(counted),
            },
            streams: OpenStreams::default(),
            label_press: LabelPress::new(label_font::read(config.labels.font.as_deref())?),
            settings: api_settings(config),
            metrics: Arc::new(move || metrics.render()),
            readiness: readiness.clone(),
        };
        let mut extra = if config.transport.http_enabled { device_http(devices) } else { Router::new() };
        if config.mqtt.enabled {
            extra = extra.merge(mqtt_over_websocket(Arc::clone(&mqtt)));
        }
        Ok(Self {
            deletion: DeletionWorker::new(deletions, Arc::clone(&clock), Arc::clone(&entropy)),
            expiry: ExpiryWorker::new(claims.clone(), stored.clone(), stored, Arc::clone(&clock)),
            mqtt,
            coap,
            coap_dtls,
            protocol,
            bridge: None,
            router: deed_api::router(state, extra),
            most_http_connections: connections.http,
            store,
            claims,
            passwords,
            clock,
            entropy,
            mail,
            readiness,
            stopping,
        })
    }
}

/// What digests claim keys.
///
/// # Errors
/// [`WiringError::Peppers`].
pub(crate) fn digester(secrets: &Secrets) -> Result<HmacDigester, WiringError> {
    Ok(HmacDigester::new(peppers(secrets))?)
}

/// The use cases over an open store.
///
/// # Errors
/// [`WiringError::Peppers`].
pub(crate) fn claims(config: &Config, secrets: &Secrets, store: &Arc<dyn Store>) -> Result<Claims, WiringError> {
    let digester = Arc::new(digester(secrets)?);
    let (events, profiles) = (Arc::clone(store), Arc::clone(store));
    Ok(Claims::new(events, profiles, digester, store.time(), Arc::new(OsEntropy), config.claim.policy()))
}

/// What takes letters, and what sends them.
fn mail(
    config: &Config,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<(Arc<dyn Mailer>, Option<MailWorker>), WiringError> {
    let Some(settings) = config.mail.server() else { return Ok((Arc::new(NoMailServer), None)) };
    let (mailer, worker) = SmtpMailer::new(settings, Arc::clone(clock), Arc::clone(entropy))?;
    Ok((Arc::new(mailer), Some(worker)))
}

/// What counts against the limit.
fn counted<K: Hash + Eq + Clone + Send + Sync + 'static>(limit: &RateLimit) -> Arc<dyn RateLimiter<K>> {
    Arc::new(MemoryRateLimiter::new(limit))
}

fn message_limit(limit: &RateLimit) -> MessageLimit {
    MessageLimit { limit: limit.clone(), limiter: counted(limit) }
}

fn peppers(secrets: &Secrets) -> Vec<Pepper> {
    let pepper = |named: &crate::config::NamedPepper| Pepper {
        id: named.id.clone(),
        secret: named.secret.expose().to_vec().into(),
    };
    secrets.peppers.iter().map(pepper).collect()
}

fn mqtt_settings(config: &Config, connections: Connections) -> MqttSettings {
    MqttSettings {
        most_connections: connections.mqtt,
        max_payload: config.mqtt.max_payload_bytes,
        idle_limit: Duration::from_millis(config.mqtt.idle_limit_ms),
        legacy_ack: config.claim.legacy_ack,
        closes_on_refusal: config.mqtt.closes_on_refusal,
        takes_expired_certificates: config.mqtt.takes_expired_certificates,
    }
}

fn coap_settings(config: &Config) -> CoapSettings {
    CoapSettings {
        piggyback_timeout: Duration::from_millis(config.coap.piggyback_timeout_ms),
        legacy_ack: config.claim.legacy_ack,
        takes_expired_certificates: config.coap.takes_expired_certificates,
        dtls_silence: Duration::from_millis(config.coap.dtls_silence_ms),
    }
}

fn api_settings(config: &Config) -> ApiSettings {
    ApiSettings {
        token_issuer: config.jwt.issuer.clone(),
        access_token_seconds: config.jwt.token_expiration_s,
        refresh_token_seconds: config.jwt.refresh_token_expiration_s,
        base_url: config.server.base_url.clone(),
        user_token_access: config.sign_in.user_token_access,
        api_key_prefix: config.sign_in.api_key_prefix.clone(),
        api_key_bytes: config.sign_in.api_key_bytes,
        max_body_bytes: config.server.max_body_bytes,
        reclaim_body: match config.claim.reclaim_body {
            ReclaimBody::Result => deed_api::ReclaimBody::Result,
            ReclaimBody::Empty => deed_api::ReclaimBody::Empty,
        },
        expiration_time_attribute: config.claim.expiration_time_attribute,
        numeric_text_is_number: config.transport.numeric_text_is_number,
    }
}
