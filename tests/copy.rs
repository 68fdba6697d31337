//! `deed copy`, by the real binary: an installation that has been served from a file goes on on PostgreSQL, wherever its copy was
//! killed on the way.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    path::Path,
    process::{Command, Stdio},
};

use deed_adapters::{conformance::new_database, copy::COPIED};
use reqwest::{Method, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use self::deed::{
    Server, deed, run,
    world::{World, secret, sign_in},
};

const OK: StatusCode = StatusCode::OK;
const DAY: i64 = 86_400_000;

fn copy(data: &Path, to: &str) -> Command {
    let mut command = deed(data);
    command.arg("copy").args(["--from", &format!("sqlite:{}", data.join("deed.db").display()), "--to", to]);
    command
}

fn export(database: &str) -> String {
    let (status, out, error) = run(deed(Path::new("/nowhere")).args(["export", "--database", database]));
    assert_eq!(status, 0, "{error}");
    out
}

fn sqlite(data: &Path) -> String {
    format!("sqlite:{}", data.join("deed.db").display())
}

/// Serves the database with the secrets of that installation.
fn serve(data: &Path, database: &str) -> Command {
    let mut command = deed(data);
    // What the service wrote for itself is part of a configuration as it stands.
    command.args(["serve", "--database", database, "--config"]).arg(data.join("secrets.yml"));
    command
}

/// An installation in which every table has something, its server still running, and the value of an API key.
async fn installation() -> (World, String) {
    let world = World::start().await;
    for (name, key) in [("copy-1", "one"), ("copy-2", "two"), ("copy-3", "three")] {
        let id = world.open_device(name).await;
        assert_eq!(world.register(name, key, DAY).await, OK);
        assert_eq!(world.write(&world.tenant, &id, json!({"note": "Ä \\ \u{1F600} \""})).await, OK);
    }
    assert_eq!(world.claim_with(&world.customer_a, "copy-1", "one").await.0, OK);
    assert_eq!(world.claim_with(&world.customer_a, "copy-3", "three").await.0, OK);
    assert_eq!(world.reclaim(&world.customer_a, "copy-3").await.0, OK);
    for _ in 0..8 {
        world.claim_with(&world.customer_b, "copy-2", "wrong").await;
    }
    world.device("copy-closed").await;
    for _ in 0..8 {
        assert_ne!(world.register("copy-closed", "key", DAY).await, OK);
    }
    let own = format!("/api/v1/{}/attributes", deed::world::token_of("copy-2"));
    assert_eq!(world.call(Method::POST, &own, None, Some(json!({"firmware": "1.0"}))).await.0, OK);
    assert_eq!(repeated(&world).await, OK);
    let gateway = json!({"name": "copy-gateway", "additionalInfo": {"gateway": true}});
    assert_eq!(world.call(Method::POST, "/api/device", Some(&world.tenant), Some(gateway)).await.0, OK);
    let invited = json!({"email": "invited@example.org", "authority": "TENANT_ADMIN"});
    let invited =
        world.call(Method::POST, "/api/user?sendActivationMail=false", Some(&world.tenant), Some(invited)).await;
    assert_eq!(invited.0, OK, "{}", invited.1);
    let link = format!("/api/user/{}/activationLink", invited.1["id"]["id"].as_str().unwrap());
    assert_eq!(world.call(Method::GET, &link, Some(&world.tenant), None).await.0, OK);
    let (_, me) = world.call(Method::GET, "/api/auth/user", Some(&world.tenant), None).await;
    let key = json!({"description": "nightly", "enabled": true, "userId": me["id"]});
    let (status, key) = world.call(Method::POST, "/api/apiKey", Some(&world.tenant), Some(key)).await;
    assert_eq!(status, OK, "{key}");
    let key = key["value"].as_str().unwrap().to_owned();
    (world, key)
}

/// A registration under one and the same idempotency key.
async fn repeated(world: &World) -> StatusCode {
    let url = format!("{}/api/v1/{}/claim", world.server.url, deed::world::token_of("copy-3"));
    let body = json!({"secretKey": secret("again"), "durationMs": DAY});
    let request = world.client.post(url).header("Idempotency-Key", "registered-once").json(&body);
    request.send().await.unwrap().status()
}

async fn events(world: &World) -> usize {
    let request =
        world.client.get(format!("{}/api/audit/events?limit=1000", world.server.url)).bearer_auth(&world.tenant);
    let events: Value = request.send().await.unwrap().json().await.unwrap();
    events.as_array().unwrap().len()
}

#[tokio::test]
async fn an_installation_goes_on_where_it_was_copied_to() {
    let (mut world, api_key) = installation().await;
    let url = new_database();
    let (status, out, error) = run(&mut copy(world.data.path(), &url));
    assert_eq!((status, out.as_str()), (73, ""));
    assert!(error.contains("is in use by process") && error.contains("(deed serve --demo)"), "{error}");

    let idle = World::start().await.server;
    let (exit, printed) = std::mem::replace(&mut world.server, idle).stop();
    assert!(exit.success(), "{printed}");
    fill_the_rest(world.data.path());
    let (status, out, error) = run(&mut copy(world.data.path(), &url));
    assert_eq!((status, error.as_str()), (0, ""), "{out}");
    let secrets = world.data.path().join("secrets.yml");
    assert!(out.contains(secrets.to_str().unwrap()) && out.contains("security.peppers"), "{out}");
    for made in fs::read_to_string(secrets).unwrap().split([' ', '}', '\n']).filter(|word| word.len() > 30) {
        assert!(!out.contains(made), "a secret was printed");
    }
    assert_eq!(export(&url), export(&sqlite(world.data.path())));

    // Once more it finds that all is there; where to, the configuration says as well.
    let from = sqlite(world.data.path());
    let again = run(deed(world.data.path()).args(["copy", "--from", &from]).env("DEED_DATABASE", &url));
    assert_eq!(again, (0, out, String::new()));

    // Without the secrets nobody starts.
    let (status, _, error) =
        run(deed(world.data.path()).args(["serve", "--database", &url]).env("DEED_DATA_DIR", "/nowhere"));
    assert!(status == 64 && error.contains("security.peppers has to be set"), "{error}");

    world.server = Server::start(&mut serve(world.data.path(), &url));
    let before = events(&world).await;
    // Whoever was signed in is, and passwords, API keys and tokens of devices are what they were.
    for token in [&world.tenant, &world.customer_a, &world.customer_b] {
        assert_eq!(world.call(Method::GET, "/api/auth/user", Some(token), None).await.0, OK);
    }
    sign_in(&world.client, &world.server.url, "customer@thingsboard.org", "customer").await;
    let by_key = world.client.get(format!("{}/api/auth/user", world.server.url));
    let by_key = by_key.header("X-Authorization", format!("ApiKey {api_key}"));
    assert_eq!(by_key.send().await.unwrap().status(), OK);
    // The same request again is the same one.
    assert_eq!(repeated(&world).await, OK);
    assert_eq!(events(&world).await, before);
    // Who guessed too often waits still; the key that was issued in the file claims here, and who owns a device
    // owns it.
    let locked = world.claim_with(&world.customer_b, "copy-2", "two").await;
    assert_ne!(locked.0, OK, "{}", locked.1);
    assert_eq!(world.claim_with(&world.customer_a, "copy-2", "two").await.0, OK);
    assert_eq!(world.claim_with(&world.customer_a, "copy-1", "one").await.1["response"], "SUCCESS");
    assert_eq!(world.register("copy-3", "new", DAY).await, OK);
    let (exit, printed) = world.server.stop();
    assert!(exit.success(), "{printed}");
    let (status, out, error) = run(deed(world.data.path()).args(["check", "--database", &url]));
    assert!(status == 0 && out.contains(" 0 faults"), "{out}{error}");

    // It is no copy any more.
    let (status, _, error) = run(&mut copy(world.data.path(), &url));
    assert!(status == 73 && error.contains("holds something already"), "{error}");
}

/// Rows that no request of the test has made; then no table is empty.
fn fill_the_rest(data: &Path) {
    let file = Connection::open(data.join("deed.db")).unwrap();
    file.execute_batch(
        "INSERT INTO gateway_devices SELECT device_id, (SELECT device_id FROM device_registry), 1 FROM device_list
         WHERE name = 'copy-2'",
    )
    .unwrap();
    for table in COPIED {
        let rows: i64 = file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "nothing in {table}");
    }
}

/// Killed at moments of which nobody knows what they are, and started again.
#[tokio::test]
async fn a_copy_that_is_killed_goes_on() {
    let world = World::start().await;
    let World { data, server, .. } = world;
    assert!(server.stop().0.success());
    let mut devices = String::from("name,accessToken,server:note\n");
    (0..2_000).for_each(|number| devices.push_str(&format!("many-{number},many-token-{number},{number}\n")));
    let file = data.path().join("devices.csv");
    fs::write(&file, devices).unwrap();
    let (status, _, error) = run(deed(data.path()).arg("import").arg(&file));
    assert_eq!(status, 0, "{error}");

    // One that nobody kills says how long it takes, about.
    let url = new_database();
    let started = Instant::now();
    let (status, whole, error) = run(&mut copy(data.path(), &url));
    assert_eq!(status, 0, "{error}");
    let mut longest = started.elapsed().mul_f64(0.8);

    let (mut kills, mut beginnings) = (0, 0);
    for _ in 0..3 {
        let url = new_database();
        for _ in 0..6 {
            let mut child = copy(data.path(), &url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            tokio::time::sleep(longest.mul_f64(random())).await;
            if child.try_wait().unwrap().is_some() {
                longest /= 2;
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let is_beginning = |(status, _, error): (i32, String, String)| {
                assert!(
                    status != 69 || error.contains("the beginning of a copy") || error.contains("no database"),
                    "{error}"
                );
                status == 69 && error.contains("the beginning of a copy")
            };
            beginnings += u32::from(is_beginning(run(deed(data.path()).args(["check", "--database", &url]))));
        }
        let (status, resumed, error) = run(&mut copy(data.path(), &url));
        assert_eq!((status, &resumed), (0, &whole), "{error}");
        assert_eq!(export(&url), export(&sqlite(data.path())));
        let (status, out, error) = run(deed(data.path()).args(["check", "--database", &url]));
        assert!(status == 0 && out.contains(" 0 faults"), "{out}{error}");
    }
    println!("{kills} were killed, and {beginnings} left a beginning");
    assert!(kills > 0 && beginnings > 0);
}

/// From 0 to 1.
fn random() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap()) / f64::from(u32::MAX)
}

#[tokio::test]
async fn a_beginning_is_not_served() {
    let World { data, server, .. } = World::start().await;
    assert!(server.stop().0.success());
    let url = new_database();
    // What PostgreSQL does not take.
    let change = |phone: &str| {
        let file = Connection::open(data.path().join("deed.db")).unwrap();
        assert!(file.execute(&format!("UPDATE users SET phone = {phone}"), []).unwrap() > 0);
    };
    change("'1' || char(0)");
    let (status, out, error) = run(&mut copy(data.path(), &url));
    assert!((status, out.as_str()) == (65, "") && error.contains("table users: one of its rows"), "{error}");
    for name in ["serve", "rebuild", "check"] {
        let mut command = deed(data.path());
        command.args([name, "--database", &url, "--config"]).arg(data.path().join("secrets.yml"));
        let (status, out, error) = run(&mut command);
        assert!((status, out.as_str()) == (69, "") && error.contains("is the beginning of a copy"), "{status} {error}");
    }
    change("'1'");
    let (status, _, error) = run(&mut copy(data.path(), &url));
    assert!(status == 73 && error.contains("the file has changed since"), "{error}");
}

#[test]
fn what_goes_nowhere_is_refused() {
    let data = TempDir::new().unwrap();
    let refused = |from: &str, to: &str| run(deed(data.path()).args(["copy", "--from", from, "--to", to]));
    for (from, to) in [
        ("postgres://u:hunter2@h/d", "sqlite:deed.db"),
        ("sqlite:a.db", "sqlite:b.db"),
        ("postgres://u:hunter2@h/a", "postgres://u:hunter2@h/b"),
        ("mysql://u:hunter2@h/a", "postgres://u:hunter2@h/b"),
    ] {
        let (status, out, error) = refused(from, to);
        assert_eq!((status, out.as_str()), (64, ""), "{from} {to}: {error}");
        assert!(!error.contains("hunter2") && error.starts_with("deed: "), "{error}");
    }
    let (status, _, error) = refused("sqlite:/nowhere/deed.db", "postgres://127.0.0.1:1/d");
    assert!(status == 69 && error.contains("there is no database yet"), "{status} {error}");
    assert!(!Path::new("/nowhere").exists());
}
