//! Three nodes on one database.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use deed_adapters::conformance::PostgresServer;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    deed::{Server, deed, run, world::sign_in},
    network::Network,
};

pub(crate) const NODES: usize = 3;

/// The demo's customers, whose ids are fixed.
pub(crate) const CUSTOMERS: [&str; 2] =
    ["01937500-0000-7000-8000-00000000000a", "01937500-0000-7000-8000-00000000000b"];

/// What every node is told: the same secrets, and nothing that would stop a test that guesses and repeats.
pub(crate) const SHARED: [(&str, &str); 5] = [
    ("SECURITY_PEPPERS", "p1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    (
        "JWT_TOKEN_SIGNING_KEY",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==",
    ),
    ("DEED_DATABASE_CONNECTIONS", "8"),
    ("SECURITY_CLAIM_GUESS_LIMIT", "0"),
    ("SECURITY_CLAIM_GUESS_LIMIT_OVERALL", "0"),
];

/// What differs between tests.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) allowed_by_default: bool,
    pub(crate) clocks: [Clock; NODES],
    /// Environment of every node.
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

impl Default for Settings {
    fn default() -> Self {
        Self { allowed_by_default: true, clocks: [Clock::default(); NODES], environment: &[] }
    }
}

/// What a node takes for the time.
#[derive(Clone, Copy, Default)]
pub(crate) enum Clock {
    #[default]
    Right,
    /// So far away, as libfaketime writes it. Monotonic time goes on as it does.
    Off(&'static str),
}

/// Three nodes, each with a network of its own to a PostgreSQL server that they share.
pub(crate) struct Cluster {
    pub(crate) database: PostgresServer,
    pub(crate) networks: Vec<Network>,
    pub(crate) people: People,
    servers: Vec<Option<Server>>,
    settings: Settings,
    addresses: Arc<[RwLock<Addresses>; NODES]>,
    directory: TempDir,
}

/// Where a node is reached. Another process of it has others.
#[derive(Clone, Default)]
pub(crate) struct Addresses {
    pub(crate) url: String,
    pub(crate) mqtt: String,
}

/// Where the nodes are reached now; the index counts round.
#[derive(Clone)]
pub(crate) struct Directory(Arc<[RwLock<Addresses>; NODES]>);

impl Directory {
    pub(crate) fn of(&self, node: usize) -> Addresses {
        self.0[node % NODES].read().unwrap().clone()
    }
}

/// Access tokens, good at every node.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) tenant: String,
    pub(crate) customers: [String; 2],
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        // So small that they are not the first to meet a limit on the size of files.
        let start = || PostgresServer::start_with_log_files_of(1);
        let database = tokio::task::spawn_blocking(start).await.unwrap();
        database.ready().await;
        let directory = TempDir::new().unwrap();
        let mut networks = Vec::new();
        for _ in 0..NODES {
            networks.push(Network::to(database.port()).await);
        }
        let people = People { tenant: String::new(), customers: [const { String::new() }; 2] };
        let servers = (0..NODES).map(|_| None).collect();
        let mut cluster = Self { database, networks, people, servers, settings, addresses: Arc::default(), directory };
        cluster.seed().await;
        for node in 0..NODES {
            cluster.start_node(node).await;
        }
        cluster
    }

    /// The people of the demo, whose passwords and ids are known.
    async fn seed(&mut self) {
        let mut command = self.deed(&self.database.url("postgres"));
        command.args(["serve", "--demo"]);
        let server = tokio::task::spawn_blocking(move || Server::start(&mut command)).await.unwrap();
        let client = Client::new();
        let names = ["tenant@thingsboard.org", "customer@thingsboard.org", "customerB@thingsboard.org"];
        let [tenant, a, b] = names.map(|name| {
            let password = if name.starts_with("tenant") { "tenant" } else { "customer" };
            sign_in(&client, &server.url, name, password)
        });
        self.people = People { tenant: tenant.await, customers: [a.await, b.await] };
        let (status, printed) = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        assert!(status.success(), "{printed}");
    }

    /// The binary, configured for that database.
    fn deed(&self, url: &str) -> Command {
        let mut command = deed(self.directory.path());
        command.env("DEED_DATABASE", url).envs(SHARED);
        command
    }

    /// Starts a node, or starts it again.
    pub(crate) async fn start_node(&mut self, node: usize) {
        let mut command = self.deed(&url(self.networks[node].port()));
        let allowed = self.settings.allowed_by_default.to_string();
        command.arg("serve").env("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", allowed);
        command.envs(self.settings.environment.iter().copied());
        if let Clock::Off(off) = self.settings.clocks[node] {
            // Without its shared memory, which a process that is killed would leave behind.
            command.env("LD_PRELOAD", libfaketime()).env("FAKETIME", off).env("FAKETIME_DISABLE_SHM", "1");
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let server = tokio::task::spawn_blocking(move || Server::start(&mut command)).await.unwrap();
        let Server { url, mqtt, .. } = &server;
        *self.addresses[node].write().unwrap() = Addresses { url: url.clone(), mqtt: mqtt.clone() };
        self.servers[node] = Some(server);
    }

    /// Ends a node by SIGKILL.
    pub(crate) async fn kill_node(&mut self, node: usize) {
        let server = self.servers[node].take().unwrap();
        server.signal("KILL");
        tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
    }

    /// The binary, configured as the nodes are.
    pub(crate) fn deed_on_the_database(&self) -> Command {
        self.deed(&self.database.url("postgres"))
    }

    /// Sends a signal to a node.
    pub(crate) fn signal(&self, node: usize, name: &str) {
        self.servers[node].as_ref().unwrap().signal(name);
    }

    /// Stops every node in order, and gives what each has logged.
    pub(crate) async fn stop(&mut self) -> Vec<String> {
        let mut logs = Vec::new();
        for server in self.servers.iter_mut().filter_map(Option::take) {
            let (status, printed) = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
            assert!(status.success(), "{printed}");
            logs.push(printed);
        }
        logs
    }

    pub(crate) fn directory(&self) -> Directory {
        Directory(Arc::clone(&self.addresses))
    }

    /// Asks a node for a new device, as [`register`].
    pub(crate) fn register(&self, node: usize, name: &str) -> impl Future<Output = Option<String>> + Send + use<> {
        register(self.directory().of(node).url, self.people.tenant.clone(), name.to_owned())
    }

    pub(crate) fn server(&self, node: usize) -> &Server {
        self.servers[node].as_ref().unwrap()
    }

    pub(crate) async fn is_ready(&self, node: usize) -> bool {
        let url = format!("{}/health/ready", self.directory().of(node).url);
        let answer = Client::new().get(url).timeout(Duration::from_secs(60)).send().await.unwrap();
        assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status()), "{answer:?}");
        answer.status() == StatusCode::OK
    }

    /// Waits until a node says that it is ready, or is not; it has to be so within that time. Gives how long it took.
    pub(crate) async fn until_ready(&self, node: usize, ready: bool, within: Duration) -> Duration {
        let began = Instant::now();
        while self.is_ready(node).await != ready {
            assert!(began.elapsed() < within, "node {node} is not {ready} after {within:?}\n{}", self.database.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    }

    /// The whole log, as `deed export` writes it.
    pub(crate) fn export(&self) -> Vec<Value> {
        let (status, printed, error) = run(self.deed(&self.database.url("postgres")).arg("export"));
        assert_eq!(status, 0, "{error}");
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `deed check` finds no fault: positions have no gaps, and read models are what the log says.
    pub(crate) fn expect_undamaged(&self) {
        let (status, printed, error) = run(self.deed(&self.database.url("postgres")).arg("check"));
        assert_eq!(status, 0, "{printed}{error}");
    }
}

/// Asks for a new device, with a token of the same text as its name, and gives its id; under one name it is made once. Nothing,
/// if the node cannot do it now.
async fn register(url: String, tenant: String, name: String) -> Option<String> {
    let request = Client::new().post(format!("{url}/api/device?accessToken={name}")).json(&json!({"name": name}));
    let answer = request.header("Idempotency-Key", name).bearer_auth(tenant).send().await.ok()?;
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    assert_eq!(answer.status(), StatusCode::OK);
    Some(answer.json::<Value>().await.ok()?["id"]["id"].as_str().unwrap().to_owned())
}

/// Where Debian has it, whatever the machine.
fn libfaketime() -> PathBuf {
    let machines = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = machines.map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"));
    let found = found.find(|library| library.exists());
    found.unwrap_or_else(|| panic!("libfaketime is needed: install the package `faketime`"))
}

fn url(port: u16) -> String {
    format!("postgres://deed@127.0.0.1:{port}/postgres")
}
