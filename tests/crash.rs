//! What was acknowledged outlives the process, whenever it is killed.
//!
//! Five rounds by default, at other moments each time; what is printed says at which. For more, or for the same ones again:
//!
//! ```text
//! DEED_CRASH_ROUNDS=100 DEED_CRASH_SEED=7 cargo test --test crash -- --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[cfg(feature = "dtls")]
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "clients/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    collections::BTreeSet,
    env,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    io,
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    sync::Notify,
    task::JoinSet,
    time::timeout,
};

use self::deed::{MARK, Server, deed, run};

/// Clients at once.
const CLIENTS: u64 = 8;
/// In how many ways they register: HTTP, MQTT, CoAP, and CoAP over DTLS in builds that have it.
const WAYS: u64 = 3 + cfg!(feature = "dtls") as u64;

/// Where a server is reached.
#[derive(Clone)]
struct Addresses {
    url: String,
    mqtt: String,
    coap: String,
    coap_dtls: String,
}

/// A device as its client knows it: what the service has acknowledged before it died.
struct Acknowledged {
    name: String,
    id: String,
    events: Vec<&'static str>,
    /// In which way it registered its key.
    way: u64,
    /// Whether an attribute was written with its name.
    is_noted: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_kill() {
    let seed = setting("DEED_CRASH_SEED", RandomState::new().hash_one(0) % 1_000_000);
    let data = TempDir::new().unwrap();
    #[cfg(feature = "dtls")]
    let certificates = certificates::Certificates::make();
    #[cfg(feature = "dtls")]
    let environment = with_dtls(&certificates);
    #[cfg(not(feature = "dtls"))]
    let environment = Vec::new();
    let mut ways = BTreeSet::new();
    for round in 0..setting("DEED_CRASH_ROUNDS", 5) {
        let lifetime = Duration::from_millis(random(seed, round) % 1_500);
        let acknowledged = die_under_load(data.path(), &environment, round, lifetime).await;
        let events: usize = acknowledged.iter().map(|device| device.events.len()).sum();
        println!("seed {seed}, round {round}: killed {lifetime:?} after the first of {events} acknowledgements");
        assert_ne!(events, 0);
        ways.extend(acknowledged.iter().filter(|one| one.events.contains(&"ClaimIssued")).map(|one| one.way));
        assert_undamaged(data.path());
        look_for(data.path(), &acknowledged).await;
        assert_undamaged(data.path());
    }
    assert_eq!(ways.len() as u64, WAYS, "something was acknowledged in each way");
}

/// Lets the clients work until the server is killed, so long after its first answer to one of them; gives what was acknowledged to them.
async fn die_under_load(
    data: &Path,
    environment: &[(&'static str, String)],
    round: u64,
    lifetime: Duration,
) -> Vec<Acknowledged> {
    let server = serve(data, environment);
    let tenant = sign_in(&server.url, "tenant", "tenant").await;
    let customer = sign_in(&server.url, "customer", "customer").await;
    let begun = Arc::new(Notify::new());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let at = Addresses {
            url: server.url.clone(),
            mqtt: server.mqtt.clone(),
            coap: server.coap.clone(),
            coap_dtls: server.coap_dtls.clone(),
        };
        let (tenant, customer, begun) = (tenant.clone(), customer.clone(), begun.clone());
        let prefix = format!("crash-{round}-{client}");
        clients.spawn(async move { work(&at, &tenant, &customer, &begun, &prefix, client).await });
    }
    tokio::time::timeout(Duration::from_secs(60), begun.notified()).await.unwrap();
    tokio::time::sleep(lifetime).await;
    server.signal("KILL");
    let (status, _) = server.wait();
    assert!(status.code().is_none(), "it was not the signal that ended it: {status}");
    clients.join_all().await.into_iter().flatten().collect()
}

/// Registers, opens, claims and gives back one device after the other until nobody answers any more. They are opened over
/// HTTP, MQTT, CoAP and DTLS in turn; an administrator writes attributes, and adds a key.
async fn work(
    at: &Addresses,
    tenant: &str,
    customer: &str,
    begun: &Notify,
    prefix: &str,
    client: u64,
) -> Vec<Acknowledged> {
    let (http, url) = (Client::new(), &at.url);
    let mut all = Vec::new();
    for number in 0_usize.. {
        let name = format!("{prefix}-{number}");
        let made = http.post(format!("{url}/api/device?accessToken={name}")).json(&json!({"name": name}));
        let Some(made) = answered(made.bearer_auth(tenant)).await else { break };
        begun.notify_one();
        let made: Value = serde_json::from_str(&made).unwrap();
        let id = made["id"]["id"].as_str().unwrap().to_owned();
        let way = (number as u64 + client) % WAYS;
        let mut device = Acknowledged { id, events: vec!["DeviceRegistered"], way, is_noted: false, name };

        let key = json!({"secretKey": key_of(&device.name), "durationMs": 600_000});
        let opened = match way {
            0 => answered(http.post(format!("{url}/api/v1/{}/claim", device.name)).json(&key)).await.map(drop),
            1 => register_over_mqtt(&at.mqtt, &device.name, &key.to_string()).await,
            2 => register_over_coap(&at.coap, &device.name, &key.to_string()).await,
            _ => register_over_dtls(&at.coap_dtls, &device.name, &key.to_string()).await,
        };
        if opened.is_none() {
            all.push(device);
            return all;
        }
        device.events.push("ClaimIssued");
        if number % 2 == 0 {
            let attributes = http.post(format!("{url}/api/plugins/telemetry/DEVICE/{}/SERVER_SCOPE", device.id));
            let attributes = attributes.json(&json!({"claimingAllowed": true, "note": device.name}));
            let added = http.post(format!("{url}/api/devices/{}/claim-keys", device.id)).bearer_auth(tenant);
            device.is_noted = answered(attributes.bearer_auth(tenant)).await.is_some();
            if !device.is_noted || answered(added).await.is_none() {
                all.push(device);
                return all;
            }
            device.events.extend(["ClaimingAllowed", "ClaimIssued"]);
        }
        let claim = http.post(format!("{url}/api/customer/device/{}/claim", device.name)).json(&key);
        let given_back = http.delete(format!("{url}/api/customer/device/{}/claim", device.name)).bearer_auth(customer);
        let steps = [(claim.bearer_auth(customer), "DeviceClaimed"), (given_back, "DeviceReclaimed")];
        // Some are left open, some stay with their owner.
        for (request, event) in steps.into_iter().take(number % 4) {
            if answered(request).await.is_none() {
                all.push(device);
                return all;
            }
            device.events.push(event);
        }
        all.push(device);
    }
    all
}

/// The body of an answer that came whole, or nothing if the server died over it.
async fn answered(request: RequestBuilder) -> Option<String> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let body = answer.text().await.ok()?;
    assert!([StatusCode::OK, StatusCode::CREATED].contains(&status), "{body}");
    Some(body)
}

/// Publishes with QoS 1, and waits for the PUBACK; nothing if the server died over it.
async fn register_over_mqtt(address: &str, token: &str, payload: &str) -> Option<()> {
    let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    let packet = |first: u8, body: Vec<u8>| {
        let length = [u8::try_from(body.len() & 0x7f).unwrap() | 0x80, u8::try_from(body.len() >> 7).unwrap()];
        [&[first][..], &length, &body].concat()
    };
    let mut stream = TcpStream::connect(address).await.ok()?;
    let connect = [text("MQTT"), vec![4, 0x82, 0, 60], text("crash"), text(token)].concat();
    stream.write_all(&packet(0x10, connect)).await.ok()?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.ok()?;
    assert_eq!(answer, [0x20, 2, 0, 0]);
    let publish = [text("v1/devices/me/claim"), vec![0, 7], payload.into()].concat();
    stream.write_all(&packet(0x32, publish)).await.ok()?;
    stream.read_exact(&mut answer).await.ok()?;
    assert_eq!(answer, [0x40, 2, 0, 7]);
    Some(())
}

/// Sends a confirmable request until it is answered by 2.01, with or after its acknowledgement; nothing if the server died
/// over it.
async fn register_over_coap(address: &str, token: &str, payload: &str) -> Option<()> {
    let mut request = b"\x41\x02\0\x07t\xb3api\x02v1".to_vec();
    match u8::try_from(token.len()).unwrap() {
        length @ 0..13 => request.push(length),
        length => request.extend([0x0d, length - 13]),
    }
    request.extend([token.as_bytes(), b"\x05claim\xff", payload.as_bytes()].concat());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(address).await.unwrap();
    for _ in 0..40 {
        socket.send(&request).await.ok()?;
        let mut answer = [0; 64];
        loop {
            let received: io::Result<usize> = match timeout(Duration::from_millis(500), socket.recv(&mut answer)).await
            {
                Ok(received) => received,
                Err(_) => break,
            };
            match &answer[..received.ok()?] {
                [0x60, 0, 0, 7] => {}
                [0x61, 0x41, 0, 7, b't'] | [0x41, 0x41, _, _, b't'] => return Some(()),
                other => panic!("{other:02x?}"),
            }
        }
    }
    None
}

/// The same by libcoap's client, in a session of its own; nothing if it was not answered by 2.01.
async fn register_over_dtls(address: &str, token: &str, payload: &str) -> Option<()> {
    let mut client = Command::new("coap-client-openssl");
    client.args(["-n", "-B", "5", "-v", "6", "-m", "post", "-e", payload]);
    client.arg(format!("coaps://{address}/api/v1/{token}/claim"));
    let printed = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let printed = String::from_utf8_lossy(&[printed.stdout, printed.stderr].concat()).into_owned();
    let answer = printed.lines().find(|line| line.starts_with("v:1 t:ACK c:"))?;
    assert!(answer.contains(" c:2.01 "), "{printed}");
    Some(())
}

/// Everything acknowledged is in the log after a restart, and every acknowledged key still claims.
async fn look_for(data: &Path, acknowledged: &[Acknowledged]) {
    let server = serve(data, &[]);
    let url = &server.url;
    let tenant = sign_in(url, "tenant", "tenant").await;
    let customer = sign_in(url, "customer", "customer").await;
    let http = Client::new();
    for device in acknowledged {
        let request = http.get(format!("{url}/api/audit/devices/{}/events", device.id)).bearer_auth(&tenant);
        let events: Vec<Value> = serde_json::from_str(&answered(request).await.unwrap()).unwrap();
        for event in &device.events {
            let acknowledged = device.events.iter().filter(|other| *other == event).count();
            let found = events.iter().filter(|recorded| recorded["eventType"] == *event).count();
            // The last thing that was done may lack its acknowledgement.
            assert!(found == acknowledged || found == acknowledged + 1, "{event} of {} in {events:?}", device.name);
        }
        if device.is_noted {
            let note =
                format!("{url}/api/plugins/telemetry/DEVICE/{}/values/attributes/SERVER_SCOPE?keys=note", device.id);
            let note = answered(http.get(note).bearer_auth(&tenant)).await.unwrap();
            assert!(note.contains(&device.name), "{note}");
        }
        let is_given_back = events.iter().any(|event| event["eventType"] == "DeviceReclaimed");
        if device.events.contains(&"ClaimIssued") && !is_given_back {
            // A claim whose answer was lost is repeated by the owner, so both cases are answered alike.
            let claim = http.post(format!("{url}/api/customer/device/{}/claim", device.name));
            let claim = claim.json(&json!({"secretKey": key_of(&device.name)})).bearer_auth(&customer);
            assert!(answered(claim).await.unwrap().contains("SUCCESS"), "{}", device.name);
        }
    }
    let (status, printed) = server.stop();
    assert!(status.success(), "{printed}");
}

fn serve(data: &Path, environment: &[(&'static str, String)]) -> Server {
    let mut command = deed(data);
    command.args(["serve", "--demo"]).env("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true");
    Server::start(command.envs(environment.iter().map(|(name, value)| (name, value))))
}

/// What makes the service speak DTLS.
#[cfg(feature = "dtls")]
fn with_dtls(certificates: &certificates::Certificates) -> Vec<(&'static str, String)> {
    let file = |name: &str| format!("{}/{name}", certificates.path());
    vec![
        ("COAP_DTLS_ENABLED", "true".to_owned()),
        ("COAP_DTLS_BIND_PORT", "0".to_owned()),
        ("COAP_DTLS_PEM_CERT", file("device.pem")),
        ("COAP_DTLS_PEM_KEY", file("device.key")),
    ]
}

fn assert_undamaged(data: &Path) {
    let (status, stdout, stderr) = run(deed(data).arg("check"));
    assert_eq!(status, 0, "{stdout}{stderr}");
}

async fn sign_in(url: &str, name: &str, password: &str) -> String {
    let person = json!({"username": format!("{name}@thingsboard.org"), "password": password});
    let pair = answered(Client::new().post(format!("{url}/api/auth/login")).json(&person)).await.unwrap();
    serde_json::from_str::<Value>(&pair).unwrap()["token"].as_str().unwrap().to_owned()
}

fn key_of(name: &str) -> String {
    format!("key-of-{name}-{MARK}")
}

#[expect(clippy::disallowed_methods, reason = "these settings are the test's own, not the service's")]
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// The same number for the same seed and round.
fn random(seed: u64, round: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, round).hash(&mut hasher);
    hasher.finish()
}
