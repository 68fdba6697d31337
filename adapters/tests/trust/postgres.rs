//! `check` finds what was tampered with, in a database on a server, as it does in a file.

use std::ops::Deref;

use deed_adapters::{
    READ_MODELS, Store,
    conformance::new_database,
    postgres::{PostgresOptions, PostgresStore},
};
use tokio_postgres::{Client, NoTls};

use crate::world::{self, clock};

struct World {
    url: String,
    client: Client,
    world: world::World<PostgresStore>,
}

impl Deref for World {
    type Target = world::World<PostgresStore>;

    fn deref(&self) -> &Self::Target {
        &self.world
    }
}

impl World {
    async fn with_history() -> Self {
        let (url, clock) = (new_database(), clock());
        let store = PostgresStore::open(PostgresOptions::new(&url, 4), Some(clock.clone())).await.unwrap();
        let world = world::World::on(store, clock).await;
        world.make_history().await;
        Self { client: connect(&url).await, url, world }
    }

    async fn faults(&self) -> Vec<String> {
        self.store.check(&mut |_, _| {}).await.unwrap().faults
    }

    /// Changes the database behind the service's back.
    async fn tamper(&self, sql: &str) {
        assert!(self.client.execute(sql, &[]).await.unwrap() > 0, "{sql}");
    }

    /// Every row of every read model.
    async fn rows(&self) -> Vec<String> {
        let mut all = Vec::new();
        for name in READ_MODELS {
            let sql = format!("SELECT row_to_json(rows)::text FROM {name} AS rows ORDER BY 1");
            all.extend(self.client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
        }
        all
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn tampering_is_found() {
    let cases = [
        ("DELETE FROM events WHERE position = 5", "position 6 follows position 4"),
        ("UPDATE events SET sequence = sequence + 50 WHERE position = 7", "sequence"),
        ("UPDATE events SET payload = '{}' WHERE position = 7", "malformed"),
        ("UPDATE events SET payload = replace(payload::text, 'D1', 'D9')::json WHERE position = 3", "read model device_list"),
        ("UPDATE events SET event_version = '99' WHERE position = 7", "unknown version `99`"),
        ("UPDATE events SET metadata = '{}' WHERE position = 7", "column tenant_id"),
        ("UPDATE events SET metadata = '{}' WHERE position = 7", "metadata member"),
        ("UPDATE events SET recorded_at = recorded_at - 500000 WHERE position = 9", "recorded before"),
        ("UPDATE ownership SET customer_id = device_id", "read model ownership"),
        ("DELETE FROM claim_history WHERE step = 'ClaimRefused'", "read model claim_history: 0 rows do not follow from the log, 1"),
        (
            "INSERT INTO active_keys SELECT (jsonb_populate_record(keys, jsonb_build_object('key_id', gen_random_uuid()))).*
             FROM active_keys AS keys LIMIT 1",
            "read model active_keys: 1 rows do not follow from the log, 0",
        ),
        ("UPDATE active_keys SET expires_at = expires_at + 1", "read model active_keys"),
        ("UPDATE device_counts SET count = count + 1", "entries of its index"),
        ("UPDATE projections SET position = position - 1 WHERE name = 'ownership'", "stands at position"),
        ("UPDATE events SET tenant_id = aggregate_id::uuid WHERE position = 7", "column tenant_id"),
        ("UPDATE events SET aggregate_type = 'thing' WHERE position = 7", "column aggregate_type"),
        ("DELETE FROM events WHERE position > 7", "events were lost"),
        ("DELETE FROM events WHERE position > 7", "log_end says position"),
        ("UPDATE log_end SET position = position + 1", "log_end says position"),
        ("UPDATE log_end SET recorded_at = recorded_at + 1", "log_end says that the last event is of"),
        (
            "UPDATE events SET payload = jsonb_set(payload::jsonb, '{DeviceClaimed,keyId}', to_jsonb(aggregate_id))::json
             WHERE event_type = 'DeviceClaimed'",
            "its key does not work",
        ),
        (
            "UPDATE events SET payload = jsonb_set(payload::jsonb, '{DeviceClaimed,version}', '7')::json
             WHERE event_type = 'DeviceClaimed'",
            "its version does not follow",
        ),
        (
            "UPDATE events SET payload =
             jsonb_set(payload::jsonb, '{DeviceReclaimed,customerId}', to_jsonb(aggregate_id))::json
             WHERE event_type = 'DeviceReclaimed'",
            "the owner until then is another",
        ),
    ];
    for (sql, told) in cases {
        let world = World::with_history().await;
        assert_eq!(world.faults().await, Vec::<String>::new());
        world.tamper(sql).await;
        let faults = world.faults().await;
        assert!(faults.iter().any(|fault| fault.contains(told)), "{sql}: {faults:?}");
    }
}

#[tokio::test]
async fn who_may_only_read_can_check() {
    let world = World::with_history().await;
    let database = world.url.rsplit_once('/').unwrap().1;
    let say = async |sql: &str| world.client.batch_execute(&sql.replace("THIS", database)).await.unwrap();
    say("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
         ALTER DATABASE THIS SET default_transaction_read_only = on")
    .await;
    let url = world.url.replace("deed@", "reader@");
    let reader = async || PostgresStore::open(PostgresOptions::new(&url, 1).read_only(), None).await.unwrap();
    let report = reader().await.check(&mut |_, _| {}).await.unwrap();
    assert!(report.events > 9 && report.faults.is_empty(), "{report:?}");
    say("BEGIN READ WRITE; REVOKE TEMPORARY ON DATABASE THIS FROM public; COMMIT").await;
    let refused = reader().await.check(&mut |_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("GRANT TEMPORARY ON DATABASE"), "{refused}");
}

#[tokio::test]
async fn a_read_model_that_is_gone_is_told_and_made_again_by_an_upgrade() {
    let world = World::with_history().await;
    let before = world.rows().await;
    world.client.batch_execute("DROP TABLE claim_history").await.unwrap();
    let faults = world.faults().await;
    assert!(faults.iter().any(|fault| fault.contains("read model claim_history")), "{faults:?}");
    world.store.close().await;
    let options = || PostgresOptions::new(&world.url, 4);
    let refused = PostgresStore::open(options(), None).await.unwrap_err().to_string();
    assert!(refused.contains("claim_history") && refused.contains("deed migrate"), "{refused}");
    PostgresStore::upgrade(options(), &mut |_| {}).await.unwrap();
    let again = PostgresStore::open(options(), None).await.unwrap();
    assert_eq!(world.rows().await, before);
    assert_eq!(again.check(&mut |_, _| {}).await.unwrap().fault_count, 0);
}

/// What a read model still knows of an event that is gone is all that is left of it.
#[tokio::test]
async fn a_log_with_a_hole_is_not_rebuilt_from() {
    let world = World::with_history().await;
    let before = world.rows().await;
    world.tamper("DELETE FROM events WHERE position = 7").await;
    let faults = world.faults().await;
    assert!(!faults.iter().any(|fault| fault.contains("deed rebuild")), "{faults:?}");
    for name in READ_MODELS {
        let refused = world.store.rebuild(name, &mut |_, _| {}).await.unwrap_err().to_string();
        assert!(refused.contains("missing"), "{refused}");
    }
    assert_eq!(world.rows().await, before);
}

#[tokio::test]
async fn a_rebuild_mends_a_read_model() {
    let world = World::with_history().await;
    let before = world.rows().await;
    world.tamper("DELETE FROM device_list").await;
    world.tamper("UPDATE ownership SET customer_id = device_id").await;
    for name in ["device_list", "ownership"] {
        world.store.rebuild(name, &mut |_, _| {}).await.unwrap();
    }
    assert_eq!(world.rows().await, before);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_not_gone_on_with() {
    let world = World::with_history().await;
    world.store.close().await;
    world.tamper("DELETE FROM events WHERE position > 7").await;
    let failure = PostgresStore::open(PostgresOptions::new(&world.url, 4), None).await.unwrap_err();
    assert!(failure.is_damage() && failure.to_string().contains("events were lost"), "{failure}");
}
