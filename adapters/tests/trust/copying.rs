//! A copy from a file to a database has all that the file has, wherever it was cut off; and tells of what came between.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use deed_adapters::{
    READ_MODELS, Store,
    conformance::{PostgresServer, new_database},
    copy::{COPIED, Copied, CopyError, CopyStep, LEFT, copy},
    postgres::{self, PostgresOptions, PostgresStore},
    sqlite::{SqliteOptions, SqliteStore},
};
use deed_domain::{
    ids::{Position, UserId},
    ports::{Authority, DeviceIdentity, Feed, Scope, StoreError, User, UserCredentials, Users},
    time::Timestamp,
};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    postgres::connect,
    sqlite::damage_page,
    world::{Step, World, claims, clock},
};

struct Installation {
    _directory: TempDir,
    path: PathBuf,
    events: u64,
    devices: Vec<DeviceIdentity>,
}

impl Installation {
    /// One whose log takes several pages, and which no store has open.
    async fn new() -> Self {
        let (directory, clock) = (TempDir::new().unwrap(), clock());
        let path = directory.path().join("deed.db");
        let store = SqliteStore::open(SqliteOptions::new(&path), clock.clone()).unwrap();
        let world = World::on(store, clock).await;
        world.make_history().await;
        for number in 1..=100 {
            world.store.add_user(person(number), credentials()).await.unwrap();
        }
        while world.store.head().await.unwrap() < Position(5_000) {
            for device in [0, 1] {
                let caller = crate::world::caller();
                let key = || deed_domain::claim_key::ClaimKey::new("right");
                let issue = || world.claims.issue_from_device(&caller, world.devices[device], key(), 60_000);
                drop(futures_util::future::join_all((0..100).map(|_| issue())).await);
            }
        }
        world.take(0, Step::Claim(1), 10).await;
        world.store.close().await;
        let events = world.store.head().await.unwrap().0;
        let file = Connection::open(&path).unwrap();
        for (device, info) in world.devices.iter().zip([r#"{"gateway":true}"#, r#"{"gateway":1}"#, "{}"]) {
            let sql = "INSERT INTO device_registry (device_id, additional_info) VALUES (?1, ?2)";
            file.execute(sql, [device.device_id.0.to_string(), info.to_owned()]).unwrap();
        }
        Self { _directory: directory, path, events, devices: world.devices }
    }

    fn tamper(&self, sql: &str) {
        assert!(Connection::open(&self.path).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
    }

    /// Takes the third device from whom it was assigned to, in the copy.
    async fn go_on(&self, database: &PostgresStore) {
        let clock = clock();
        let claims = claims(database, &clock);
        World { store: database.clone(), claims, clock, devices: self.devices.clone() }.take(2, Step::Reclaim, 0).await;
    }

    async fn copy(&self, to: &str) -> Result<Copied, CopyError> {
        copy(&self.path, PostgresOptions::new(to, 2), &mut |_, _, _| {}).await
    }

    /// Is cut off when so many rows are there.
    async fn copy_in_part(&self, to: &str, rows: u64) {
        let is_enough = Arc::new(Notify::new());
        let told = is_enough.clone();
        let mut progress = move |step, done, _| {
            if step == CopyStep::Copying && done >= rows {
                told.notify_one();
            }
        };
        tokio::select! {
            biased;
            () = is_enough.notified() => {}
            copied = copy(&self.path, PostgresOptions::new(to, 2), &mut progress) => panic!("{copied:?}"),
        }
    }
}

fn person(number: u128) -> User {
    User {
        id: UserId(Uuid::from_u128(number)),
        tenant_id: Some(crate::world::TENANT),
        customer_id: None,
        authority: Authority::TenantAdmin,
        email: format!("Person-{number}@example.org"),
        first_name: Some("Ä\t\"\\N".into()),
        last_name: None,
        phone: Some(String::new()),
        created_at: Timestamp(1),
        version: 1,
        additional_info: None,
    }
}

fn credentials() -> UserCredentials {
    UserCredentials { password_hash: Some("$argon2id$v=19$".into()), enabled: true }
}

async fn open(url: &str) -> Result<PostgresStore, postgres::OpenError> {
    PostgresStore::open(PostgresOptions::new(url, 2), None).await
}

/// All events, as any reader gets them.
async fn log(store: &impl Feed) -> Vec<deed_domain::ports::RecordedEvent> {
    store.read_after(Scope::All, Position(0), usize::MAX >> 1).await.unwrap().events
}

#[tokio::test]
async fn a_copy_that_was_cut_off_goes_on_and_ends_equal() {
    let (installation, url) = (Installation::new().await, new_database());
    for rows in [1, 2_500, 4_500, installation.events + 100] {
        installation.copy_in_part(&url, rows).await;
        for options in [PostgresOptions::new(&url, 2), PostgresOptions::new(&url, 2).read_only()] {
            let refused = PostgresStore::open(options, None).await.unwrap_err();
            assert!(matches!(refused, postgres::OpenError::UnfinishedCopy), "{refused}");
        }
    }
    let copied = installation.copy(&url).await.unwrap();
    // Once more it finds that everything is there.
    assert_eq!(installation.copy(&url).await.unwrap(), copied);

    let file = SqliteStore::open(SqliteOptions::read_only(&installation.path), clock()).unwrap();
    let database = open(&url).await.unwrap();
    let (there, here) = (log(&database).await, log(&file).await);
    assert_eq!(copied.events, here.len() as u64);
    assert!(there == here, "the logs differ");
    assert!(copied.rows > 100, "{copied:?}");
    let (user, known) = database.user_by_email("person-7@example.org").await.unwrap().unwrap();
    assert_eq!((user.id, known.password_hash), (UserId(Uuid::from_u128(7)), credentials().password_hash));
    assert_eq!(database.check(&mut |_, _| {}).await.unwrap().faults, Vec::<String>::new());
    let gateways =
        connect(&url).await.query("SELECT device_id FROM device_registry WHERE is_gateway", &[]).await.unwrap();
    let gateways: Vec<Uuid> = gateways.iter().map(|row| row.get(0)).collect();
    assert_eq!(gateways, [installation.devices[0].device_id.0]);
    // Time does not go back, and the next event has the next position.
    installation.go_on(&database).await;
    let later = log(&database).await;
    assert!(later[..here.len()] == there, "what was copied has changed");
    assert!(later.len() > there.len() && later.last().unwrap().position.0 == later.len() as u64, "{later:?}");
}

#[tokio::test]
async fn what_was_changed_there_in_between_is_noticed() {
    let installation = Installation::new().await;
    let cases: [(&str, &[&str]); 6] = [
        ("DELETE FROM events WHERE position = 3", &["events", "23505"]),
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events) - 1", &["events", "23505"]),
        ("UPDATE events SET payload = (payload::text || ' ')::json WHERE position = 7", &["events"]),
        ("UPDATE users SET enabled = false WHERE email_folded = 'person-7@example.org'", &["users", "100"]),
        ("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 5000", &["events"]),
        (
            "INSERT INTO pepper_checks (pepper, digest) VALUES ('another', '\\x00')",
            &["pepper_checks", "1 rows", "0 of the file"],
        ),
    ];
    for (sql, told) in cases {
        let url = new_database();
        installation.copy_in_part(&url, installation.events + 100).await;
        assert!(connect(&url).await.execute(sql, &[]).await.unwrap() > 0, "{sql}");
        let noticed = installation.copy(&url).await.unwrap_err();
        assert!(matches!(noticed, CopyError::Differs { .. } | CopyError::RowRefused { .. }), "{sql}: {noticed:?}");
        let noticed = noticed.to_string();
        assert!(told.iter().all(|told| noticed.contains(told)), "{sql}: {noticed}");
        assert!(matches!(open(&url).await, Err(postgres::OpenError::UnfinishedCopy)));
    }
}

#[tokio::test]
async fn a_source_that_changes_is_noticed() {
    let (installation, url) = (Installation::new().await, new_database());
    installation.copy_in_part(&url, 2_500).await;
    installation.tamper("UPDATE users SET phone = '1' WHERE email_folded = 'person-7@example.org'");
    let noticed = installation.copy(&url).await.unwrap_err();
    assert!(matches!(noticed, CopyError::OtherSource), "{noticed}");

    let url = new_database();
    let mut was_copied = false;
    let mut write = |step, done, total| {
        was_copied |= step == CopyStep::Copying;
        if was_copied && step == CopyStep::Checking && done == total {
            installation.tamper("UPDATE users SET phone = '2' WHERE email_folded = 'person-7@example.org'");
        }
    };
    let noticed = copy(&installation.path, PostgresOptions::new(&url, 2), &mut write).await.unwrap_err();
    assert!(matches!(noticed, CopyError::SourceChanged), "{noticed}");
    assert!(matches!(open(&url).await, Err(postgres::OpenError::UnfinishedCopy)));
}

#[tokio::test]
async fn a_copy_takes_no_place_of_others() {
    let installation = Installation::new().await;
    let url = new_database();
    let used = World::on(open(&url).await.unwrap(), clock()).await;
    assert!(matches!(installation.copy(&url).await.unwrap_err(), CopyError::NotEmpty));
    used.store.close().await;

    // One that was opened, and holds nothing.
    let url = new_database();
    open(&url).await.unwrap().close().await;
    installation.copy(&url).await.unwrap();
    // It is served, and no copy any more.
    let served = open(&url).await.unwrap();
    installation.go_on(&served).await;
    assert!(matches!(installation.copy(&url).await.unwrap_err(), CopyError::NotEmpty));
    assert_eq!(served.check(&mut |_, _| {}).await.unwrap().faults, Vec::<String>::new());

    let missing =
        copy(&installation.path.with_file_name("none"), PostgresOptions::new(&url, 2), &mut |_, _, _| {}).await;
    assert!(matches!(missing, Err(CopyError::Source(_))), "{missing:?}");
}

/// What an index has lost would not be copied, and nobody would know.
#[tokio::test]
async fn a_damaged_file_is_not_copied() {
    let (installation, url) = (Installation::new().await, new_database());
    damage_page(&installation.path, "users_by_email");
    let refused = installation.copy(&url).await.unwrap_err();
    assert!(matches!(refused, CopyError::SourceFaults(_) | CopyError::Store(StoreError::Corrupt(_))), "{refused}");
    open(&url).await.unwrap().close().await;
}

/// What one that was killed has sent last may still be carried out when the next one begins.
#[tokio::test]
async fn a_copy_waits_for_another_one() {
    const LOCK: i64 = 0x6465_6564_636f;
    let (installation, url) = (Installation::new().await, new_database());
    let other = connect(&url).await;
    other.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.unwrap();
    let released = async {
        sleep(Duration::from_millis(700)).await;
        drop(other);
        Instant::now()
    };
    let copied = async {
        installation.copy(&url).await.unwrap();
        Instant::now()
    };
    let (released, copied) = tokio::join!(released, copied);
    assert!(copied > released);
}

/// What the file holds that the database cannot is refused without being shown.
#[tokio::test]
async fn what_cannot_be_stored_is_told_by_its_place() {
    let (installation, url) = (Installation::new().await, new_database());
    installation.tamper("UPDATE users SET phone = 'secret' || char(0) WHERE email_folded = 'person-7@example.org'");
    let refused = installation.copy(&url).await.unwrap_err().to_string();
    assert_eq!(refused, "table users: one of its rows 1 to 100 is not taken by the database (SQLSTATE 22021)");

    let (installation, url) = (Installation::new().await, new_database());
    installation.tamper("UPDATE users SET id = 'secret' WHERE email_folded = 'person-7@example.org'");
    let refused = installation.copy(&url).await.unwrap_err().to_string();
    assert!(refused.contains("22P02") && !refused.contains("secret"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_meanwhile_ends_the_copy_and_the_next_one_goes_on() {
    let mut server = PostgresServer::start();
    server.ready().await;
    let (installation, url) = (Installation::new().await, server.url("postgres"));
    let mut kill = |step, done, _| {
        if step == CopyStep::Copying && done == 4_000 {
            server.kill();
        }
    };
    let lost = copy(&installation.path, PostgresOptions::new(&url, 2), &mut kill).await.unwrap_err();
    assert!(matches!(lost, CopyError::Store(_)), "{lost}");
    server.start_again();
    server.ready().await;
    installation.copy(&url).await.unwrap();
}

/// A table that is in neither list would be forgotten.
#[tokio::test]
async fn every_table_is_copied_or_there_is_a_reason() {
    let (installation, url) = (Installation::new().await, new_database());
    installation.copy(&url).await.unwrap();
    let file = Connection::open(&installation.path).unwrap();
    // Tables that SQLite makes for itself are shadows.
    let mut statement = file
        .prepare("SELECT name FROM pragma_table_list WHERE type IN ('table', 'virtual') AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let here: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let sql = "SELECT relname::text FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace";
    let rows = connect(&url).await.query(sql, &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let listed: Vec<&str> = COPIED.into_iter().chain(LEFT.map(|(name, _)| name)).collect();
    for name in here.union(&there) {
        assert_eq!(listed.iter().filter(|listed| *listed == name).count(), 1, "{name}");
    }
    for name in listed {
        assert!(here.contains(name) || there.contains(name) || name == "room", "{name}");
    }
    for name in COPIED.iter().chain(&READ_MODELS) {
        assert!(here.contains(*name) && there.contains(*name), "{name}");
    }
}
