//! Three nodes on one database.

use std::{
    process::Command,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use deed_adapters::conformance::PostgresServer;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    deed::{Server, deed, run, world::sign_in},
    network::Network,
};

pub(crate) const NODES: usize = 3;

/// What every node is told: the same secrets, and nothing that would stop a test that guesses and repeats.
const SHARED: [(&str, &str); 5] = [
    ("SECURITY_PEPPERS", "p1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    (
        "JWT_TOKEN_SIGNING_KEY",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==",
    ),
    ("DEED_DATABASE_CONNECTIONS", "8"),
    ("SECURITY_CLAIM_GUESS_LIMIT", "0"),
    ("SECURITY_CLAIM_GUESS_LIMIT_OVERALL", "0"),
];

/// Environment of one node's own.
pub(crate) type Own = &'static [(&'static str, &'static str)];

/// Three nodes, each with a network of its own to a PostgreSQL server that they share.
pub(crate) struct Cluster {
    pub(crate) database: PostgresServer,
    pub(crate) networks: Vec<Network>,
    pub(crate) people: People,
    servers: Vec<Option<Server>>,
    own: [Own; NODES],
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
        Self::start_with([&[]; NODES]).await
    }

    /// With environment of each node's own.
    pub(crate) async fn start_with(own: [Own; NODES]) -> Self {
        let database = tokio::task::spawn_blocking(PostgresServer::start).await.unwrap();
        database.ready().await;
        let directory = TempDir::new().unwrap();
        let mut networks = Vec::new();
        for _ in 0..NODES {
            networks.push(Network::to(database.port()).await);
        }
        let people = People { tenant: String::new(), customers: [const { String::new() }; 2] };
        let servers = (0..NODES).map(|_| None).collect();
        let mut cluster = Self { database, networks, people, servers, own, addresses: Arc::default(), directory };
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
        command.arg("serve").envs(self.own[node].iter().copied());
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

fn url(port: u16) -> String {
    format!("postgres://deed@127.0.0.1:{port}/postgres")
}
