//! The command line, by the real binary.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use deed::{Server, deed, run};
use reqwest::Client;
use serde_json::{Value, json};

fn serve(data_dir: &Path) -> Command {
    let mut command = deed(data_dir);
    command.arg("serve");
    command
}

fn demo(data_dir: &Path) -> Command {
    let mut command = serve(data_dir);
    command.arg("--demo");
    command
}

async fn login(server: &Server, email: &str, password: &str) -> Result<String, u16> {
    let body = json!({ "username": email, "password": password });
    let response = Client::new().post(format!("{}/api/auth/login", server.url)).json(&body).send().await.unwrap();
    if !response.status().is_success() {
        return Err(response.status().as_u16());
    }
    Ok(response.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned())
}

async fn post(url: String, token: &str, body: &'static str) -> (u16, String) {
    let request = Client::new().post(url).header("X-Authorization", format!("Bearer {token}"));
    let response = request.header("Content-Type", "application/json").body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[test]
fn help_tells_commands_and_exit_status() {
    let directory = tempfile::tempdir().unwrap();
    let (status, out, _) = run(deed(directory.path()).arg("--help"));
    assert_eq!(status, 0);
    for word in ["serve", "replay", "export", "rebuild", "check", "copy", "migrate", "config", "Exit status", "73"] {
        assert!(out.contains(word), "{word}\n{out}");
    }
    let told = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = include_str!("../docs/operations/README.md").lines();
    let rows: Vec<_> = page.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")).collect();
    assert!(rows.len() > 8, "{rows:?}");
    for (number, meaning) in rows.iter().filter(|(number, _)| number.parse::<u8>().is_ok()) {
        assert!(told.contains(&format!("{number} {meaning}")), "{number} {meaning}\n{out}");
    }
    assert!(out.contains("A device-claiming service"), "{out}");
    for (command, told) in [
        ("copy", "The secrets are not in the file"),
        ("rebuild", "nodes on PostgreSQL may"),
        ("import", "The import ends when a label cannot be written"),
    ] {
        let (status, out, _) = run(deed(directory.path()).args([command, "--help"]));
        let words: Vec<_> = out.split_whitespace().collect();
        assert!(status == 0 && words.join(" ").contains(told), "{out}");
    }
    let (status, out, _) = run(deed(directory.path()).arg("--version"));
    assert_eq!((status, out.trim()), (0, concat!("deed ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["serv"][..], &["serve", "--nonsense"], &["replay"], &["export", "--after", "-1"], &[]] {
        let (status, out, error) = run(deed(directory.path()).args(arguments));
        assert_eq!((status, out.as_str()), (64, ""), "{arguments:?}\n{error}");
        assert!(!error.is_empty());
    }
    let (status, _, error) = run(deed(directory.path()).args(["replay", "--device", "D", "--at", "soon"]));
    assert_eq!(status, 64);
    assert!(error.contains("neither RFC 3339 nor milliseconds"), "{error}");
}

#[test]
fn a_wrong_setting_stops_the_start_before_anything_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let (file, data_dir) = (directory.path().join("deed.yml"), directory.path().join("data"));
    fs::write(&file, "security.claim.guesLimit: 3\nserver.port: 99999\nserver.rest.limits.tenant.configuration: 100\n")
        .unwrap();
    let (status, _, error) = run(deed(&data_dir).env_remove("HTTP_BIND_PORT").arg("serve").arg("--config").arg(&file));
    assert_eq!(status, 64, "{error}");
    assert!(
        error.contains("security.claim.guesLimit is no setting; did you mean security.claim.guessLimit?"),
        "{error}"
    );
    assert!(error.contains("server.port must be a whole number from 0 to 65535"), "{error}");
    assert!(error.contains("server.rest.limits.tenant.configuration must be `<requests>:<seconds>`"), "{error}");
    assert!(!data_dir.exists());
}

#[test]
fn config_shows_what_is_in_effect_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let key = "QUFB".repeat(30);
    let (status, out, error) =
        run(deed(directory.path()).env("JWT_TOKEN_SIGNING_KEY", &key).env("CACHE_TYPE", "redis").arg("config"));
    assert_eq!((status, error.as_str()), (0, ""));
    assert!(out.contains("server.port: 0  # environment variable HTTP_BIND_PORT"), "{out}");
    assert!(out.contains("# security.jwt.tokenSigningKey: ***"), "{out}");
    assert!(!out.contains(&key));
    let (status, out, _) = run(deed(directory.path()).args(["config", "--reference"]));
    assert_eq!((status, out), (0, fs::read_to_string("docs/configuration.md").unwrap()));
}

#[tokio::test]
async fn the_first_start_shows_a_password_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&mut serve(directory.path()));
    let line = server.greeting.lines().find(|line| line.starts_with("Sign in as ")).unwrap();
    let password = line.rsplit(' ').next().unwrap().to_owned();
    assert!(login(&server, "sysadmin@thingsboard.org", &password).await.is_ok());
    assert_eq!(login(&server, "sysadmin@thingsboard.org", "sysadmin").await, Err(401));
    let (status, printed) = server.stop();
    assert!(status.success());
    assert_eq!(printed.matches(&password).count(), 1, "{printed}");

    let again = Server::start(&mut serve(directory.path()));
    let ports = format!("Devices speak MQTT at {}\nDevices speak CoAP at {}\n", again.mqtt, again.coap);
    assert_eq!(again.greeting, ports);
    assert!(login(&again, "sysadmin@thingsboard.org", &password).await.is_ok());
}

#[tokio::test]
async fn a_demo_is_ready_to_be_tried_and_its_log_can_be_read_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("demo");
    let server = Server::start(&mut demo(&data_dir));
    for word in
        ["tenant@thingsboard.org", "customerB@thingsboard.org", "A1_DEMO_TOKEN", "DEMO-KEY-3", "this machine only"]
    {
        assert!(server.greeting.contains(word), "{word}\n{}", server.greeting);
    }
    for (email, password) in [("tenant", "tenant"), ("sysadmin", "sysadmin"), ("auditor", "auditor")] {
        assert!(login(&server, &format!("{email}@thingsboard.org"), password).await.is_ok(), "{email}");
    }
    let customer = login(&server, "customer@thingsboard.org", "customer").await.unwrap();
    let other = login(&server, "customerB@thingsboard.org", "customer").await.unwrap();
    let claim = |device: &str| format!("{}/api/customer/device/{device}/claim", server.url);

    let registration = format!("{}/api/v1/A1_DEMO_TOKEN/claim", server.url);
    let registered = post(registration, "", r#"{"secretKey":"OWN-HUNTER2","durationMs":60000}"#).await;
    assert_eq!(registered, (200, String::new()));
    assert_eq!(post(claim("Demo-1"), &other, r#"{"secretKey":"GUESS-HUNTER2"}"#).await.0, 400);
    assert_eq!(post(claim("Demo-1"), &customer, r#"{"secretKey":"OWN-HUNTER2"}"#).await.0, 200);
    assert_eq!(post(claim("Demo-3"), &other, r#"{"secretKey":"DEMO-KEY-3"}"#).await.0, 200);
    let refused = post(format!("{}/api/v1/A5_DEMO_TOKEN/claim", server.url), "", "{}").await;
    assert_eq!(refused.0, 403, "{}", refused.1);

    let (status, story, _) = run(deed(&data_dir).args(["replay", "--device", "Demo-1"]));
    assert_eq!(status, 0);
    for words in [
        "DeviceRegistered    name \"Demo-1\", type \"default\"  [the service, cli]",
        "ClaimIssued",
        "ClaimRefused        Customer B (customerB@thingsboard.org): wrong-key, wrong key number 1",
        "DeviceClaimed       by Customer A (customer@thingsboard.org) with key …",
        "In the end: owned by Customer A since ",
    ] {
        assert!(story.contains(words), "{words}\n{story}");
    }
    let (status, json, _) = run(deed(&data_dir).args(["replay", "--device", "Demo-1", "--json"]));
    assert_eq!(status, 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["events"][0]["eventType"], "DeviceRegistered");
    assert_eq!(json["state"]["state"], "registered");
    assert!(!json.to_string().contains("digest"));

    let (status, log, error) = run(deed(&data_dir).arg("export"));
    assert_eq!((status, error.as_str()), (0, ""));
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let positions: Vec<_> = events.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
    assert_eq!(events[0]["aggregateType"], "device");
    assert!(events[0]["payload"]["DeviceRegistered"]["name"].is_string());
    let (_, rest, _) = run(deed(&data_dir).args(["export", "--after", &(positions.len() - 1).to_string()]));
    assert_eq!(rest.lines().collect::<Vec<_>>(), [log.lines().last().unwrap()]);

    let (status, checked, error) = run(deed(&data_dir).arg("check"));
    assert_eq!(status, 0, "{checked}{error}");
    assert!(checked.ends_with("of 5 devices, 0 faults\n"), "{checked}");

    let (status, _, error) = run(deed(&data_dir).arg("rebuild"));
    assert_eq!(status, 73);
    assert!(error.contains(&format!("in use by process {} (deed serve --demo)", server.id())), "{error}");
    let (status, _, error) = run(&mut demo(&data_dir));
    assert_eq!(status, 73, "{error}");

    let greeting = server.greeting.clone();
    let (ended, printed) = server.stop();
    assert!(ended.success());
    for secret in ["OWN-HUNTER2", "GUESS-HUNTER2"] {
        assert!(!printed.contains(secret), "{printed}");
        assert!(!log.contains(secret) && !story.contains(secret));
    }
    let logged = printed.strip_prefix(&greeting).unwrap();
    assert!(!logged.contains("A1_DEMO_TOKEN"), "{logged}");

    let (status, printed, _) = run(deed(&data_dir).arg("migrate"));
    assert_eq!((status, printed.as_str()), (0, "The database is up to date.\n"));
    for arguments in [&["rebuild"][..], &["rebuild", "ownership"], &["check"]] {
        let (status, _, error) = run(deed(&data_dir).args(arguments));
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
    }
    assert_eq!(run(deed(&data_dir).args(["rebuild", "nonsense"])).0, 64);
    let again = Server::start(&mut demo(&data_dir));
    assert!(login(&again, "customer@thingsboard.org", "customer").await.is_ok());
    let (_, log_again, _) = run(deed(&data_dir).arg("export"));
    assert_eq!(log_again, log, "a demo is seeded once");
}

#[test]
fn replay_goes_back_in_time_and_knows_who_bore_a_name() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("demo");
    Server::start(&mut demo(&data_dir)).stop();
    let replay = |arguments: &[&str]| run(deed(&data_dir).arg("replay").args(arguments));
    let (status, _, error) = replay(&["--device", "Nobody"]);
    assert_eq!((status, error.as_str()), (1, "deed: no device bore the name \"Nobody\"\n"));
    let (status, _, error) = replay(&["--device", "Demo-1", "--at", "2001-01-01T00:00:00Z"]);
    assert_eq!(status, 1);
    assert!(error.contains("up to 2001-01-01T00:00:00.000Z"), "{error}");
    assert_eq!(replay(&["--device", "Demo-1", "--at", "2999-01-01T00:00:00Z"]).0, 0);
}

#[test]
fn what_cannot_be_used_is_told_with_its_own_status() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);

    fs::write(path("file"), "").unwrap();
    let (status, _, error) = run(&mut serve(&path("file")));
    assert_eq!(status, 73, "{error}");

    fs::create_dir(path("used")).unwrap();
    fs::write(path("used").join("notes.txt"), "").unwrap();
    let (status, _, error) = run(&mut demo(&path("used")));
    assert_eq!(status, 73);
    assert!(error.contains("is not a demo's"), "{error}");
    let (status, _, error) = run(demo(&path("new")).args(["--database", "sqlite:other.db"]));
    assert_eq!(status, 64, "{error}");

    // On a server, the database is there, and `migrate` makes it one of deed.
    let migrate = (!deed::on_postgres()).then_some("migrate");
    for command in ["replay --device D", "export", "check", "rebuild"].into_iter().chain(migrate) {
        let (status, _, error) = run(deed(&path("nothing")).args(command.split(' ')));
        assert_eq!(status, 69, "{command}: {error}");
        assert!(error.contains("there is no database yet"), "{error}");
    }
    assert!(!path("nothing").exists());

    for (address, status, told) in [
        ("u:hunter2@nowhere.invalid/d", 69, "postgres://nowhere.invalid/d: cannot open the database: "),
        ("u:hun/t@er2@nowhere.invalid/d", 69, "postgres://…: cannot open the database: "),
        ("u:hun@ter2@nowhere.invalid/d", 69, "@ is %40"),
        ("u:hunter2", 64, "percent-encoded"),
    ] {
        let address = format!("postgres://{address}");
        let (found, _, error) = run(deed(&path("nothing")).args(["check", "--database", &address]));
        assert!(found == status && error.contains(told) && !error.contains("ter2"), "{address}: {found} {error}");
        let (_, shown, _) = run(deed(&path("nothing")).args(["config", "--database", &address]));
        assert!(!shown.contains("ter2"), "{shown}");
    }

    Server::start(&mut serve(&path("damaged"))).stop();
    fs::write(path("damaged").join("deed.db"), "this is no database, whatever its name says".repeat(200)).unwrap();
    for command in ["serve", "check", "export"] {
        let (status, _, error) = run(deed(&path("damaged")).arg(command));
        assert_eq!(status, 65, "{command}: {error}");
    }

    Server::start(&mut serve(&path("lost"))).stop();
    fs::remove_file(path("lost").join("secrets.yml")).unwrap();
    let (status, _, error) = run(&mut serve(&path("lost")));
    assert_eq!(status, 64);
    assert!(error.contains("restore secrets.yml from its backup"), "{error}");

    let server = Server::start(&mut serve(&path("first")));
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let (status, _, error) = run(serve(&path("second")).env("HTTP_BIND_PORT", &port));
    assert_eq!(status, 69);
    assert!(error.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{error}");
    let left: Vec<_> = fs::read_dir(path("second")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"], "a start in vain leaves nothing");
    let (status, _, error) = run(demo(&path("third")).env("HTTP_BIND_PORT", &port));
    assert_eq!(status, 69, "{error}");
    let again = Server::start(&mut serve(&path("third")));
    assert!(again.greeting.contains("Sign in as sysadmin@thingsboard.org"), "no demo's: {}", again.greeting);
    let (_, printed) = again.stop();
    assert!(!printed.contains("made for a demo"), "{printed}");
}

/// One event that cannot be read hides neither another device nor what came before it.
#[test]
fn replay_tells_what_can_be_read_of_a_damaged_log() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("demo");
    Server::start(&mut demo(&data_dir)).stop();
    let log = run(deed(&data_dir).arg("export")).1;
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| {
        let mut all = events.iter().filter(|event| event["payload"]["DeviceRegistered"]["name"] == name);
        all.next().unwrap()["aggregateId"].as_str().unwrap().to_owned()
    };
    let last = |device: &str| events.iter().rfind(|event| event["aggregateId"] == device).unwrap()["position"].clone();
    let registered = |device: &str| {
        events.iter().find(|event| event["aggregateId"] == device).unwrap()["position"].as_u64().unwrap()
    };
    let (other, own) = (of("Demo-1"), of("Demo-3"));
    let damage = |position: &str| {
        let sql = format!("UPDATE events SET payload = '{{}}' WHERE position = {position}");
        let database = rusqlite::Connection::open(data_dir.join("deed.db")).unwrap();
        assert_eq!(database.execute(&sql, []).unwrap(), 1);
    };

    damage(&registered(&other).to_string());
    let (status, story, error) = run(deed(&data_dir).args(["replay", "--device", "Demo-3"]));
    assert_eq!(status, 65, "{error}");
    assert!(story.contains("name \"Demo-3\"") && story.contains("In the end: "), "{story}");
    let fault = format!("deed: event at position {}: ", registered(&other));
    assert!(error.contains(&fault) && error.ends_with("deed: the stored data is damaged\n"), "{error}");

    damage(&last(&own).to_string());
    for form in [&["replay", "--device", "Demo-3"][..], &["replay", "--device", "Demo-3", "--json"]] {
        let (status, story, error) = run(deed(&data_dir).args(form));
        assert_eq!(status, 65, "{error}");
        assert!(story.contains("Demo-3"), "{story}");
        assert!(story.contains("What followed is not told: ") || story.contains("\"state\":null"), "{story}");
        assert!(error.contains(&format!("deed: event at position {}: ", last(&own))), "{error}");
    }

    let hole = of("Demo-4");
    let database = rusqlite::Connection::open(data_dir.join("deed.db")).unwrap();
    let moved = format!(
        "UPDATE events SET sequence = sequence + 1 WHERE aggregate_id = '{hole}' AND position = {}",
        last(&hole)
    );
    assert_eq!(database.execute(&moved, []).unwrap(), 1);
    let (status, story, error) = run(deed(&data_dir).args(["replay", "--device", "Demo-4"]));
    assert!(status == 65 && error.contains("is missing") && !story.contains("In the end"), "{story}{error}");
    let (status, _, error) = run(deed(&data_dir).args(["replay", "--device", "Demo-2"]));
    assert!(
        status == 65 && !error.contains("is missing"),
        "what another device lacks is not this one's fault: {error}"
    );
}

#[tokio::test]
async fn a_database_that_is_gone_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let told = "the database is empty, and secrets.yml was made for one";
    let (_, first) = Server::start(&mut serve(directory.path())).stop();
    assert!(!first.contains(told), "{first}");
    fs::remove_file(directory.path().join("deed.db")).unwrap();
    let (_, second) =
        Server::start(serve(directory.path()).env("SECURITY_PEPPERS", format!("p:{}", "a".repeat(44)))).stop();
    assert!(second.contains(told), "{second}");
}

#[test]
fn a_demo_whose_keys_break_the_policy_names_the_setting() {
    let directory = tempfile::tempdir().unwrap();
    let (status, _, error) = run(demo(directory.path()).env("SECURITY_CLAIM_ADMIN_KEYS_MIN_LENGTH", "11"));
    assert_eq!(status, 64);
    assert!(error.contains("security.claim.adminKeys"), "{error}");
}

#[tokio::test]
async fn another_installations_pepper_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (directory.path().join("ours"), directory.path().join("theirs"));
    Server::start(&mut demo(&ours)).stop();
    Server::start(&mut demo(&theirs)).stop();
    fs::copy(theirs.join("secrets.yml"), ours.join("secrets.yml")).unwrap();
    let (status, _, error) = run(&mut demo(&ours));
    assert_eq!(status, 64);
    assert!(error.contains("active claim keys in the database need the pepper"), "{error}");
}

#[tokio::test]
async fn another_pepper_under_the_same_name_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let pepper = |letter: &str| format!("p:{}", letter.repeat(44));
    let start = |letter| Server::start(demo(directory.path()).env("SECURITY_PEPPERS", pepper(letter))).stop().1;
    for (letter, is_told) in [("a", false), ("a", false), ("b", true)] {
        let printed = start(letter);
        assert_eq!(printed.contains("this pepper is not the one"), is_told, "{printed}");
    }
}

#[tokio::test]
async fn old_keys_need_their_pepper_however_long_ago_they_were_issued() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let secret = |letter: &str| letter.repeat(44);
    let peppers = |old: &str| format!("new:{},{old}", secret("b"));
    Server::start(demo(&data).env("SECURITY_PEPPERS", format!("old:{}", secret("a")))).stop();
    let both = peppers(&format!("old:{}", secret("a")));
    let server = Server::start(demo(&data).env("SECURITY_PEPPERS", &both));
    let body = json!({"secretKey": "K-HUNTER2", "durationMs": 60_000}).to_string();
    let issued = Client::new().post(format!("{}/api/v1/A1_DEMO_TOKEN/claim", server.url)).body(body).send().await;
    assert!(issued.unwrap().status().is_success(), "the newest key has the new pepper");
    server.stop();
    let (status, _, error) = run(demo(&data).env("SECURITY_PEPPERS", format!("new:{}", secret("b"))));
    assert_eq!(status, 64);
    assert!(error.contains("need the pepper `old`"), "{error}");
}

#[test]
fn who_cannot_be_heard_says_so_by_its_status() {
    let directory = tempfile::tempdir().unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    // Nobody reads the other end.
    let closed = || std::io::pipe().unwrap().1;
    let serve = || demo(&directory.path().join("demo"));
    let status = |command: &mut Command| command.stderr(Stdio::null()).status().unwrap().code();
    assert_eq!(status(serve().stdout(closed())), Some(74), "nothing would tell that it is not served");
    assert_eq!(status(serve().stdout(full())), Some(74));
    assert_eq!(status(deed(directory.path()).arg("--help").stdout(full())), Some(74));
    assert_eq!(status(deed(directory.path()).arg("--help").stdout(closed())), Some(0));
    assert_eq!(status(deed(directory.path()).args(["config"]).stdout(closed())), Some(0));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = demo(directory.path());
    let mut child = command.stdout(Stdio::piped()).stderr(full()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("deed is ready: ")).unwrap();
    let url = ready.trim_start_matches("deed is ready: ").to_owned();
    std::thread::spawn(move || lines.for_each(drop));

    let client = Client::new();
    let login = json!({"username": "tenant@thingsboard.org", "password": "tenant"});
    let login = client.post(format!("{url}/api/auth/login")).json(&login).send().await.unwrap();
    let token = login.json::<serde_json::Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let device = client.get(format!("{url}/api/tenant/devices?deviceName=Demo-1")).bearer_auth(&token).send().await;
    let device = device.unwrap().json::<serde_json::Value>().await.unwrap()["id"]["id"].as_str().unwrap().to_owned();
    // This is warned about.
    let attribute = client.post(format!("{url}/api/plugins/telemetry/DEVICE/{device}/SERVER_SCOPE"));
    let saved = attribute.bearer_auth(&token).body(r#"{"claimingData":"junk"}"#).send().await.unwrap();
    assert_eq!(saved.status(), 200);
    let sent = std::process::Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    assert!(sent.success() && child.wait().unwrap().success());
}

#[tokio::test]
async fn a_signal_lets_accepted_work_finish_and_wakes_those_who_wait() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&mut demo(&directory.path().join("demo")));
    let waiting = format!("{}/api/v1/A1_DEMO_TOKEN/claim?timeout=60000", server.url);
    let waiting = tokio::spawn(async move { reqwest::get(waiting).await.unwrap().text().await.unwrap() });

    let body = r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#;
    let mut slow = half_sent(&server, "A2_DEMO_TOKEN", body);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("TERM");
    assert_eq!(waiting.await.unwrap(), r#"{"state":"none","expiresAt":null}"#);
    slow.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(server.wait().0.success());
    let (_, log, _) = run(deed(&directory.path().join("demo")).args(["replay", "--device", "Demo-2"]));
    assert!(log.contains("ClaimIssued"), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&mut demo(&directory.path().join("demo")));
    let _never_finished = half_sent(&server, "A2_DEMO_TOKEN", r#"{"secretKey":"K-HUNTER2"}"#);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("INT");
    assert_eq!(server.wait().0.code(), Some(130));
}

/// A registration of which only the first five bytes have been sent.
fn half_sent(server: &Server, token: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let length = body.len();
    let head = format!(
        "POST /api/v1/{token}/claim HTTP/1.1\r\nHost: deed\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..5]).unwrap();
    stream
}
