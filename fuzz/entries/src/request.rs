//! A whole request to the HTTP port, against the real store.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use deed_adapters::{
    mail::NoMailServer,
    secrets::{Argon2Cost, Argon2Hasher, HmacDigester, JwtSigner, Pepper},
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::{OsEntropy, SystemClock},
};
use deed_api::{ApiSettings, ApiState, LabelPress, OpenStreams, Readiness, RequestLimits};
use deed_domain::{
    claim_key::PepperId,
    claims::Claims,
    deletions::Deletions,
    device::ClaimPolicy,
    gateways::Gateways,
    ids::{CustomerId, ProfileId, TenantId, UserId},
    people::People,
    ports::{Accounts, Authority, Clock, Customer, Password, PasswordHasher, Profile, Tenant, User, UserCredentials},
    provisioning::Provisioning,
};
use deed_labels::Font;
use deed_transports::{
    device_protocol::{DeviceProtocol, Waiting},
    http::{DeviceHttp, router as device_http},
    mqtt::{Mqtt, MqttSettings},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(2));
/// Who signs in, by the word that a request begins with; the password is the same word.
const PEOPLE: [(&str, Authority, Option<TenantId>, Option<CustomerId>); 4] = [
    ("operator", Authority::SysAdmin, None, None),
    ("tenant", Authority::TenantAdmin, Some(TENANT), None),
    ("customer", Authority::CustomerUser, Some(TENANT), Some(CUSTOMER)),
    ("auditor", Authority::Auditor, Some(TENANT), None),
];
/// The device that requests can be about, with its token.
const DEVICE: &str = "D1";
pub(crate) const TOKEN: &str = "D1-TOKEN";
/// Longest answer that is read.
const ANSWER: usize = 16 << 20;

/// A service as it runs, but for the sockets.
pub(crate) struct Service {
    pub(crate) runtime: Runtime,
    pub(crate) mqtt: Arc<Mqtt>,
    pub(crate) protocol: DeviceProtocol,
    pub(crate) store: Arc<SqliteStore>,
    router: Router,
    tokens: Vec<(&'static str, String)>,
    device_id: String,
    _directory: TempDir,
}

/// A request as a text: who asks (`nobody`, `tenant` …), method and target on the first line, headers on the next ones,
/// an empty line, the body. `{device}` in the target stands for the id of a device. Requests follow one another on the
/// same store, as they would on a server.
///
/// Whatever comes is answered, by no 5xx, and a refusal says why: by a code, or by a text of the protocol.
pub fn request(input: &[u8]) -> bool {
    let service = Service::shared();
    let Some(request) = service.read(input) else { return false };
    let (status, body) = service.runtime.block_on(service.ask(request));
    assert!(!status.is_server_error(), "{status}: {}", String::from_utf8_lossy(&body));
    if status.is_client_error() {
        let told: Option<Value> = serde_json::from_slice(&body).ok();
        let has_reason =
            told.is_some_and(|told| told["errorCode"].is_u64() || told["code"].is_string() || told.is_string());
        // A device with an unknown token is told nothing.
        assert!(has_reason || (status == StatusCode::UNAUTHORIZED && body.is_empty()), "{status} without a reason");
    }
    status.is_success()
}

/// The body of a request for labels, by an administrator. What is printed is whole, in the format that it is said to be.
pub fn labels_request(input: &[u8]) -> bool {
    let head = b"tenant POST /api/devices/labels\nContent-Type: application/json\n\n";
    let service = Service::shared();
    let Some(request) = service.read(&[head, input].concat()) else { return false };
    let (status, body) = service.runtime.block_on(service.ask(request));
    assert!(!status.is_server_error(), "{status}: {}", String::from_utf8_lossy(&body));
    if status.is_success() {
        let forms: [(&[u8], &[u8]); 4] =
            [(b"%PDF-", b"%%EOF\n"), (b"<svg ", b"</svg>\n"), (b"\x89PNG", b"\xae\x42\x60\x82"), (b"^XA", b"^XZ\n")];
        assert!(forms.iter().any(|(begin, end)| body.starts_with(begin) && body.ends_with(end)), "half a file");
    }
    status.is_success()
}

impl Service {
    /// The request, if the text is one that HTTP can carry.
    fn read(&self, input: &[u8]) -> Option<Request<Body>> {
        let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
        let (head, body) = input.split_at(end);
        let mut lines = std::str::from_utf8(head).ok()?.lines();
        let mut first = lines.next()?.splitn(3, ' ');
        let (who, method, target) = (first.next()?, first.next()?, first.next()?);
        let mut request = Request::builder().method(method).uri(target.replace("{device}", &self.device_id));
        if let Some((_, token)) = self.tokens.iter().find(|(name, _)| *name == who) {
            request = request.header("X-Authorization", format!("Bearer {token}"));
        }
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        request.body(Body::from(body.get(2..).unwrap_or_default().to_vec())).ok()
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let Ok(answer) = self.router.clone().oneshot(request).await;
        let status = answer.status();
        // It would go on for ever.
        if answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
            return (status, Vec::new());
        }
        let body = to_bytes(answer.into_body(), ANSWER).await.unwrap_or_else(|error| panic!("half an answer: {error}"));
        (status, body.to_vec())
    }

    async fn sign_in(&self, name: &str) -> String {
        let body = json!({"username": email(name), "password": name}).to_string();
        let request = self.read(format!("nobody POST /api/auth/login\n\n{body}").as_bytes());
        let (_, answer) = self.ask(request.unwrap_or_default()).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        answer["token"].as_str().unwrap_or_else(|| panic!("no login: {answer}")).to_owned()
    }

    /// The one that all entries share.
    pub(crate) fn shared() -> &'static Self {
        static SERVICE: OnceLock<Service> = OnceLock::new();
        SERVICE.get_or_init(Self::start)
    }

    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| panic!("{error}"));
        let mut service = runtime.block_on(build()).unwrap_or_else(|error| panic!("{error}"));
        for (name, ..) in PEOPLE {
            let token = runtime.block_on(service.sign_in(name));
            service.tokens.push((name, token));
        }
        let head = format!("tenant POST /api/device?accessToken={TOKEN}\nContent-Type: application/json");
        let made = format!("{head}\n\n{{\"name\":\"{DEVICE}\",\"additionalInfo\":{{\"gateway\":true}}}}");
        let made = service.read(made.as_bytes()).unwrap_or_default();
        let (_, made) = runtime.block_on(service.ask(made));
        let made: Value = serde_json::from_slice(&made).unwrap_or_default();
        service.device_id = made["id"]["id"].as_str().unwrap_or_else(|| panic!("no device: {made}")).to_owned();
        Self { runtime, ..service }
    }
}

/// The service with its people, on a database of its own.
async fn build() -> Result<Service, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(SqliteStore::open(SqliteOptions::new(directory.path().join("deed.db")), clock.clone())?);
    let pepper = Pepper { id: PepperId("p".into()), secret: vec![7; 32].into() };
    let digester = Arc::new(HmacDigester::new(vec![pepper])?);
    let policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
    let claims = Claims::new(store.clone(), store.clone(), digester, clock.clone(), Arc::new(OsEntropy), policy);
    // Passwords are not what is tried here, so their hashes may be cheap.
    let cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };
    let passwords: Arc<dyn PasswordHasher> = Arc::new(Argon2Hasher::new(cost, Arc::new(OsEntropy))?);
    add_people(&*store, &*passwords, &*clock).await?;
    let devices = DeviceHttp {
        protocol: DeviceProtocol {
            claims: claims.clone(),
            gateways: Gateways::new(claims.clone(), store.clone()),
            provisioning: Provisioning::new(claims.clone(), store.clone(), store.clone(), store.clone()),
            credentials: store.clone(),
            attributes: store.clone(),
            profiles: store.clone(),
            numeric_text_is_number: true,
            most_attribute_bytes: 262_144,
            store: store.clone(),
            feed: store.clone(),
            waiting: Waiting::on(&*store),
            clock: clock.clone(),
            message_limit: None,
        },
        legacy_ack: false,
        max_body_bytes: 65_536,
        max_rpc_bytes: 65_536,
        longest_wait: Default::default(),
        stopping: Default::default(),
    };
    // A long poll would wait for nothing.
    devices.stopping.cancel();
    let entropy = Arc::new(OsEntropy);
    let state = ApiState {
        deletions: Deletions::new(claims.clone(), store.clone(), store.clone()),
        claims,
        people: People::new(store.clone(), passwords.clone(), Arc::new(NoMailServer), clock.clone(), entropy),
        feed: store.clone(),
        accounts: store.clone(),
        attributes: store.clone(),
        profiles: store.clone(),
        credentials: store.clone(),
        read_models: store.clone(),
        passwords,
        tokens: Arc::new(JwtSigner::new(&[7; 64], clock.clone())?),
        clock,
        entropy: Arc::new(OsEntropy),
        limits: RequestLimits::default(),
        streams: OpenStreams::default(),
        label_press: LabelPress::new(Font::built_in()?),
        settings: ApiSettings::default(),
        metrics: Arc::new(String::new),
        readiness: Readiness::default(),
    };
    let settings = MqttSettings {
        takes_expired_certificates: false,
        most_connections: 16,
        max_payload: 65_536,
        idle_limit: Duration::from_secs(600),
        legacy_ack: false,
        closes_on_refusal: false,
    };
    let mqtt =
        Mqtt::new(devices.protocol.clone(), settings, Arc::new(OsEntropy), store.clone(), CancellationToken::new());
    let protocol = devices.protocol.clone();
    let router = deed_api::router(state, device_http(devices));
    let runtime = Builder::new_current_thread().build()?;
    Ok(Service {
        runtime,
        mqtt,
        protocol,
        store,
        router,
        tokens: Vec::new(),
        device_id: String::new(),
        _directory: directory,
    })
}

async fn add_people(
    accounts: &dyn Accounts,
    passwords: &dyn PasswordHasher,
    clock: &dyn Clock,
) -> Result<(), Box<dyn std::error::Error>> {
    let created_at = clock.now();
    let tenant = Tenant::titled(TENANT, created_at, "T");
    let profile = Profile::first(ProfileId(Uuid::from_u128(3)), TENANT, created_at);
    accounts.add_tenant(tenant, profile).await?;
    accounts.add_customer(Customer::titled(CUSTOMER, TENANT, created_at, "C")).await?;
    for (number, (name, authority, tenant_id, customer_id)) in (10..).zip(PEOPLE) {
        let user = User {
            id: UserId(Uuid::from_u128(number)),
            tenant_id,
            customer_id,
            authority,
            email: email(name),
            first_name: None,
            last_name: None,
            phone: None,
            created_at,
            version: 1,
            additional_info: None,
        };
        let password_hash = Some(passwords.hash(Password::new(name)).await?);
        accounts.add_user(user, UserCredentials { password_hash, enabled: true }).await?;
    }
    Ok(())
}

fn email(name: &str) -> String {
    format!("{name}@example.org")
}
