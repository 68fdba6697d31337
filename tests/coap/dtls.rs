//! CoAP over DTLS, by libcoap's clients and openssl's, unmodified.

use std::{
    net::{SocketAddr, UdpSocket},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    certificates::Certificates,
    client::{CON, GET, Message, URI_PATH},
    datagrams::memory,
    deed::world::{World, secret},
    requests::{claim_of, key},
};

/// What a device without a token asks for.
const OWN: &str = "api/v1/claim";
/// libcoap's client with either library, as far as the machine has it.
const CLIENTS: [&str; 2] = ["coap-client-openssl", "coap-client-gnutls"];

struct Site {
    world: World,
    certificates: Certificates,
}

impl Site {
    async fn start(more: &[(&str, &str)]) -> Self {
        let certificates = Certificates::make();
        let file = |name: &str| format!("{}/{name}", certificates.path());
        // Of an elliptic curve, which CCM_8 needs.
        let (certificate, key) = (file("device.pem"), file("device.key"));
        let environment = [
            ("COAP_DTLS_ENABLED", "true"),
            ("COAP_DTLS_BIND_PORT", "0"),
            ("COAP_DTLS_PEM_CERT", &certificate),
            ("COAP_DTLS_PEM_KEY", &key),
        ];
        let world = World::start_on(TempDir::new().unwrap(), &[&environment[..], more].concat()).await;
        Self { world, certificates }
    }

    /// A new device that has the certificate of that name.
    async fn certified(&self, name: &str, certificate: &str) {
        let id = self.world.open_device(name).await;
        let (path, tenant) = (format!("/api/device/{id}/credentials"), Some(self.world.tenant.as_str()));
        let (_, mut credentials) = self.world.call(Method::GET, &path, tenant, None).await;
        credentials["credentialsType"] = "X509_CERTIFICATE".into();
        credentials["credentialsId"] = json!(null);
        credentials["credentialsValue"] = std::fs::read_to_string(self.file(certificate, "pem")).unwrap().into();
        let saved = self.world.call(Method::POST, "/api/device/credentials", tenant, Some(credentials)).await;
        assert_eq!(saved.0, StatusCode::OK, "{}", saved.1);
    }

    fn file(&self, name: &str, end: &str) -> String {
        format!("{}/{name}.{end}", self.certificates.path())
    }

    /// The client, with the certificate of that name.
    fn client(&self, client: &str, certificate: Option<&str>, arguments: &[&str], path: &str) -> Command {
        let mut command = Command::new(client);
        command.args(["-n", "-B", "20"]).args(arguments);
        if let Some(name) = certificate {
            command.args(["-c", &self.file(name, "pem"), "-j", &self.file(name, "key")]);
        }
        command.arg(format!("coaps://{}/{path}", self.world.server.coap_dtls));
        command
    }

    /// What the client printed when it posted a key: nothing, or the code of an error.
    fn post(&self, client: &str, certificate: Option<&str>, arguments: &[&str], path: &str) -> String {
        let message = key("K");
        let arguments = [&["-m", "post", "-e", &message], arguments].concat();
        printed(self.client(client, certificate, &arguments, path).output().unwrap())
    }

    /// How many sessions there are.
    async fn sessions(&self) -> usize {
        let metrics = self.world.client.get(format!("{}/metrics", self.world.server.url)).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let sessions = metrics.lines().find_map(|line| line.strip_prefix("deed_coap_dtls_sessions "));
        sessions.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }

    async fn is_claimed(&self, name: &str) -> bool {
        let claimed = self.world.claim_with(&self.world.customer_a, name, "K").await.0 == StatusCode::OK;
        if claimed {
            assert_eq!(self.world.reclaim(&self.world.tenant, name).await.0, StatusCode::OK);
        }
        claimed
    }
}

fn clients() -> impl Iterator<Item = &'static str> {
    let found = CLIENTS
        .iter()
        .copied()
        .filter(|client| Command::new(client).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
    let found: Vec<_> = found.collect();
    assert!(found.contains(&"coap-client-openssl"), "Debian's libcoap3-bin is needed");
    found.into_iter()
}

fn printed(output: Output) -> String {
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
}

#[tokio::test]
async fn a_certificate_is_a_devices_name() {
    let site = Site::start(&[]).await;
    site.certified("Elliptic", "device").await;
    for client in clients() {
        assert_eq!(site.post(client, Some("device"), &[], OWN), "", "{client}");
        assert!(site.is_claimed("Elliptic").await, "{client}");
        assert!(site.post(client, Some("unknown"), &[], OWN).starts_with("4.01"), "{client}");
        let state = site.client(client, Some("device"), &["-m", "get"], OWN);
        assert_eq!(printed({ state }.output().unwrap()), r#"{"state":"reclaimed","expiresAt":null}"#, "{client}");
    }
    site.certified("Rsa", "unknown").await;
    for client in clients() {
        assert_eq!(site.post(client, Some("unknown"), &[], OWN), "", "{client}");
        assert!(site.is_claimed("Rsa").await, "{client}");
    }
    let (status, printed) = site.world.server.stop();
    assert!(status.success(), "{printed}");
}

#[tokio::test]
async fn without_a_certificate_the_token_stands_in_the_path() {
    let site = Site::start(&[]).await;
    site.world.open_device("D").await;
    for client in clients() {
        // Also with a certificate that nobody knows.
        for certificate in [None, Some("unknown")] {
            assert_eq!(site.post(client, certificate, &[], &claim_of("D")), "", "{client}");
            assert!(site.is_claimed("D").await, "{client}");
            for path in [OWN, "api/v1/unknown/claim"] {
                assert!(site.post(client, certificate, &[], path).starts_with("4.01"), "{client}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_whose_time_is_over_is_taken_where_that_is_configured() {
    for (skips, is_let_in) in [("false", false), ("true", true)] {
        let site = Site::start(&[("TB_COAP_X509_DTLS_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT", skips)]).await;
        site.certified("Old", "expired").await;
        for client in clients() {
            let printed = site.post(client, Some("expired"), &[], OWN);
            assert_eq!(
                (printed.is_empty(), printed.starts_with("4.01")),
                (is_let_in, !is_let_in),
                "{client}: {printed}"
            );
        }
        assert_eq!(site.is_claimed("Old").await, is_let_in);
    }
}

/// The one suite of small devices, which OpenSSL does not offer by itself.
#[tokio::test]
async fn small_devices_find_their_suite() {
    let site = Site::start(&[]).await;
    site.certified("Small", "device").await;
    let mut request = Message { kind: CON, code: 2, id: 7, payload: key("K").into(), ..Message::default() };
    for segment in OWN.split('/') {
        request = request.with(URI_PATH, segment);
    }
    let file = site.world.data.path().join("request");
    std::fs::write(&file, request.write()).unwrap();
    let script = format!(
        "(sleep 1; cat {}; sleep 2) | timeout 20 openssl s_client -dtls1_2 -quiet -no_ign_eof -cipher ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0 \
         -cert {} -key {} -connect {}",
        file.display(),
        site.file("device", "pem"),
        site.file("device", "key"),
        site.world.server.coap_dtls,
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.stdout, [0x60, 0x41, 0, 7], "{}", String::from_utf8_lossy(&output.stderr));
    assert!(site.is_claimed("Small").await);
}

#[tokio::test]
async fn datagrams_that_are_lost_come_again() {
    let site = Site::start(&[]).await;
    site.certified("D", "device").await;
    // The client loses its first and its third.
    assert_eq!(site.post("coap-client-openssl", Some("device"), &["-l", "1,3"], OWN), "");
    assert!(site.is_claimed("D").await);
}

#[tokio::test]
async fn a_device_that_begins_anew_from_the_same_port_is_heard() {
    let site = Site::start(&[]).await;
    site.certified("D", "device").await;
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let observing = ["-m", "get", "-s", "100", "-p", &port];
    let mut before = site.client("coap-client-openssl", Some("device"), &observing, OWN);
    let mut before = before.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(1_500));
    // As when the power fails: nobody says goodbye.
    before.kill().unwrap();
    before.wait().unwrap();
    assert_eq!(site.post("coap-client-openssl", Some("device"), &["-p", &port], OWN), "");
    assert!(site.is_claimed("D").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_hears_what_becomes_of_it() {
    let site = Site::start(&[]).await;
    site.certified("D", "device").await;
    let mut client = site.client("coap-client-openssl", Some("device"), &["-m", "get", "-s", "4"], OWN);
    let client = client.stdout(Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(site.post("coap-client-openssl", Some("device"), &[], OWN), "");
    assert_eq!(site.world.claim_with(&site.world.customer_a, "D", "K").await.0, 200);
    let printed = String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap();
    for state in ["none", "open", "claimed"] {
        assert!(printed.contains(state), "{printed}");
    }
    assert!(!printed.contains(&secret("K")));
}

#[tokio::test]
async fn nothing_is_kept_of_strangers_and_others_are_heard() {
    let site = Site::start(&[]).await;
    site.world.open_device("D").await;
    let to: SocketAddr = site.world.server.coap_dtls.parse().unwrap();
    let hello = hello();
    let plain = Message { code: GET, id: 1, ..Message::default() }.with(URI_PATH, ".well-known").write();
    for n in 0..5_000_u16 {
        let [high, low] = n.to_be_bytes();
        let Ok(socket) = UdpSocket::bind(SocketAddr::from(([127, 1, high, 1.max(low)], 0))) else { continue };
        socket.send_to(&hello, to).unwrap();
        socket.send_to(&plain, to).unwrap();
        socket.send_to(&hello[..usize::from(low) % hello.len()], to).unwrap();
    }
    assert_eq!(site.post("coap-client-openssl", None, &[], &claim_of("D")), "");
    assert!(site.is_claimed("D").await);
    assert_eq!(site.sessions().await, 0);
}

/// How much of the service a session takes, from libcoap's clients that keep theirs: `-- --nocapture` says it.
#[tokio::test]
async fn a_session_takes_so_much_memory() {
    const SESSIONS: usize = 64;
    let site = Site::start(&[]).await;
    site.world.open_device("D").await;
    let mut clients = Vec::new();
    let mut began = (0, 0);
    // What the first ones take is not theirs alone.
    for wanted in [SESSIONS / 4, SESSIONS / 4 + SESSIONS] {
        began = (memory(site.world.server.id()), site.sessions().await);
        while clients.len() < wanted {
            let stays = ["-m", "get", "-s", "60", "-B", "60"];
            let mut client = site.client("coap-client-openssl", None, &stays, &claim_of("D"));
            clients.push(client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        }
        for _ in 0..400 {
            // Of so many clients, two may have taken the same port.
            if site.sessions().await >= wanted - wanted / 16 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let sessions = site.sessions().await - began.1;
    assert!(sessions > SESSIONS / 2, "{sessions}");
    let each = memory(site.world.server.id()).saturating_sub(began.0) / sessions as u64;
    println!("{each} KiB a session, of {sessions}");
    for mut client in clients {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    assert!((10..100).contains(&each), "{each} KiB a session");
}

/// The first datagram of a client: ECDHE-ECDSA with AES-128-GCM, P-256, SHA-256.
fn hello() -> Vec<u8> {
    let extensions = [&[0, 10, 0, 4, 0, 2, 0, 23][..], &[0, 11, 0, 2, 1, 0], &[0, 13, 0, 4, 0, 2, 4, 3]].concat();
    let length = u8::try_from(extensions.len()).unwrap();
    let body = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, length], &extensions].concat();
    let length = u8::try_from(body.len()).unwrap();
    let message = [&[1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length][..], &body].concat();
    [&[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12][..], &message].concat()
}
