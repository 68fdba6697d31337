//! Letters, with a real SMTP server (`docs/protocol.md`, mail).

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    deed::{
        deed, run,
        world::{Answer, World},
    },
    python,
};

const BASE_URL: &str = "https://deed.example";
const ANNA: &str = "anna@example.org";

/// A mail server that demands STARTTLS, with a certificate of its own, and keeps what it gets.
struct MailServer {
    child: Child,
    place: TempDir,
    port: u16,
}

impl MailServer {
    fn start() -> Self {
        let place = TempDir::new().unwrap();
        make_certificate(place.path());
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = python::program("python", "python")
            .args(["-m", "aiosmtpd", "--nosetuid", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--tlscert", "cert.pem", "--tlskey", "key.pem"])
            .args(["--class", "aiosmtpd.handlers.Mailbox", "letters"])
            .current_dir(place.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, place, port };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the mail server does not start");
    }

    /// What a server of ours needs to know to use it.
    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MAIL_HOST", "localhost".to_owned()),
            ("MAIL_PORT", self.port.to_string()),
            ("MAIL_FROM", "Devices <devices@deed.example>".to_owned()),
            ("DEED_BASE_URL", format!("{BASE_URL}/")),
            ("SSL_CERT_FILE", self.place.path().join("cert.pem").display().to_string()),
        ]
    }

    /// The letter with that subject, once it is there, its lines joined again.
    async fn letter(&self, subject: &str) -> String {
        self.letter_with(&format!("Subject: {subject}\n")).await
    }

    /// The letter to that address, likewise.
    async fn letter_to(&self, email: &str) -> String {
        self.letter_with(&format!("To: {email}\n")).await
    }

    async fn letter_with(&self, line: &str) -> String {
        for _ in 0..200 {
            let letters = self.letters();
            if let Some(letter) = letters.iter().find(|text| text.contains(line)) {
                return letter.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no letter with {line:?} among {:?}", self.letters());
    }

    fn letters(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.place.path().join("letters/new")) else { return Vec::new() };
        let read = |file: std::io::Result<fs::DirEntry>| fs::read_to_string(file.unwrap().path()).unwrap();
        // Long lines come folded.
        files.map(read).map(|text| text.replace("\r\n", "\n").replace("=\n", "").replace("=3D", "=")).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_certificate(place: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(place)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

async fn start(mail: &MailServer) -> World {
    let environment = mail.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    World::start_with(&environment).await
}

/// The token behind that link in a letter.
fn token(letter: &str, link: &str) -> String {
    let rest = letter.split_once(&format!("{BASE_URL}/api/noauth/{link}=")).unwrap_or_else(|| panic!("{letter}")).1;
    rest.lines().next().unwrap().to_owned()
}

async fn invite(world: &World, email: &str) -> Answer {
    let customer = world.owner_of(&world.customer_a).await;
    let user = json!({"email": email, "authority": "CUSTOMER_USER", "customerId": {"id": customer}});
    world.call(Method::POST, "/api/user?sendActivationMail=True", Some(&world.tenant), Some(user)).await
}

#[tokio::test]
async fn people_get_their_links_by_mail() {
    let mail = MailServer::start();
    let world = start(&mail).await;
    let noauth =
        async |path: &str, body| world.call(Method::POST, &format!("/api/noauth/{path}"), None, Some(body)).await.0;

    assert_eq!(invite(&world, ANNA).await.0, StatusCode::OK);
    let letter = mail.letter("Your account").await;
    assert!(
        letter.contains("From: Devices <devices@deed.example>\n") && letter.contains("To: anna@example.org\n"),
        "{letter}"
    );
    let activation = token(&letter, "activate?activateToken");
    assert_eq!(
        noauth("activate", json!({"activateToken": activation, "password": "first-password"})).await,
        StatusCode::OK
    );
    mail.letter("Your account is active").await;

    for _ in 0..3 {
        assert_eq!(noauth("resetPasswordByEmail", json!({"email": ANNA})).await, StatusCode::OK);
    }
    let reset = token(&mail.letter("Another password").await, "resetPassword?resetToken");
    let printed = run(deed(world.data.path()).args(["reset-link", ANNA]));
    assert_eq!(printed.0, 1, "a letter has it: {printed:?}");
    for file in ["deed.db", "deed.db-wal"] {
        let bytes = fs::read(world.data.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(reset.len()).any(|part| part == reset.as_bytes()), "the secret is in {file}");
    }
    assert_eq!(
        noauth("resetPassword", json!({"resetToken": reset, "password": "second-password"})).await,
        StatusCode::OK
    );
    mail.letter("Your password was changed").await;
    let (status, logged) = world.server.stop();
    assert!(status.success());
    assert_eq!(mail.letters().len(), 4, "one link a minute");
    assert!(!logged.contains(&activation) && !logged.contains(&reset) && !logged.contains(ANNA), "{logged}");
}

#[tokio::test]
async fn a_link_that_went_to_another_address_is_good_for_nothing() {
    let mail = MailServer::start();
    let world = start(&mail).await;
    let save = async |user: &Value, query: &str| {
        let path = format!("/api/user{query}");
        let (status, saved) = world.call(Method::POST, &path, Some(&world.tenant), Some(user.clone())).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        saved
    };
    let choose = async |page: &str, member: &str, token: &str| {
        let body = json!({member: token, "password": "chosen-password"});
        world.call(Method::POST, &format!("/api/noauth/{page}"), None, Some(body)).await.0
    };

    let (status, mut user) = invite(&world, "mistyped@example.org").await;
    assert_eq!(status, StatusCode::OK, "{user}");
    let sent = token(&mail.letter_to("mistyped@example.org").await, "activate?activateToken");
    user["version"] = Value::Null;
    user["email"] = json!("unwritten@example.org");
    save(&user, "?sendActivationMail=false").await;
    assert_eq!(choose("activate", "activateToken", &sent).await, StatusCode::BAD_REQUEST);
    user["email"] = json!(ANNA);
    save(&user, "").await;
    let link = token(&mail.letter_to(ANNA).await, "activate?activateToken");
    assert_eq!(choose("activate", "activateToken", &sent).await, StatusCode::BAD_REQUEST);
    assert_eq!(choose("activate", "activateToken", &link).await, StatusCode::OK);

    let reset = json!({"email": ANNA});
    world.call(Method::POST, "/api/noauth/resetPasswordByEmail", None, Some(reset)).await;
    let reset = token(&mail.letter("Another password").await, "resetPassword?resetToken");
    user["email"] = json!("moved@example.org");
    save(&user, "").await;
    assert_eq!(choose("resetPassword", "resetToken", &reset).await, StatusCode::BAD_REQUEST);
    world.server.stop();
    let letters = mail.letters();
    let to = |email: &str| letters.iter().filter(|text| text.contains(&format!("To: {email}\n"))).count();
    assert_eq!(
        (to("unwritten@example.org"), to("moved@example.org")),
        (0, 0),
        "nobody asked, or nothing is to be chosen"
    );
}

#[tokio::test]
async fn a_mail_server_that_is_down_fails_nothing_and_holds_up_nobody() {
    let mail = MailServer::start();
    let world = start(&mail).await;
    drop(mail);
    let began = Instant::now();
    for number in 0..5 {
        assert_eq!(invite(&world, &format!("{number}@example.org")).await.0, StatusCode::OK);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let (status, logged) = world.server.stop();
    assert!(status.success());
    assert!(logged.contains("a letter could not be sent"), "{logged}");
}
