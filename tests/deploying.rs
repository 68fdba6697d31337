//! Three nodes behind the proxy of `deploy/compose/`, by its very configuration, with secrets made as `docs/operations/deploying.md`
//! says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use deed_adapters::conformance::new_database;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout_at},
};

#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "coap/client.rs"]
mod client;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use client::{ACK, GET, Message, OBSERVE, POST, URI_PATH};
use deed::{
    Server,
    world::{World, secret, token_of},
};

/// How many times a message is sent again.
const AGAIN: usize = 50;

#[tokio::test]
async fn devices_are_claimed_through_the_proxy_while_nodes_come_and_go() {
    let directory = TempDir::new().unwrap();
    let secrets = make_secrets(directory.path());
    let database = new_database();
    let configuration = [("DEED_CONFIG", secrets.as_str()), ("DEED_DATABASE", &database)];
    // The first node makes the demo's people.
    let mut world = World::start_with(&configuration).await;
    let nodes: Vec<_> =
        (0..2).map(|_| Server::start(deed::deed(directory.path()).arg("serve").envs(configuration))).collect();
    let proxy = Proxy::start(directory.path(), &[&world.server, &nodes[0], &nodes[1]]).await;
    let behind = std::mem::replace(&mut world.server.url, proxy.http.clone());
    // One device's socket: it stays with its node as long as that lives.
    let coap = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    coap.connect(&proxy.coap).await.unwrap();

    for name in ["HTTP 1", "MQTT 1", "CoAP 1", "HTTP 2", "MQTT 2", "CoAP 2", "HTTP 3", "MQTT 3", "CoAP 3"] {
        world.open_device(name).await;
    }
    claim_one_over_each(&world, &proxy, &coap, 1).await;

    // The node that the device over CoAP has spoken with is killed; another one is stopped in order.
    let mut servers = vec![(world.server.id(), behind)];
    servers.extend(nodes.iter().map(|node| (node.id(), node.url.clone())));
    let mut spoken_with = Vec::new();
    for (id, url) in &servers {
        let metrics = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
        if metrics.contains("deed_coap_requests_total") {
            let known = format!("deed_coap_ignored_total{{why=\"duplicate\"}} {AGAIN}");
            assert!(metrics.contains(&known), "through the proxy, a message that came again is another's:\n{metrics}");
            spoken_with.push(*id);
        }
    }
    let [spoken_with] = spoken_with[..] else { panic!("one device, one node: {spoken_with:?}") };
    signal(spoken_with, "KILL");
    gone(spoken_with).await;
    claim_one_over_each(&world, &proxy, &coap, 2).await;

    let (stopped, _) = servers.iter().find(|(id, _)| *id != spoken_with).unwrap();
    signal(*stopped, "TERM");
    gone(*stopped).await;
    claim_one_over_each(&world, &proxy, &coap, 3).await;
    assert_eq!(world.reclaim(&world.customer_a, "HTTP 3").await.0, StatusCode::OK);
    assert_eq!(world.call(Method::GET, "/metrics", None, None).await.0, StatusCode::NOT_FOUND);
    let logged = fs::read_to_string(directory.path().join("nginx.log")).unwrap();
    assert!(!logged.contains("/api/v1/"), "the proxy logs tokens of devices:\n{logged}");
    let websocket = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "mqtt"),
    ];
    let upgrade = world.client.get(format!("{}/mqtt", proxy.http));
    let upgrade = websocket.iter().fold(upgrade, |request, (name, value)| request.header(*name, *value));
    assert_eq!(upgrade.send().await.unwrap().status(), StatusCode::SWITCHING_PROTOCOLS);
}

/// A device registers a key over each protocol, and is claimed over HTTP, all through the proxy.
async fn claim_one_over_each(world: &World, proxy: &Proxy, coap: &UdpSocket, n: u32) {
    let [http, mqtt, over_coap] = ["HTTP", "MQTT", "CoAP"].map(|protocol| format!("{protocol} {n}"));
    assert_eq!(world.register(&http, "key", 600_000).await, StatusCode::OK);

    let claim = format!(r#"{{"secretKey":"{}","durationMs":600000}}"#, secret("key"));
    let (host, port) = proxy.mqtt.split_once(':').unwrap();
    let mut publish = Command::new("mosquitto_pub");
    publish.args(["-h", host, "-p", port, "-V", "5", "-q", "1", "-u", &token_of(&mqtt)]);
    publish.args(["-t", "v1/devices/me/claim", "-m", &claim]);
    assert!(publish.status().unwrap().success());

    // One that hears nothing sends the same again, and hears the same; then it observes.
    let began = Instant::now();
    let mut request =
        Message { code: POST, id: u16::try_from(n).unwrap(), token: b"tk".to_vec(), ..Message::default() };
    for segment in ["api", "v1", &token_of(&over_coap), "claim"] {
        request = request.with(URI_PATH, segment);
    }
    request.payload = claim.into_bytes();
    let answer = insist(coap, &request).await;
    assert_eq!(answer.code(), "2.01");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    for _ in 0..AGAIN {
        coap.send(&request.write()).await.unwrap();
    }
    for _ in 0..AGAIN {
        assert_eq!(hear(coap, Instant::now() + Duration::from_secs(10)).await.unwrap(), answer);
    }
    request = Message { code: GET, id: request.id + 100, payload: Vec::new(), ..request }.with(OBSERVE, [0]);
    let answer = insist(coap, &request).await;
    assert!(answer.text().contains("\"open\""), "{answer:?}");

    for name in [&http, &mqtt, &over_coap] {
        let (status, answer) = world.claim_with(&world.customer_a, name, "key").await;
        assert_eq!((status, &answer["response"]), (StatusCode::OK, &Value::from("SUCCESS")), "{name}: {answer}");
    }
    let notification = hear(coap, Instant::now() + Duration::from_secs(10)).await.expect("the device is told");
    assert!(notification.text().contains("\"claimed\""), "{notification:?}");
    coap.send(&Message { kind: ACK, id: notification.id, ..Message::default() }.write()).await.unwrap();
}

/// Sends it until it is answered, as any client does.
async fn insist(socket: &UdpSocket, request: &Message) -> Message {
    for _ in 0..20 {
        socket.send(&request.write()).await.unwrap();
        if let Some(answer) = hear(socket, Instant::now() + Duration::from_secs(1)).await {
            return answer;
        }
    }
    panic!("nobody answers")
}

/// The next message. When a node goes, nginx passes on an empty datagram, which is none.
async fn hear(socket: &UdpSocket, until: Instant) -> Option<Message> {
    let mut buffer = [0; 1_500];
    while let Ok(Ok(length)) = timeout_at(until, socket.recv(&mut buffer)).await {
        if length >= 4 {
            return Some(Message::read(&buffer[..length]));
        }
    }
    None
}

/// Makes the configuration file as the page says; gives its path.
fn make_secrets(directory: &Path) -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations/deploying.md")).unwrap();
    let commands = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let made = Command::new("sh").args(["-euc", commands]).current_dir(directory).status().unwrap();
    assert!(made.success());
    directory.join("secrets/deed.yml").to_str().unwrap().to_owned()
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().unwrap().success());
}

/// Waits until a process of ours has ended, and its connections with it. A POST that is under way at that moment ends with 502: the
/// proxy does not know what became of it.
async fn gone(id: u32) {
    let process = PathBuf::from(format!("/proc/{id}"));
    let state = || fs::read_to_string(process.join("stat")).unwrap();
    while fs::read_dir(process.join("task")).unwrap().count() > 1 || !state().contains(") Z ") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Proxy {
    child: Child,
    http: String,
    mqtt: String,
    coap: String,
}

impl Proxy {
    /// Runs nginx as the image does, with other addresses and another directory for what it writes.
    async fn start(directory: &Path, nodes: &[&Server; 3]) -> Self {
        let tcp = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let coap = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let (http, mqtt) = (tcp(), tcp());
        let mut configuration =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/compose/nginx.conf")).unwrap();
        let mut replace = |from: &str, to: &str| {
            assert!(configuration.contains(from), "the configuration has lost {from}");
            configuration = configuration.replace(from, to);
        };
        for (n, node) in nodes.iter().enumerate() {
            let name = format!("deed-{}", n + 1);
            replace(&format!("{name}:8080"), node.url.strip_prefix("http://").unwrap());
            replace(&format!("{name}:1883"), &node.mqtt);
            replace(&format!("{name}:5683"), &node.coap);
        }
        replace("listen 8080;", &format!("listen {http};"));
        replace("listen 1883;", &format!("listen {mqtt};"));
        replace("listen 5683 udp ", &format!("listen {coap} udp "));
        replace("/tmp/", &format!("{}/", directory.display()));
        let path = directory.join("nginx.conf");
        fs::write(&path, configuration).unwrap();
        let installed = Path::new("/usr/sbin/nginx");
        let mut nginx = Command::new(if installed.exists() { installed } else { Path::new("nginx") });
        nginx.arg("-c").arg(&path).args(["-e", "stderr", "-g", "daemon off;"]);
        let log = directory.join("nginx.log");
        nginx.stderr(fs::File::create(&log).unwrap());
        let child = nginx.spawn().expect("nginx is installed");
        let proxy = Self { child, http: format!("http://{http}"), mqtt, coap };
        for _ in 0..100 {
            if reqwest::get(format!("{}/health/ready", proxy.http))
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return proxy;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the proxy does not answer:\n{}", fs::read_to_string(log).unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // In order, so that its workers end, too.
        signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}
