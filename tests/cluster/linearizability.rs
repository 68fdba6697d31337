//! What customers, devices and administrators are told by three nodes at once could have happened one after another, whatever
//! befalls a node meanwhile.

use std::{
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    RECOVERY,
    checker::{Call, linearize},
    deed::{MARK, world::later},
    model::{Operation, Outcome},
    network::Passage,
    nodes::{CUSTOMERS, Cluster, Directory, NODES, People, Settings},
    setting,
};

/// Who asks at once.
const CLIENTS: u64 = 6;
/// How many questions each has.
const QUESTIONS: u64 = 25;
const DEVICES: usize = 2;
/// After how long an answer counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how long there has to be an answer, from whatever node.
const LONG: Duration = Duration::from_secs(60);

/// What befalls the nodes during a history.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    NodeKilled,
    NodePaused,
    NetworkCut,
    NetworkRefused,
    NetworkDropped,
    CommitLost,
    AnswerLost,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_three_nodes_tell_is_linearizable() {
    let seed = setting("DEED_CLUSTER_SEED", RandomState::new().hash_one(0) % 1_000_000);
    let mut cluster = Cluster::start_with(Settings { allowed_by_default: false, ..Settings::default() }).await;
    let (mut calls, mut lost, mut won) = (0, 0, 0);
    let histories = setting("DEED_CLUSTER_HISTORIES", 12);
    for number in 0..histories {
        let mut random = Random::new((seed, number));
        let fault = match random.below(14) {
            0..6 => Fault::Nothing,
            6..8 => Fault::NodeKilled,
            8 => Fault::NodePaused,
            9 => Fault::NetworkCut,
            10 => Fault::NetworkRefused,
            11 => Fault::NetworkDropped,
            12 => Fault::CommitLost,
            _ => Fault::AnswerLost,
        };
        for history in record(&mut cluster, &format!("{seed}-{number}"), random, fault).await {
            calls += history.len();
            let claimed = |call: &&Call| {
                matches!((call.operation, call.answered), (Operation::Claim(..), Some((_, Outcome::Done))))
            };
            won += history.iter().filter(claimed).count();
            lost += history.iter().filter(|call| call.answered.is_none()).count();
            if let Err(longest) = linearize(&history) {
                panic!("seed {seed}, history {number}, {fault:?}: {history:#?}\ncan be told up to {longest:#?}");
            }
        }
    }
    println!(
        "seed {seed}: {histories} histories of {DEVICES} devices, {calls} calls, {won} claims that succeeded, {lost} without an answer"
    );
    assert!(won as u64 >= histories, "claims succeed now and then");
    cluster.expect_undamaged();
    cluster.stop().await;
}

/// Has the nodes asked by several at once, and gives what each device's were told.
async fn record(cluster: &mut Cluster, name: &str, mut random: Random, fault: Fault) -> Vec<Vec<Call>> {
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        let name = format!("{name}-{number}");
        let id = cluster.register(number, &name).await.unwrap();
        devices.push((name, id));
    }
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = Asking {
            directory: cluster.directory(),
            people: cluster.people.clone(),
            client: Client::builder().timeout(PATIENCE).build().unwrap(),
            name: format!("{name}.{number}"),
            devices: devices.clone(),
            random: Random::new((name, number)),
            began,
        };
        clients.spawn(async move {
            let mut calls = Vec::new();
            for _ in 0..QUESTIONS {
                let device = client.random.below(DEVICES as u64) as usize;
                let operation = client.random.operation();
                calls.extend(client.ask(device, operation).await.map(|call| (device, call)));
            }
            calls
        });
    }
    befall(cluster, &mut random, fault).await;
    let mut calls = clients.join_all().await;
    // In the end, everybody is told the same.
    for node in 0..NODES {
        cluster.until_ready(node, true, RECOVERY).await;
    }
    let mut client = Asking {
        directory: cluster.directory(),
        people: cluster.people.clone(),
        client: Client::builder().timeout(PATIENCE).build().unwrap(),
        name: format!("{name}.end"),
        devices,
        random,
        began,
    };
    let mut last = Vec::new();
    for device in 0..DEVICES {
        for operation in [Operation::ReadOwner, Operation::ReadState, Operation::ReadAttributes] {
            last.push((device, client.ask(device, operation).await.unwrap()));
        }
    }
    calls.push(last);
    let of = |device| calls.iter().flatten().filter(|(of, _)| *of == device).map(|(_, call)| call.clone()).collect();
    (0..DEVICES).map(of).collect()
}

async fn befall(cluster: &mut Cluster, random: &mut Random, fault: Fault) {
    let node = random.below(NODES as u64) as usize;
    sleep(Duration::from_millis(random.below(400))).await;
    let network = &cluster.networks[node];
    match fault {
        Fault::Nothing => {}
        Fault::NodeKilled => {
            cluster.kill_node(node).await;
            sleep(Duration::from_millis(random.below(300))).await;
            cluster.start_node(node).await;
        }
        Fault::NodePaused => {
            cluster.server(node).signal("STOP");
            sleep(Duration::from_millis(random.below(1_500))).await;
            cluster.server(node).signal("CONT");
        }
        Fault::NetworkCut => network.cut(),
        Fault::NetworkRefused | Fault::NetworkDropped => {
            let dropped = matches!(fault, Fault::NetworkDropped);
            network.set(if dropped { Passage::Dropped } else { Passage::Refused });
            sleep(Duration::from_millis(random.below(1_500))).await;
            network.set(Passage::Open);
        }
        Fault::CommitLost | Fault::AnswerLost => {
            let dropped = matches!(fault, Fault::CommitLost);
            network.set_at_commit(if dropped { Passage::Dropped } else { Passage::Unanswered });
            // If nobody asks this node any more, there is none.
            let _ = tokio::time::timeout(Duration::from_secs(1), network.has_lost()).await;
            network.cut();
            network.set(Passage::Open);
        }
    }
}

/// Somebody who asks one thing after another.
struct Asking {
    directory: Directory,
    people: People,
    client: Client,
    name: String,
    devices: Vec<(String, String)>,
    random: Random,
    began: Instant,
}

impl Asking {
    /// Asks a node; if it does not answer, others under the same name, or nobody. What changes nothing and was not answered is
    /// no call.
    async fn ask(&mut self, device: usize, operation: Operation) -> Option<Call> {
        let asked = self.began.elapsed().as_nanos();
        let began = Instant::now();
        let name = format!("{}:{asked}", self.name);
        let is_read = matches!(operation, Operation::ReadOwner | Operation::ReadState | Operation::ReadAttributes);
        let insists = !matches!(operation, Operation::Issue(_)) && (is_read || self.random.below(4) > 0);
        loop {
            if let Some(outcome) = self.send(device, operation, &name).await {
                return Some(Call { operation, asked, answered: Some((self.began.elapsed().as_nanos(), outcome)) });
            }
            sleep(Duration::from_millis(50)).await;
            if !insists {
                return Some(Call { operation, asked, answered: None });
            }
            assert!(began.elapsed() < LONG, "no node answers {operation:?}");
        }
    }

    /// What is answered, or nothing if that is not known.
    async fn send(&mut self, device: usize, operation: Operation, command: &str) -> Option<Outcome> {
        let (name, id) = &self.devices[device];
        let key = |key| json!({"secretKey": format!("{key}-{MARK}"), "durationMs": 3_600_000});
        let (tenant, customers) = (&*self.people.tenant, &self.people.customers);
        let claim = format!("/api/customer/device/{name}/claim");
        let server_scope = format!("/api/plugins/telemetry/DEVICE/{id}");
        let (method, path, person, body) = match operation {
            Operation::Issue(number) => (Method::POST, format!("/api/v1/{name}/claim"), "", key(number)),
            Operation::Claim(customer, number) => (Method::POST, claim, &*customers[customer], key(number)),
            Operation::Reclaim(by) => (Method::DELETE, claim, by.map_or(tenant, |by| &customers[by]), Value::Null),
            Operation::Assign(customer) => {
                (Method::POST, format!("/api/customer/{}/device/{id}", CUSTOMERS[customer]), tenant, Value::Null)
            }
            Operation::Unassign => (Method::DELETE, format!("/api/customer/device/{id}"), tenant, Value::Null),
            Operation::Allow(Some(allowed)) => {
                (Method::POST, format!("{server_scope}/SERVER_SCOPE"), tenant, json!({"claimingAllowed": allowed}))
            }
            Operation::Set(Some(number)) => {
                let data = json!({"secretKey": format!("{number}-{MARK}"), "expirationTime": later()});
                (Method::POST, format!("{server_scope}/SERVER_SCOPE"), tenant, json!({"claimingData": data}))
            }
            Operation::Allow(None) => {
                (Method::DELETE, format!("{server_scope}/SERVER_SCOPE?keys=claimingAllowed"), tenant, Value::Null)
            }
            Operation::Set(None) => {
                (Method::DELETE, format!("{server_scope}/SERVER_SCOPE?keys=claimingData"), tenant, Value::Null)
            }
            Operation::ReadOwner => (Method::GET, format!("/api/device/{id}"), tenant, Value::Null),
            Operation::ReadState => (Method::GET, format!("/api/v1/{name}/claim"), "", Value::Null),
            Operation::ReadAttributes => {
                let path = format!("{server_scope}/values/attributes/SERVER_SCOPE?keys=claimingAllowed,claimingData");
                (Method::GET, path, tenant, Value::Null)
            }
        };
        let node = self.random.below(NODES as u64) as usize;
        let request = self.client.request(method, format!("{}{path}", self.directory.of(node).url));
        let request = if body.is_null() { request } else { request.json(&body) };
        let request = if person.is_empty() { request } else { request.bearer_auth(person) };
        let answer = request.header("Idempotency-Key", command).send().await.ok()?;
        let status = answer.status();
        let text = answer.text().await.ok()?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        let said: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(outcome(operation, status, &said).unwrap_or_else(|| panic!("{operation:?}: {status} {text}")))
    }
}

fn outcome(operation: Operation, status: StatusCode, said: &Value) -> Option<Outcome> {
    Some(match (operation, status.as_u16()) {
        (Operation::ReadOwner, 200) => {
            let owner = said["customerId"]["id"].as_str()?;
            Outcome::Owner(CUSTOMERS.iter().position(|id| *id == owner), said["version"].as_u64()?)
        }
        (Operation::ReadState, 200) => {
            let states = ["open", "claimed", "reclaimed", "none"];
            Outcome::State(states.into_iter().find(|state| said["state"] == *state)?)
        }
        (Operation::ReadAttributes, 200) => {
            let found = said.as_array()?;
            let value = |key| found.iter().find(|one| one["key"] == key).map(|one| &one["value"]);
            Outcome::Attributes(value("claimingAllowed").and_then(Value::as_bool), value("claimingData").is_some())
        }
        (_, 200) => Outcome::Done,
        // Asked again, after the device went to somebody else: it was done.
        (Operation::Claim(..), 403) => Outcome::Done,
        (Operation::Claim(..), 400) if said == "CLAIMED" => Outcome::Claimed,
        (Operation::Claim(..), 400) if said == "FAILURE" => Outcome::Refused,
        (Operation::Issue(_), 409) => Outcome::Claimed,
        (Operation::Issue(_) | Operation::Reclaim(_), 403) | (Operation::Unassign, 400) => Outcome::Refused,
        _ => return None,
    })
}

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        Self(hasher.finish())
    }

    fn below(&mut self, end: u64) -> u64 {
        *self = Self::new(self.0);
        self.0 % end
    }

    fn operation(&mut self) -> Operation {
        let (customer, key) = (self.below(2) as usize, self.below(2) as u8);
        match self.below(100) {
            0..20 => Operation::Issue(key),
            20..46 => Operation::Claim(customer, key),
            46..54 => Operation::Reclaim(Some(customer)),
            54..60 => Operation::Reclaim(None),
            60..65 => Operation::Assign(customer),
            65..70 => Operation::Unassign,
            70..76 => Operation::Allow(Some(true)),
            76..78 => Operation::Allow(Some(false)),
            78 => Operation::Allow(None),
            79..82 => Operation::Set(Some(key)),
            82 => Operation::Set(None),
            83..90 => Operation::ReadOwner,
            90..96 => Operation::ReadState,
            _ => Operation::ReadAttributes,
        }
    }
}
