//! Against the real store, with time that moves when the test says so.

use std::{path::Path, thread};

use deed_adapters::{
    Store,
    secrets::{HmacDigester, Pepper},
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::OsEntropy,
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{NewDevice, ProfileChoice},
    device::{ClaimPolicy, DeviceEvent},
    ids::{DeviceId, Position, TenantId},
};
use tokio::{runtime::Handle, task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::*;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
/// How far time moves at once; the store's threads get a moment of real time after each step.
const STEP: Duration = Duration::from_millis(50);

/// The runtime's time, also for threads that are not the runtime's.
struct RuntimeClock {
    runtime: Handle,
    start: Instant,
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let _inside = self.runtime.enter();
        Timestamp(1_700_000_000_000 + i64::try_from(self.start.elapsed().as_millis()).unwrap())
    }
}

struct Fixture {
    directory: tempfile::TempDir,
    clock: Arc<dyn Clock>,
    store: SqliteStore,
    // While a blocking task runs, time stands still unless it is moved.
    _still: std::sync::mpsc::Sender<()>,
}

impl Fixture {
    fn new() -> Self {
        let (still, moved) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || moved.recv());
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock { runtime: Handle::current(), start: Instant::now() });
        let store = open(directory.path(), &clock);
        Self { directory, clock, store, _still: still }
    }

    async fn restart(&mut self) {
        self.store.close().await;
        self.store = open(self.directory.path(), &self.clock);
    }

    fn claims(&self) -> Claims {
        let store = Arc::new(self.store.clone());
        let pepper = Pepper { id: PepperId("p".into()), secret: vec![7; 32].into() };
        let digester = Arc::new(HmacDigester::new(vec![pepper]).unwrap());
        let policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
        Claims::new(store.clone(), store, digester, Arc::clone(&self.clock), Arc::new(OsEntropy), policy)
    }

    fn start_worker(&self, stopping: &CancellationToken) -> JoinHandle<()> {
        let store = Arc::new(self.store.clone());
        let worker = ExpiryWorker::new(self.claims(), store.clone(), store, Arc::clone(&self.clock));
        tokio::spawn(worker.run(stopping.clone()))
    }

    /// A device with a key that lives so long; and when it runs out.
    async fn issue(&self, name: &str, life: Duration) -> (DeviceId, Timestamp) {
        let claims = self.claims();
        let caller = caller(self.clock.now());
        let new = NewDevice {
            name: name.into(),
            profile: ProfileChoice::Default,
            label: None,
            owner: None,
            additional_info: None,
            credentials: None,
        };
        let device_id = claims.register(&caller, TENANT, new).await.unwrap().device_id;
        let device = DeviceIdentity { tenant_id: TENANT, device_id };
        let life = i64::try_from(life.as_millis()).unwrap();
        let issued = claims.issue_from_device(&caller, device, ClaimKey::new("k"), life).await.unwrap();
        (device_id, issued.expires_at)
    }

    /// When the device's keys were recorded as expired.
    async fn recorded(&self, device_id: DeviceId) -> Vec<Timestamp> {
        let page = self.store.read_after(Scope::Device(device_id), Position(0), 100).await.unwrap();
        let events = page.events.iter().map(|stored| (stored.decode().unwrap(), stored.recorded_at));
        events.filter(|(event, _)| matches!(event, DeviceEvent::ClaimExpired { .. })).map(|(_, at)| at).collect()
    }

    /// Moves time on until the key is recorded, at most that long.
    async fn wait(&self, device_id: DeviceId, at_most: Duration) -> Option<Timestamp> {
        let start = Instant::now();
        while start.elapsed() < at_most {
            move_on().await;
            if let Some(at) = self.recorded(device_id).await.first() {
                return Some(*at);
            }
        }
        None
    }
}

fn open(directory: &Path, clock: &Arc<dyn Clock>) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(directory.join("deed.db")), Arc::clone(clock)).unwrap()
}

async fn move_on() {
    tokio::time::advance(STEP).await;
    tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(2))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_is_recorded_once_when_its_time_ran_out_and_not_before() {
    let fixture = Fixture::new();
    let (device_id, expires_at) = fixture.issue("D1", Duration::from_secs(5)).await;
    let _worker = fixture.start_worker(&CancellationToken::new());
    while fixture.clock.now() <= expires_at {
        assert!(fixture.recorded(device_id).await.is_empty());
        move_on().await;
    }
    let at = fixture.wait(device_id, Duration::from_secs(30)).await.unwrap();
    assert!(at > expires_at, "{at} {expires_at}");
    for _ in 0..50 {
        move_on().await;
    }
    assert_eq!(fixture.recorded(device_id).await, [at]);
    fixture.store.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_expires_before_all_others_wakes_the_worker() {
    let fixture = Fixture::new();
    let (late, _) = fixture.issue("late", Duration::from_hours(10)).await;
    let _worker = fixture.start_worker(&CancellationToken::new());
    for _ in 0..10 {
        move_on().await;
    }
    let (early, expires_at) = fixture.issue("early", Duration::from_secs(2)).await;
    // Sooner than the worker would have looked by itself.
    let at = fixture.wait(early, LONGEST_SLEEP / 2).await.unwrap();
    assert!(at > expires_at);
    assert!(fixture.recorded(late).await.is_empty());
    fixture.store.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_ran_out_while_the_service_was_down_is_recorded_after_the_start() {
    let mut fixture = Fixture::new();
    let (device_id, expires_at) = fixture.issue("D1", Duration::from_secs(5)).await;
    fixture.restart().await;
    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(fixture.recorded(device_id).await.is_empty());
    let _worker = fixture.start_worker(&CancellationToken::new());
    let at = fixture.wait(device_id, Duration::from_secs(30)).await.unwrap();
    assert!(at.since(expires_at) > 3_500_000);
    fixture.store.close().await;
}

#[tokio::test(start_paused = true)]
async fn more_keys_than_one_look_finds_are_all_recorded() {
    let fixture = Fixture::new();
    let mut devices = Vec::new();
    for i in 0..BATCH + 3 {
        devices.push(fixture.issue(&format!("D{i}"), Duration::from_secs(1)).await.0);
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    let _worker = fixture.start_worker(&CancellationToken::new());
    for device_id in devices {
        assert!(fixture.wait(device_id, Duration::from_secs(60)).await.is_some());
    }
    fixture.store.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_device_does_not_hold_up_the_others() {
    let mut fixture = Fixture::new();
    let mut devices = Vec::new();
    // Those that expire first fill a look.
    for i in 0..BATCH + 1 {
        devices.push(fixture.issue(&format!("D{i}"), Duration::from_secs(if i < BATCH { 1 } else { 2 })).await.0);
    }
    fixture.store.close().await;
    let file = rusqlite::Connection::open(fixture.directory.path().join("deed.db")).unwrap();
    for device_id in &devices[..BATCH] {
        let hole = "DELETE FROM events WHERE aggregate_id = ?1 AND event_type = 'DeviceRegistered'";
        assert_eq!(file.execute(hole, [device_id.to_string()]).unwrap(), 1);
    }
    drop(file);
    fixture.restart().await;
    tokio::time::advance(Duration::from_secs(3)).await;
    let _worker = fixture.start_worker(&CancellationToken::new());
    assert!(fixture.wait(devices[BATCH], Duration::from_secs(60)).await.is_some());
    fixture.store.close().await;
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_it_is_told_to() {
    let fixture = Fixture::new();
    let stopping = CancellationToken::new();
    let worker = fixture.start_worker(&stopping);
    move_on().await;
    assert!(!worker.is_finished());
    stopping.cancel();
    worker.await.unwrap();
    fixture.store.close().await;
}
