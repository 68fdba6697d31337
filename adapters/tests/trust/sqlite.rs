//! Rebuilding changes nothing, and `check` finds what was tampered with, in a file.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use deed_adapters::{
    CheckReport, OddPepper, READ_MODELS, Store,
    secrets::{HmacDigester, Pepper},
    sqlite::{SqliteOptions, SqliteStore},
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{ClaimingChange, Failure},
    ids::{CustomerId, UserId},
    ports::{
        AccountChange, AppendError, AttributeScope, Authority, Clock, Entity, EventStore, LastOne, RegistryWrite,
        StoreError, User, UserCredentials, Users,
    },
    time::Timestamp,
};
use proptest::prelude::*;
use rusqlite::{Connection, types::Value};
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::{self, TENANT, caller, claims, clock, step};

struct World {
    directory: TempDir,
    world: world::World<SqliteStore>,
}

impl Deref for World {
    type Target = world::World<SqliteStore>;

    fn deref(&self) -> &Self::Target {
        &self.world
    }
}

impl World {
    async fn new() -> Self {
        let (directory, clock) = (TempDir::new().unwrap(), clock());
        let store = open(directory.path(), clock.clone());
        Self { directory, world: world::World::on(store, clock).await }
    }

    fn check(&self) -> CheckReport {
        self.store.check(&mut |_, _| {}).unwrap()
    }

    /// Every row of every read model.
    fn rows(&self) -> Vec<Vec<Value>> {
        let connection = self.connection();
        let mut all = Vec::new();
        for name in READ_MODELS {
            let mut statement = connection.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                all.push((0..columns).map(|i| row.get(i).unwrap()).collect());
            }
        }
        all
    }

    fn connection(&self) -> Connection {
        Connection::open(self.directory.path().join("deed.db")).unwrap()
    }

    /// Changes the file behind the service's back.
    fn tamper(&self, sql: &str) {
        assert!(self.connection().execute(sql, []).unwrap() > 0, "{sql}");
    }
}

fn open(directory: &Path, clock: Arc<dyn Clock>) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(directory.join("deed.db")), clock).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn with_history() -> World {
    let world = World::new().await;
    world.make_history().await;
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuilt_read_model_equals_the_live_one(steps in prop::collection::vec(step(), 1..60)) {
        run(async {
            let world = World::new().await;
            for (device, step, later) in steps {
                world.take(device, step, later).await;
            }
            let live = world.rows();
            let report = world.check();
            prop_assert_eq!(report.faults, Vec::<String>::new());
            for name in READ_MODELS {
                world.store.rebuild(name, &mut |_, _| {}).unwrap();
            }
            prop_assert_eq!(world.rows(), live);
            prop_assert_eq!(world.check().fault_count, 0);
            Ok(())
        })?;
    }
}

#[test]
fn tampering_is_found() {
    let cases = [
        ("DELETE FROM events WHERE position = 5", "position 6 follows position 4"),
        ("UPDATE events SET sequence = sequence + 50 WHERE position = 7", "sequence"),
        ("UPDATE events SET payload = '{}' WHERE position = 7", "malformed"),
        ("UPDATE events SET payload = replace(payload, 'D1', 'D9') WHERE position = 3", "read model device_list"),
        ("UPDATE events SET event_version = '99' WHERE position = 7", "unknown version `99`"),
        ("UPDATE events SET metadata = '{}' WHERE position = 7", "metadata member"),
        ("UPDATE events SET recorded_at = recorded_at - 500000 WHERE position = 9", "recorded before"),
        ("UPDATE ownership SET customer_id = device_id", "read model ownership"),
        ("DELETE FROM claim_history WHERE step = 'ClaimRefused'", "read model claim_history"),
        ("UPDATE active_keys SET expires_at = expires_at + 1", "read model active_keys"),
        ("UPDATE projections SET position = position - 1 WHERE name = 'ownership'", "stands at position"),
        ("UPDATE events SET tenant_id = aggregate_id WHERE position = 7", "column tenant_id"),
        ("UPDATE events SET aggregate_type = 'thing' WHERE position = 7", "column aggregate_type"),
        ("DELETE FROM events WHERE position > 7", "events were lost"),
        (
            "UPDATE events SET payload = json_set(payload, '$.DeviceClaimed.keyId', aggregate_id)
             WHERE event_type = 'DeviceClaimed'",
            "its key does not work",
        ),
        (
            "UPDATE events SET payload = json_set(payload, '$.DeviceClaimed.version', 7)
             WHERE event_type = 'DeviceClaimed'",
            "its version does not follow",
        ),
        (
            "UPDATE events SET payload = json_set(payload, '$.DeviceReclaimed.customerId', aggregate_id)
             WHERE event_type = 'DeviceReclaimed'",
            "the owner until then is another",
        ),
    ];
    for (sql, told) in cases {
        run(async {
            let world = with_history().await;
            assert_eq!(world.check().faults, Vec::<String>::new());
            world.tamper(sql);
            let report = world.check();
            assert!(report.faults.iter().any(|fault| fault.contains(told)), "{sql}: {:?}", report.faults);
        });
    }
}

/// What a read model still knows of an event that is gone is all that is left of it.
#[test]
fn a_log_with_a_hole_is_not_rebuilt_from() {
    for position in [5, 7, 9] {
        run(async {
            let world = with_history().await;
            let rows = world.rows();
            world.tamper(&format!("DELETE FROM events WHERE position = {position}"));
            let report = world.check();
            assert!(!report.faults.iter().any(|fault| fault.contains("deed rebuild")), "{:?}", report.faults);
            for name in READ_MODELS {
                let refused = world.store.rebuild(name, &mut |_, _| {}).unwrap_err().to_string();
                assert!(refused.contains("missing"), "{refused}");
            }
            assert_eq!(world.rows(), rows);
        });
    }
}

#[test]
fn a_device_with_a_hole_in_its_history_is_left_alone() {
    run(async {
        let world = with_history().await;
        let [bad, good] = [world.devices[0], world.devices[1]];
        world.store.close().await;
        let hole = format!("DELETE FROM events WHERE aggregate_id = '{}' AND sequence = 2", bad.device_id);
        world.tamper(&hole);
        // Nobody remembers the device any more.
        let again = open(world.directory.path(), world.clock.clone());
        let claims = claims(&again, &world.clock);
        let caller = caller();
        let issue = |device| claims.issue_from_device(&caller, device, ClaimKey::new("k"), 60_000);
        let refused = issue(bad).await.unwrap_err();
        assert!(matches!(refused, Failure::NotAppended(AppendError::Store(StoreError::Damaged { .. }))), "{refused:?}");
        drop(issue(good).await.unwrap());
        let folded = again.load(bad.device_id).await;
        assert!(matches!(folded, Err(StoreError::Damaged { .. })), "{folded:?}");
    });
}

/// A device that a read model contradicts undoes one batch, and from then on its own commands alone.
#[test]
fn a_contradiction_is_undone_alone() {
    run(async {
        let world = with_history().await;
        let [bad, good] = [world.devices[0], world.devices[1]];
        world.tamper(&format!(
            "INSERT INTO ownership SELECT device_id, epoch + 1, tenant_id, customer_id, user_id, key_id, from_position,
             from_time, ended_by, to_position, to_time FROM ownership WHERE device_id = '{}'",
            bad.device_id
        ));
        let customer = (CustomerId(Uuid::from_u128(100)), UserId(Uuid::from_u128(200)));
        let caller = caller();
        let claim = || world.claims.claim(&caller, TENANT, "D0", customer.0, customer.1, ClaimKey::new("right"));
        let issue = || world.claims.issue_from_device(&caller, good, ClaimKey::new("k"), 60_000);
        let first = claim().await.unwrap_err();
        assert!(matches!(first, Failure::NotAppended(AppendError::Store(StoreError::Unavailable(_)))), "{first:?}");
        for _ in 0..5 {
            let (before, refused, after) = futures_util::join!(issue(), claim(), issue());
            drop((before.unwrap(), after.unwrap()));
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Failure::NotAppended(AppendError::Store(StoreError::Corrupt(_)))), "{refused:?}");
        }
        let faults = world.check().faults;
        assert!(faults.iter().all(|fault| fault.starts_with("read model ownership")), "{faults:?}");
    });
}

#[test]
fn a_pepper_is_known_again() {
    run(async {
        let world = World::new().await;
        let checks = |secret: u8| {
            let pepper = Pepper { id: PepperId("p".into()), secret: zeroize::Zeroizing::new(vec![secret; 32]) };
            HmacDigester::new(vec![pepper]).unwrap().checks()
        };
        let odd = [OddPepper::Changed(PepperId("p".into()))];
        for (secret, expected) in [(7, &odd[1..]), (7, &odd[1..]), (8, &odd[..]), (7, &odd[1..])] {
            assert_eq!(world.store.odd_peppers(checks(secret)).await.unwrap(), expected);
        }
        for is_known in [true, false] {
            assert_eq!(world.store.forget_pepper(&PepperId("p".into())).await.unwrap(), is_known);
        }
        assert_eq!(world.store.odd_peppers(checks(8)).await.unwrap(), []);
    });
}

/// Overwrites the first page of a table or index.
pub(crate) fn damage_page(path: &Path, object: &str) {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = ?1";
    let page: u32 = connection.query_row(sql, [object], |row| row.get(0)).unwrap();
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    drop(connection);
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(u64::from((page - 1) * size))).unwrap();
    file.write_all(&vec![0; size as usize]).unwrap();
}

#[test]
fn a_damaged_page_is_found_also_where_no_read_model_is_compared() {
    for object in ["device_list_by_name", "active_keys_by_expiry", "users_by_email", "attributes"] {
        run(async {
            let world = with_history().await;
            world.store.close().await;
            damage_page(&world.directory.path().join("deed.db"), object);
            match world.store.check(&mut |_, _| {}) {
                Ok(report) => assert!(report.fault_count > 0, "{object}"),
                Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{object}: {error}"),
            }
        });
    }
}

#[test]
fn of_a_person_who_is_erased_nothing_stays_in_the_file() {
    run(async {
        let world = World::new().await;
        let person = |number: u128| User {
            id: UserId(Uuid::from_u128(number)),
            tenant_id: Some(TENANT),
            customer_id: None,
            authority: Authority::TenantAdmin,
            email: format!("person-{number}@private.example"),
            first_name: Some("Erasmus".into()),
            last_name: None,
            phone: None,
            created_at: Timestamp(1),
            version: 1,
            additional_info: None,
        };
        let credentials = || UserCredentials { password_hash: Some("$argon2id$private".into()), enabled: true };
        for number in 1..200 {
            world.store.add_user(person(number), credentials()).await.unwrap();
        }
        for number in 1..200 {
            let gone = world.store.delete_user(UserId(Uuid::from_u128(number)), LastOne::Goes).await.unwrap();
            assert_eq!(gone, AccountChange::Made);
        }
        world.store.close().await;
        let file = fs::read(world.directory.path().join("deed.db")).unwrap();
        for text in ["@private.example", "$argon2id$private", "Erasmus"] {
            assert!(!file.windows(text.len()).any(|part| part == text.as_bytes()), "{text} is still there");
        }
    });
}

#[test]
fn a_rebuild_mends_a_read_model() {
    run(async {
        let world = with_history().await;
        let before = world.rows();
        world.tamper("DELETE FROM device_list");
        world.tamper("UPDATE ownership SET customer_id = device_id");
        for name in ["device_list", "ownership"] {
            world.store.rebuild(name, &mut |_, _| {}).unwrap();
        }
        assert_eq!(world.rows(), before);
        assert!(world.store.rebuild("events", &mut |_, _| {}).is_err());
    });
}

#[test]
fn a_read_model_of_another_version_is_rebuilt_at_the_start() {
    run(async {
        let world = with_history().await;
        let before = world.rows();
        world.store.close().await;
        world.tamper("UPDATE projections SET version = version + 1 WHERE name = 'active_keys'");
        world.tamper("UPDATE active_keys SET expires_at = 0");
        let store = open(world.directory.path(), world.clock.clone());
        assert_eq!(store.check(&mut |_, _| {}).unwrap().faults, Vec::<String>::new());
        assert_eq!(world.rows(), before);
    });
}

#[test]
fn a_read_model_that_is_gone_is_told_and_made_again_at_the_start() {
    run(async {
        let world = with_history().await;
        let before = world.rows();
        world.connection().execute_batch("DROP TABLE claim_history").unwrap();
        assert!(world.check().faults.iter().any(|fault| fault.contains("read model claim_history")));
        world.store.close().await;
        open(world.directory.path(), world.clock.clone());
        assert_eq!(world.rows(), before);
    });
}

#[test]
fn a_log_that_lost_its_end_is_not_gone_on_with() {
    run(async {
        let world = with_history().await;
        world.store.close().await;
        world.tamper("DELETE FROM events WHERE position > 7");
        let options = SqliteOptions::new(world.directory.path().join("deed.db"));
        let failure = SqliteStore::open(options, world.clock.clone()).unwrap_err();
        assert!(failure.is_damage() && failure.to_string().contains("events were lost"), "{failure}");
    });
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;

    run(async {
        let world = World::new().await;
        for name in ["deed.db", "deed.db-wal", "deed.db-shm"] {
            let mode = std::fs::metadata(world.directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    });
}

#[test]
fn a_rebuild_stops_at_an_event_that_cannot_be_read_and_leaves_the_old_rows() {
    run(async {
        let world = with_history().await;
        let before = world.rows();
        world.tamper("UPDATE events SET payload = '{}' WHERE position = 7");
        let failure = world.store.rebuild("ownership", &mut |_, _| {}).unwrap_err().to_string();
        assert!(failure.contains("position 7"), "{failure}");
        assert_eq!(world.rows(), before);
    });
}

#[test]
fn a_file_of_another_version_is_left_alone() {
    run(async {
        let world = with_history().await;
        world.store.close().await;
        world.connection().pragma_update(None, "user_version", 99).unwrap();
        let options = SqliteOptions::new(world.directory.path().join("deed.db"));
        let failure = SqliteStore::open(options, world.clock.clone()).unwrap_err().to_string();
        assert!(failure.contains("version 99"), "{failure}");
        world.connection().pragma_update(None, "user_version", 1).unwrap();
        let options = SqliteOptions::read_only(world.directory.path().join("deed.db"));
        let failure = SqliteStore::open(options, world.clock.clone()).unwrap_err().to_string();
        assert!(failure.contains("version 1 of an older deed"), "{failure}");
    });
}

#[test]
fn the_write_ahead_log_stays_bounded_while_the_store_is_open() {
    run(async {
        let world = World::new().await;
        let device = world.devices[0];
        for _ in 0..100 {
            let value = ("note".to_owned(), "x".repeat(1 << 20).into());
            let write =
                RegistryWrite::PutAttributes(Entity::Device(device.device_id), AttributeScope::Server, vec![value]);
            world.claims.write_attributes(&caller(), device, ClaimingChange::default(), vec![write]).await.unwrap();
        }
        let log = std::fs::metadata(world.directory.path().join("deed.db-wal")).unwrap().len();
        assert!(log < 40 << 20, "{log} bytes");
    });
}

/// A disk that takes nothing, as SQLite sees it; and what a readiness check makes of it.
#[test]
fn a_store_that_cannot_write_says_so_until_it_can() {
    run(async {
        let world = World::new().await;
        assert!(world.store.check_writable().await.is_ok());
        let refuse = |table: &str, verb: &str| {
            let sql =
                format!("CREATE TRIGGER no_{table} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END");
            world.connection().execute_batch(&sql).unwrap();
        };
        world.connection().execute_batch("CREATE TABLE room (bytes BLOB) STRICT").unwrap();
        refuse("events", "INSERT");
        refuse("room", "INSERT");
        assert!(world.claims.issue_from_device(&caller(), world.devices[0], ClaimKey::new("k"), 60_000).await.is_err());
        for _ in 0..2 {
            assert!(world.store.check_writable().await.is_err());
        }
        world.connection().execute_batch("DROP TRIGGER no_events; DROP TRIGGER no_room").unwrap();
        assert!(world.store.check_writable().await.is_ok());
        world.claims.issue_from_device(&caller(), world.devices[0], ClaimKey::new("k"), 60_000).await.unwrap();
        assert!(world.store.check_writable().await.is_ok());
    });
}
