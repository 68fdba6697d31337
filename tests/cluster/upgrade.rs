//! Nodes of two versions (`docs/adr/0019-rolling-upgrades.md`): the processes are the older one, and what this test opens knows
//! one more step of the schema.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deed_adapters::{
    Store,
    conformance::new_database,
    postgres::{PostgresOptions, PostgresStore, Step},
    secrets::{HmacDigester, Pepper},
    surroundings::OsEntropy,
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{Claims, NewDevice, ProfileChoice},
    device::ClaimPolicy,
    ids::{DeviceId, TenantId},
    metadata::{Actor, Caller, Transport},
    ports::DeviceIdentity,
};
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    RECOVERY,
    asking::{Asking, By, Call, text},
    broker::free_port,
    deed::{Server, deed, run, world::secret},
    nodes::{Cluster, NODES},
};

const NEXT: Step = Step::expand(
    "notes",
    "ALTER TABLE events ADD COLUMN note text NOT NULL DEFAULT '';
     ALTER TABLE login_sessions ADD COLUMN note text NOT NULL DEFAULT '';
     CREATE TABLE notes (device_id uuid NOT NULL PRIMARY KEY, note text NOT NULL);",
);

fn claims(store: &PostgresStore) -> Claims {
    let pepper = Pepper { id: PepperId("p1".into()), secret: b"0123456789abcdef0123456789abcdef".to_vec().into() };
    let stored = Arc::new(store.clone());
    let digester = Arc::new(HmacDigester::new(vec![pepper]).unwrap());
    let policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
    Claims::new(stored.clone(), stored, digester, store.time(), Arc::new(OsEntropy), policy)
}

fn caller() -> Caller {
    Caller { actor: Actor::System, transport: Transport::Internal, correlation_id: "test".into(), command_id: None }
}

/// What goes on meanwhile.
struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn new() -> Self {
        Self { stop: Arc::default(), count: Arc::default(), tasks: Vec::new() }
    }

    /// People and devices at the nodes. All of it has to succeed.
    fn at_nodes(&mut self, asking: &Asking, shared: &str) {
        for node in 0..NODES {
            let (asking, stop, count) = (asking.clone(), Arc::clone(&self.stop), Arc::clone(&self.count));
            let shared = shared.to_owned();
            self.tasks.push(tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let name = format!("old-{node}-{number}");
                    asking.device(node, &name).await;
                    for name in [&name, &shared] {
                        let body = json!({"secretKey": secret("key"), "durationMs": 600_000});
                        asking.done(node, Call::post(format!("/api/v1/{name}/claim"), By::Nobody, body)).await;
                    }
                    asking.login(node, "customer@thingsboard.org", "customer").await;
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }));
        }
    }

    /// A program of the newer version.
    fn beside(&mut self, store: &PostgresStore, tenant: TenantId, shared: DeviceIdentity) {
        let (store, stop, count) = (store.clone(), Arc::clone(&self.stop), Arc::clone(&self.count));
        self.tasks.push(tokio::spawn(async move {
            let claims = claims(&store);
            for number in 0.. {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let new = NewDevice {
                    name: format!("new-{number}"),
                    profile: ProfileChoice::Default,
                    label: None,
                    owner: None,
                    additional_info: None,
                    credentials: None,
                };
                claims.register(&caller(), tenant, new).await.unwrap();
                claims.issue_from_device(&caller(), shared, ClaimKey::new("key"), 600_000).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }

    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.count.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_versions_serve_side_by_side() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let url = cluster.database.url("postgres");
    let next = || PostgresOptions::new(&url, 4).and_step(NEXT);
    let shared = asking.device(0, "shared").await;
    let me = asking.done(0, Call::get("/api/auth/user", asking.tenant.clone())).await;
    let tenant: TenantId = text(&me["tenantId"]["id"]).parse().unwrap();
    let device = DeviceIdentity::new(tenant, shared.parse::<DeviceId>().unwrap());

    let mut load = Load::new();
    load.at_nodes(&asking, "shared");
    sleep(Duration::from_secs(1)).await;
    PostgresStore::upgrade(next(), &mut |_| {}).await.unwrap();
    let newer = PostgresStore::open(next(), None).await.unwrap();
    load.beside(&newer, tenant, device);
    sleep(Duration::from_secs(3)).await;
    assert!(load.stop().await > 20);
    cluster.expect_undamaged();
    assert_eq!(newer.check(&mut |_, _| {}).await.unwrap().faults, Vec::<String>::new());

    // An older node may come back, and finds nothing to do.
    cluster.kill_node(1).await;
    cluster.start_node(1).await;
    cluster.until_ready(1, true, RECOVERY).await;
    let migrated = run(cluster.deed_on_the_database().arg("migrate"));
    assert_eq!((migrated.0, migrated.1.as_str()), (0, "The database is up to date.\n"), "{}", migrated.2);
    asking.device(1, "last").await;

    // The step that takes away what they need: they say so, and write nothing more.
    let contract = Step::contract("no notes", "ALTER TABLE events DROP COLUMN note; DROP TABLE notes", 3);
    PostgresStore::upgrade(next().and_step(contract), &mut |_| {}).await.unwrap();
    for node in 0..NODES {
        cluster.until_ready(node, false, Duration::from_secs(2)).await;
        let url = format!("{}/api/device", asking.directory.of(node).url);
        let By::Login(tenant) = &asking.tenant else { panic!("an administrator signs in") };
        let refused = asking.client.post(url).bearer_auth(tenant).json(&json!({"name": "late"})).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut late = cluster.deed_on_the_database();
    let (status, _, error) = run(late.arg("serve"));
    assert!(status == 65 && error.contains("schema version 4"), "{status} {error}");
    assert_eq!(newer.check(&mut |_, _| {}).await.unwrap().faults, Vec::<String>::new());
    newer.close().await;
}

/// One makes the database and shows the password of the first account; the others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_begin_together() {
    let directory = TempDir::new().unwrap();
    for _ in 0..5 {
        let url = new_database();
        let starting = [(); NODES].map(|()| {
            let mut command = on(&url, &directory);
            command.arg("serve").envs(crate::nodes::SHARED);
            // The system may give two processes the same port that nobody listens on yet.
            for port in ["HTTP_BIND_PORT", "MQTT_BIND_PORT"] {
                command.env(port, free_port().to_string());
            }
            tokio::task::spawn_blocking(move || Server::start(&mut command))
        });
        let mut shown = 0;
        for server in starting {
            let server = server.await.unwrap();
            shown += usize::from(server.greeting.contains("Sign in as sysadmin@thingsboard.org"));
            assert!(tokio::task::spawn_blocking(|| server.stop()).await.unwrap().0.success());
        }
        assert_eq!(shown, 1);
        assert_eq!(run(on(&url, &directory).arg("check")).0, 0);
    }
}

/// The binary with a new database.
fn on(url: &str, directory: &TempDir) -> Command {
    let mut command = deed(directory.path());
    command.env("DEED_DATABASE", url);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_migrate_one_works_and_one_that_is_killed_is_begun_again() {
    let directory = TempDir::new().unwrap();
    let url = new_database();
    let (status, missing, _) = run(on(&url, &directory).args(["migrate", "--dry-run"]));
    assert_eq!(status, 0);
    assert_eq!(missing.lines().filter(|line| line.starts_with("schema version")).count(), 2, "{missing}");
    assert_eq!(missing.lines().filter(|line| line.starts_with("read model")).count(), 4, "{missing}");
    assert_ne!(run(on(&url, &directory).arg("check")).0, 0, "nothing was done");
    let start = |_| on(&url, &directory).arg("migrate").stdout(Stdio::piped()).spawn().unwrap();
    let all: Vec<_> = [(); 4].map(start).map(|child| child.wait_with_output().unwrap()).into();
    assert!(all.iter().all(|output| output.status.success()), "{all:?}");
    let printed = String::from_utf8(all.into_iter().flat_map(|output| output.stdout).collect()).unwrap();
    assert_eq!(printed.lines().filter(|line| line.starts_with("schema version 2")).count(), 1, "{printed}");
    assert_eq!(run(on(&url, &directory).arg("check")).0, 0);

    for pause in [20, 40, 60, 80, 120] {
        let url = new_database();
        let mut child = on(&url, &directory).arg("migrate").stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(pause)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let (status, printed, error) = run(on(&url, &directory).arg("migrate"));
        assert_eq!(status, 0, "{pause}: {printed}{error}");
        assert_eq!(run(on(&url, &directory).arg("check")).0, 0);
        let mut serving = on(&url, &directory);
        serving.arg("serve").envs(crate::nodes::SHARED);
        Server::start(&mut serving).stop();
    }
}
