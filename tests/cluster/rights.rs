//! What ends at one node has ended at all of them (`docs/operations/postgresql.md`): no node goes by what it has seen before.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    asking::{Asking, By, Call, PASSWORD, login, text},
    deed::world::secret,
    mqtt::{BOTH, Client, Version},
    nodes::{Cluster, NODES, Settings},
};

/// How long a session over MQTT may outlive its credentials at another node.
const BOUND: Duration = Duration::from_secs(2);

/// Something that is allowed at every node, and what ends it at one.
struct Right {
    what: &'static str,
    /// All allowed, again and again.
    uses: Vec<Call>,
    ended_by: Call,
}

impl Right {
    /// It is allowed at every node, then ended at one, and at the same moment allowed nowhere any more.
    async fn expect(self, asking: &Asking, at: usize) {
        let Self { what, uses, ended_by } = self;
        for node in 0..NODES {
            for call in &uses {
                let (status, answer) = asking.ask(node, call).await;
                assert!(status.is_success(), "{what}, before: {status} from {call:?}: {answer}");
            }
        }
        asking.done(at, ended_by).await;
        for node in [at + 1, at + 2, at] {
            for call in &uses {
                let (status, answer) = asking.ask(node, call).await;
                assert!(status.is_client_error(), "{what}, afterwards: {status} from {call:?}: {answer}");
            }
        }
    }
}

/// What a user may do that has signed in.
struct SignedIn {
    customer: String,
    id: String,
    email: String,
    access: By,
    uses: Vec<Call>,
}

impl SignedIn {
    async fn new(asking: &Asking, at: usize, name: &str) -> Self {
        let (customer, id, email) = asking.user(at, name).await;
        let pair = asking.login(at + 1, &email, PASSWORD).await;
        let access = By::Login(text(&pair["token"]));
        let refresh = json!({"refreshToken": pair["refreshToken"]});
        let uses =
            vec![Call::get("/api/auth/user", access.clone()), Call::post("/api/auth/token", By::Nobody, refresh)];
        Self { customer, id, email, access, uses }
    }

    /// The same with a new login, and with a key for programs.
    async fn and_more(mut self, asking: &Asking, at: usize) -> Self {
        let key = Call::post("/api/apiKey", self.access.clone(), json!({"description": "d"}));
        let key = By::Key(text(&asking.done(at, key).await["value"]));
        self.uses.extend([Call::get("/api/auth/user", key), login(&self.email, PASSWORD)]);
        self
    }
}

async fn of_users(asking: &Asking, at: usize) -> Vec<Right> {
    let tenant = || asking.tenant.clone();
    let user = SignedIn::new(asking, at, &format!("logout-{at}")).await;
    let logout = Call::post("/api/auth/logout", user.access, Value::Null);
    let mut rights = vec![Right { what: "a login that ends", uses: user.uses, ended_by: logout }];

    let user = SignedIn::new(asking, at, &format!("password-{at}")).await;
    let uses = [user.uses, vec![login(&user.email, PASSWORD)]].concat();
    let other = By::Login(text(&asking.login(at, &user.email, PASSWORD).await["token"]));
    let passwords = json!({"currentPassword": PASSWORD, "newPassword": "another-password"});
    let ended_by = Call::post("/api/auth/changePassword", other, passwords);
    rights.push(Right { what: "a password", uses, ended_by });

    let user = SignedIn::new(asking, at, &format!("disabled-{at}")).await.and_more(asking, at).await;
    let disable = format!("/api/user/{}/userCredentialsEnabled?userCredentialsEnabled=false", user.id);
    rights.push(Right {
        what: "a disabled user",
        uses: user.uses,
        ended_by: Call::post(disable, tenant(), Value::Null),
    });

    let user = SignedIn::new(asking, at, &format!("deleted-{at}")).await.and_more(asking, at).await;
    let ended_by = Call::delete(format!("/api/user/{}", user.id), tenant());
    rights.push(Right { what: "a deleted user", uses: user.uses, ended_by });

    let user = SignedIn::new(asking, at, &format!("customer-{at}")).await.and_more(asking, at).await;
    let ended_by = Call::delete(format!("/api/customer/{}", user.customer), tenant());
    rights.push(Right { what: "a deleted customer", uses: user.uses, ended_by });

    for (what, by) in [("a deleted key", Method::DELETE), ("a disabled key", Method::PUT)] {
        let key = asking.done(at, Call::post("/api/apiKey", tenant(), json!({"description": "d"}))).await;
        let id = text(&key["id"]["id"]);
        let path =
            if by == Method::PUT { format!("/api/apiKey/{id}/enabled/false") } else { format!("/api/apiKey/{id}") };
        let uses = vec![Call::get("/api/auth/user", By::Key(text(&key["value"])))];
        let ended_by = Call { method: by, path, by: tenant(), body: Value::Null };
        rights.push(Right { what, uses, ended_by });
    }
    rights
}

async fn of_a_tenant(asking: &Asking, at: usize) -> Right {
    let operator = By::Login(text(&asking.login(at, "sysadmin@thingsboard.org", "sysadmin").await["token"]));
    let tenant = Call::post("/api/tenant", operator.clone(), json!({"title": format!("Tenant {at}")}));
    let tenant = asking.done(at, tenant).await["id"].clone();
    let email = format!("administrator-{at}@example.com");
    let administrator = json!({"email": email, "authority": "TENANT_ADMIN", "tenantId": tenant});
    asking.activated(at, &operator, administrator).await;
    let access = By::Login(text(&asking.login(at, &email, PASSWORD).await["token"]));
    let token = format!("of-tenant-{at}");
    let device = Call::post(format!("/api/device?accessToken={token}"), access.clone(), json!({"name": "D"}));
    asking.done(at, device).await;
    let device = Call::get(format!("/api/v1/{token}/attributes"), By::Nobody);
    let uses = vec![Call::get("/api/auth/user", access), login(&email, PASSWORD), device];
    let ended_by = Call::delete(format!("/api/tenant/{}", text(&tenant["id"])), operator);
    Right { what: "a deleted tenant", uses, ended_by }
}

/// The device's credentials with another token.
async fn replaced(asking: &Asking, at: usize, device: &str) -> Call {
    let path = format!("/api/device/{device}/credentials");
    let mut credentials = asking.done(at, Call::get(path, asking.tenant.clone())).await;
    credentials["credentialsId"] = format!("another-{device}").into();
    Call::post("/api/device/credentials", asking.tenant.clone(), credentials)
}

async fn of_devices(asking: &Asking, at: usize) -> Vec<Right> {
    let tenant = || asking.tenant.clone();
    let with_token = |token: &str| vec![Call::get(format!("/api/v1/{token}/attributes"), By::Nobody)];
    let token = format!("replaced-{at}");
    let id = asking.device(at, &token).await;
    let ended_by = replaced(asking, at, &id).await;
    let mut rights = vec![Right { what: "replaced credentials", uses: with_token(&token), ended_by }];

    let token = format!("deleted-{at}");
    let id = asking.device(at, &token).await;
    let ended_by = Call::delete(format!("/api/device/{id}"), tenant());
    rights.push(Right { what: "a deleted device", uses: with_token(&token), ended_by });

    for (what, name) in [("a reclaimed device", "reclaimed"), ("a device that is taken from a customer", "taken")] {
        let name = format!("{name}-{at}");
        let user = SignedIn::new(asking, at, &name).await;
        let owner = json!({"entityType": "CUSTOMER", "id": user.customer});
        let id = asking.made(at, "/api/device", json!({"name": name, "customerId": owner})).await;
        let path = format!("/api/device/{id}");
        let uses = vec![Call::get(path, user.access.clone())];
        let ended_by = match what {
            "a reclaimed device" => Call::delete(format!("/api/customer/device/{name}/claim"), user.access),
            _ => Call::delete(format!("/api/customer/device/{id}"), tenant()),
        };
        rights.push(Right { what, uses, ended_by });
    }

    let id = asking.device(at, &format!("public-{at}")).await;
    let public = Call::post(format!("/api/customer/public/device/{id}"), tenant(), Value::Null);
    let customer = asking.done(at, public).await["customerId"]["id"].clone();
    let pair = Call::post("/api/auth/login/public", By::Nobody, json!({"publicId": customer}));
    let anybody = By::Login(text(&asking.done(at, pair).await["token"]));
    let uses = vec![Call::get(format!("/api/device/{id}"), anybody)];
    let ended_by = Call::delete(format!("/api/customer/device/{id}"), tenant());
    rights.push(Right { what: "a device that was public", uses, ended_by });
    rights
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_at_one_node_ends_at_all() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    for at in 0..NODES {
        let mut rights = of_users(&asking, at).await;
        rights.extend(of_devices(&asking, at).await);
        rights.push(of_a_tenant(&asking, at).await);
        for right in rights {
            right.expect(&asking, at).await;
        }
    }
    cluster.expect_undamaged();
    cluster.stop().await;
}

/// A key, a switch, a lock: what a claim goes by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_goes_by_what_any_node_has_decided() {
    const GUESSES: &[(&str, &str)] =
        &[("SECURITY_CLAIM_GUESS_LIMIT", "3"), ("SECURITY_CLAIM_GUESS_LIMIT_OVERALL", "100")];
    let mut cluster =
        Cluster::start_with(Settings { allowed_by_default: false, environment: GUESSES, ..Settings::default() }).await;
    let asking = Asking::of(&cluster);
    let register = async |node: usize, name: &str, key: &str| {
        let body = json!({"secretKey": secret(key), "durationMs": 600_000});
        asking.ask(node, &Call::post(format!("/api/v1/{name}/claim"), By::Nobody, body)).await.0
    };
    let claim = async |node: usize, customer: usize, name: &str, key: &str| {
        let path = format!("/api/customer/device/{name}/claim");
        let body = json!({"secretKey": secret(key)});
        asking.ask(node, &Call::post(path, asking.customers[customer].clone(), body)).await.0
    };
    for at in 0..NODES {
        let name = format!("D-{at}");
        let id = asking.device(at, &name).await;
        let switch = format!("/api/plugins/telemetry/DEVICE/{id}/SERVER_SCOPE");
        let allow = |is: bool| Call::post(switch.as_str(), asking.tenant.clone(), json!({"claimingAllowed": is}));
        assert_eq!(register(at + 1, &name, "first").await, StatusCode::FORBIDDEN);
        asking.done(at, allow(true)).await;
        assert_eq!(register(at + 1, &name, "first").await, StatusCode::OK);
        assert_eq!(register(at + 2, &name, "second").await, StatusCode::OK);
        assert_eq!(claim(at, 1, &name, "first").await, StatusCode::BAD_REQUEST, "superseded");
        asking.done(at + 1, allow(false)).await;
        assert_eq!(register(at + 2, &name, "third").await, StatusCode::FORBIDDEN);
        asking.done(at + 2, allow(true)).await;
        // Wrong keys are counted over all nodes: after three, the claimant has to wait.
        for node in 0..3 {
            assert_eq!(claim(at + node, 0, &name, "wrong").await, StatusCode::BAD_REQUEST, "{at} {node}");
        }
        for node in 0..NODES {
            let locked = claim(node, 0, &name, "second").await;
            assert_eq!(locked, StatusCode::TOO_MANY_REQUESTS, "the lock holds at every node");
        }
        assert_eq!(claim(at + 2, 1, &name, "second").await, StatusCode::OK, "nobody else is locked out");
        asking.done(at, Call::delete(format!("/api/customer/device/{name}/claim"), asking.tenant.clone())).await;
        assert_eq!(claim(at + 1, 1, &name, "second").await, StatusCode::BAD_REQUEST, "reclaimed");
    }
    cluster.expect_undamaged();
    cluster.stop().await;
}

/// A request that waits at one node is told nothing when another one has replaced what it was let in by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_does_not_hear_more_than_it_may() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    for (at, wanted) in [(0, StatusCode::OK), (1, StatusCode::UNAUTHORIZED), (2, StatusCode::UNAUTHORIZED)] {
        let name = format!("D-{at}");
        let id = asking.device(at, &name).await;
        let waiting = asking.clone();
        let wait = Call::get(format!("/api/v1/{name}/attributes/updates?timeout=15000"), By::Nobody);
        let wait = tokio::spawn(async move { waiting.ask(at + 1, &wait).await });
        sleep(Duration::from_millis(500)).await;
        if wanted != StatusCode::OK {
            let ended_by = replaced(&asking, at, &id).await;
            asking.done(at, ended_by).await;
        }
        let shared = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
        asking.done(at, Call::post(shared, asking.tenant.clone(), json!({"news": 1}))).await;
        let (status, told) = wait.await.unwrap();
        assert_eq!((status, told == json!({"news": 1})), (wanted, wanted == StatusCode::OK), "{told}");
    }
    cluster.stop().await;
}

/// A session that is open at one node ends when another one replaces what it was let in by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_does_not_outlive_its_credentials_at_another_node() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    for (at, version) in (0..NODES).flat_map(|at| BOTH.map(|version| (at, version))) {
        for deleted in [false, true] {
            let name = format!("D-{at}-{version:?}-{deleted}");
            let id = asking.device(at, &name).await;
            let mut session = Client::connect_at(&asking.directory.of(at + 1).mqtt, version, &name).await;
            let ended_by = match deleted {
                true => Call::delete(format!("/api/device/{id}"), asking.tenant.clone()),
                false => replaced(&asking, at, &id).await,
            };
            asking.done(at, ended_by).await;
            let began = Instant::now();
            let told = session.rest().await;
            assert!(began.elapsed() < BOUND, "{name}: {:?}", began.elapsed());
            let wanted: &[u8] = if version == Version::V5 { &[0xe0, 2, 0x98] } else { &[] };
            assert_eq!(told.get(..3).unwrap_or_default(), wanted, "{name}");
            let mut again = Client::silent_at(&asking.directory.of(at + 2).mqtt, version).await;
            again.send(&crate::mqtt::connect(version, "c", Some(&name), None, 60)).await;
            assert_ne!(again.read().await[3], 0, "{name}: the old token lets nobody in");
        }
    }
    sleep(Duration::from_millis(100)).await;
    cluster.expect_undamaged();
    cluster.stop().await;
}
