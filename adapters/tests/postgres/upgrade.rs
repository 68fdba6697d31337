//! Programs of two versions on one PostgreSQL database (`docs/adr/0019-rolling-upgrades.md`): the next version is this one with one
//! more step of the schema.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deed_adapters::{
    READ_MODELS, Store,
    conformance::new_database,
    postgres::{OpenError, PostgresOptions, PostgresStore, Step, Upgraded},
};
use deed_domain::{
    claims::Failure,
    ports::{AppendError, DeviceIdentity, EventStore, StoreError},
};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

use crate::world::{claims, expect_whole, issue, open, register};

/// What the next version adds: to tables that are written all the time, and one of its own.
const NEXT: Step = Step::expand(
    "notes",
    "ALTER TABLE events ADD COLUMN note text NOT NULL DEFAULT '';
     ALTER TABLE device_credentials ADD COLUMN note text NOT NULL DEFAULT '';
     CREATE TABLE notes (device_id uuid NOT NULL PRIMARY KEY, note text NOT NULL);",
);

fn present(url: &str) -> PostgresOptions {
    PostgresOptions::new(url, 4)
}

fn next(url: &str) -> PostgresOptions {
    present(url).and_step(NEXT)
}

/// The steps that were made, and the read models that were filled again.
async fn upgrade(options: PostgresOptions) -> Result<Vec<String>, OpenError> {
    let mut done = Vec::new();
    let told = &mut |told: Upgraded<'_>| match told {
        Upgraded::Step(step) => done.push(step.to_owned()),
        Upgraded::ReadModel { name, .. } => {
            if done.last().is_none_or(|last| last != name) {
                done.push(name.to_owned());
            }
        }
    };
    PostgresStore::upgrade(options, told).await?;
    Ok(done)
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn is_unavailable<T>(result: &Result<T, Failure>) -> bool {
    matches!(result, Err(Failure::NotAppended(AppendError::Store(StoreError::Unavailable(why)))) if why.contains("newer"))
}

/// Devices that are registered and given keys without a pause; gives how many, when it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    done: tokio::task::JoinHandle<usize>,
}

impl Load {
    fn on(store: &PostgresStore, name: &'static str, shared: DeviceIdentity) -> Self {
        let (store, stop) = (store.clone(), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let done = tokio::spawn(async move {
            let (claims, mut count) = (claims(&store), 0);
            while !stopped.load(Ordering::SeqCst) {
                let device = register(&claims, &format!("{name}-{count}")).await.unwrap();
                // One that is the load's own, and one that all have.
                for device in [device, shared] {
                    issue(&claims, device, "key", 600_000).await.unwrap();
                }
                count += 1;
            }
            count
        });
        Self { stop, done }
    }

    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.done.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_versions_work_side_by_side_until_the_older_ones_are_gone() {
    let url = new_database();
    let old = open(&url).await;
    let shared = register(&claims(&old), "shared").await.unwrap();
    let under_load = Load::on(&old, "before", shared);

    // The new version does not begin by itself, and says what is to be done.
    let refused = PostgresStore::open(next(&url), None).await.unwrap_err();
    assert!(matches!(refused, OpenError::TooOld { found: 2, known: 3 }), "{refused}");
    assert!(refused.to_string().contains("deed migrate") && refused.is_damage(), "{refused}");
    assert_eq!(PostgresStore::missing(next(&url)).await.unwrap(), ["schema version 3: notes"]);
    assert_eq!(upgrade(next(&url)).await.unwrap(), ["schema version 3: notes"], "under load");
    assert_eq!(upgrade(next(&url)).await.unwrap(), Vec::<String>::new());

    let new = PostgresStore::open(next(&url), None).await.unwrap();
    let restarted = open(&url).await;
    let loads = [Load::on(&new, "new", shared), Load::on(&restarted, "restarted", shared)];
    sleep(Duration::from_secs(2)).await;
    for load in loads {
        assert!(load.stop().await > 10);
    }
    assert!(under_load.stop().await > 10);
    for store in [&old, &new, &restarted] {
        store.check_writable().await.unwrap();
        expect_whole(store).await;
    }
    assert_eq!(upgrade(present(&url)).await.unwrap(), Vec::<String>::new(), "nothing goes back");

    // When nobody uses it any more, a later version takes away what the present one needs.
    old.close().await;
    let contract = Step::contract("no notes", "ALTER TABLE events DROP COLUMN note; DROP TABLE notes", 3);
    assert_eq!(upgrade(next(&url).and_step(contract)).await.unwrap(), ["schema version 4: no notes"]);
    assert!(is_unavailable(&register(&claims(&restarted), "late").await), "it has been forgotten, and does no harm");
    assert!(restarted.check_writable().await.is_err());
    let refused = PostgresStore::open(present(&url), None).await.unwrap_err();
    assert!(matches!(refused, OpenError::TooNew { found: 4, needs: 3, known: 2 }), "{refused}");
    assert!(PostgresStore::open(present(&url).read_only(), None).await.is_err());
    assert!(upgrade(present(&url)).await.is_err());
    register(&claims(&new), "last").await.unwrap();
    new.check_writable().await.unwrap();
    expect_whole(&new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_upgrade_at_once_one_works() {
    let url = new_database();
    open(&url).await.close().await;
    let slow = present(&url).and_step(Step::expand("slow", "SELECT pg_sleep(1); CREATE TABLE slow (id int)"));
    let all = tokio::join!(upgrade(slow.clone()), upgrade(slow.clone()), upgrade(slow));
    let mut done = [all.0.unwrap(), all.1.unwrap(), all.2.unwrap()].concat();
    done.retain(|step| step == "schema version 3: slow");
    assert_eq!(done.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_empty_database_too_each_says_what_it_did() {
    let url = new_database();
    let all = tokio::join!(upgrade(present(&url)), upgrade(present(&url)), upgrade(present(&url)));
    let mut done = [all.0.unwrap(), all.1.unwrap(), all.2.unwrap()].concat();
    done.sort_unstable();
    let mut expected = READ_MODELS.map(str::to_owned).to_vec();
    expected.extend(["schema version 1: the log".to_owned(), "schema version 2: the registry".to_owned()]);
    expected.sort_unstable();
    assert_eq!(done, expected);
    expect_whole(&open(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_was_cut_off_is_begun_again() {
    let url = new_database();
    let store = open(&url).await;
    let two = |second| next(&url).and_step(Step::expand("more", second));
    let slow = "CREATE TABLE more (id int); SELECT pg_sleep(600)";
    assert!(timeout(Duration::from_secs(2), upgrade(two(slow))).await.is_err());
    // Whoever was cut off has made the first step, and of the second nothing.
    let again = timeout(Duration::from_secs(60), upgrade(two("CREATE TABLE more (id int)")));
    assert_eq!(again.await.unwrap().unwrap(), ["schema version 4: more"]);
    register(&claims(&store), "D-1").await.unwrap();
    let broken = two("CREATE TABLE more (id int)").and_step(Step::expand("broken", "CREATE TABLE x (); SELECT 1 / 0"));
    assert!(upgrade(broken).await.unwrap_err().to_string().contains("division by zero"));
    let client = connect(&url).await;
    let row = client.query_one("SELECT to_regclass('x') IS NULL, version FROM schema_version", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (true, 4));
    expect_whole(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_does_not_hold_up_others_while_it_waits_for_a_table() {
    let url = new_database();
    let store = open(&url).await;
    let mut reader = connect(&url).await;
    let reading = reader.transaction().await.unwrap();
    reading.query("SELECT * FROM events", &[]).await.unwrap();
    let upgrading = tokio::spawn(upgrade(next(&url)));
    for number in 0..4 {
        sleep(Duration::from_secs(1)).await;
        timeout(Duration::from_secs(10), register(&claims(&store), &format!("D-{number}"))).await.unwrap().unwrap();
    }
    assert!(!upgrading.is_finished());
    reading.rollback().await.unwrap();
    assert_eq!(upgrading.await.unwrap().unwrap(), ["schema version 3: notes"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_models_are_those_of_one_version() {
    let url = new_database();
    let store = open(&url).await;
    register(&claims(&store), "D-1").await.unwrap();
    let client = connect(&url).await;
    let set = async |sql: &str| client.batch_execute(sql).await.unwrap();

    // As a newer version leaves them, while this one is running.
    for (newer, undo) in [
        (
            "UPDATE projections SET version = version + 1 WHERE name = 'ownership'",
            "UPDATE projections SET version = version - 1 WHERE name = 'ownership'",
        ),
        (
            "INSERT INTO projections VALUES ('another', 1, 0); CREATE TABLE another (id int)",
            "DELETE FROM projections WHERE name = 'another'",
        ),
    ] {
        set(newer).await;
        store.check_writable().await.unwrap_err();
        assert!(is_unavailable(&register(&claims(&store), "D-2").await));
        let refused = PostgresStore::open(present(&url), None).await.unwrap_err();
        assert!(matches!(&refused, OpenError::NewReadModel { .. }), "{refused}");
        assert!(upgrade(present(&url)).await.is_err());
        set(undo).await;
    }
    store.check_writable().await.unwrap();
    register(&claims(&store), "D-2").await.unwrap();

    // As an older version, or nobody, has left them.
    for older in ["UPDATE projections SET version = 0 WHERE name = 'ownership'", "DROP TABLE claim_history"] {
        set(older).await;
        let refused = PostgresStore::open(present(&url), None).await.unwrap_err();
        assert!(matches!(refused, OpenError::OldReadModel { .. }), "{refused}");
        let done = upgrade(present(&url)).await.unwrap();
        assert!(done.len() == 1 && READ_MODELS.contains(&done[0].as_str()), "{done:?}");
        expect_whole(&open(&url).await).await;
    }
}
