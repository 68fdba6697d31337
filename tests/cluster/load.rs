//! Devices, customers and administrators at all nodes at once, and a journal of what they were told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    deed::MARK,
    mqtt::{Version, connect, publish},
    nodes::{Addresses, CUSTOMERS, Cluster, Directory, NODES, People},
};

/// So many work at once, every other one over MQTT.
const GENERATORS: usize = 6;
/// After how long somebody gives up on a node and asks another one. What was asked may be carried out all the same, even later.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody stays away from a node that did not answer.
const AVOIDED: Duration = Duration::from_secs(10);
/// After how long there has to be an answer, from whatever node.
const LONG: Duration = Duration::from_secs(120);

/// What was told of one device.
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Events that the log has exactly so often: each was asked for under a name of its own until it was answered.
    pub(crate) exactly: Vec<(&'static str, usize)>,
    /// Customers, one for each time that one was told that it is the owner now.
    pub(crate) owners: Vec<&'static str>,
    /// Keys whose registration was acknowledged, and such that nothing is known of: over MQTT none has a name.
    pub(crate) issued: usize,
    pub(crate) perhaps_issued: usize,
}

/// How the load goes.
#[derive(Default)]
pub(crate) struct Progress {
    stopping: AtomicBool,
    acknowledged: AtomicU64,
    /// Requests that were answered by 503.
    unavailable: AtomicU64,
    /// Those that were not answered, or in vain.
    lost: AtomicU64,
}

pub(crate) struct Load {
    progress: Arc<Progress>,
    generators: JoinSet<Vec<Told>>,
}

impl Load {
    pub(crate) fn on(cluster: &Cluster, name: &str) -> Self {
        let progress = Arc::new(Progress::default());
        let mut generators = JoinSet::new();
        for number in 0..GENERATORS {
            let site = Site {
                directory: cluster.directory(),
                people: cluster.people.clone(),
                progress: Arc::clone(&progress),
                client: Client::builder().timeout(PATIENCE).build().unwrap(),
                node: number,
                avoided: None,
                name: format!("{name}-{number}"),
                commands: 0,
            };
            generators.spawn(site.work(number % 2 == 1));
        }
        Self { progress, generators }
    }

    /// Waits until so many more were acknowledged; it has to be so within that time. Gives how long it took.
    pub(crate) async fn goes_on(&mut self, more: u64, within: Duration) -> Duration {
        let (began, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() < before + more {
            if let Some(ended) = self.generators.try_join_next() {
                panic!("somebody ended early: {:?}", ended.map(|told| told.len()));
            }
            assert!(began.elapsed() < within, "{} of {more} after {within:?}", self.acknowledged() - before);
            sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.progress.acknowledged.load(Ordering::SeqCst)
    }

    /// Lets everybody finish what they are at, and gives what they were told.
    pub(crate) async fn finish(self) -> Vec<Told> {
        self.progress.stopping.store(true, Ordering::SeqCst);
        let told: Vec<Told> = self.generators.join_all().await.into_iter().flatten().collect();
        let of = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let Progress { acknowledged, unavailable, lost, .. } = &*self.progress;
        println!(
            "{} acknowledgements for {} devices, {} times 503, {} answers lost",
            of(acknowledged),
            told.len(),
            of(unavailable),
            of(lost)
        );
        told
    }
}

/// One generator.
struct Site {
    directory: Directory,
    people: People,
    progress: Arc<Progress>,
    client: Client,
    /// Who was asked last.
    node: usize,
    /// Who did not answer, and until when it is not asked again, as a load balancer does it.
    avoided: Option<(usize, Instant)>,
    name: String,
    commands: u64,
}

impl Site {
    async fn work(mut self, over_mqtt: bool) -> Vec<Told> {
        let mut all = Vec::new();
        while !self.progress.stopping.load(Ordering::SeqCst) {
            let name = format!("{}-{}", self.name, all.len());
            all.push(self.live(name, over_mqtt).await);
        }
        all
    }

    /// The life of a device: registered, renamed, opened, claimed by one of two, given back, assigned, and taken away.
    async fn live(&mut self, name: String, over_mqtt: bool) -> Told {
        let (tenant, customers) = (self.people.tenant.clone(), self.people.customers.clone());
        let path = format!("/api/device?accessToken={name}");
        let made = self.ask(Method::POST, &path, &tenant, json!({"name": name})).await;
        let id = made["id"]["id"].as_str().unwrap().to_owned();
        self.ask(Method::POST, "/api/device", &tenant, json!({"id": {"id": id}, "name": name, "label": "new"})).await;
        let mut told = Told {
            exactly: vec![("DeviceRegistered", 1), ("DeviceChanged", 1)],
            owners: Vec::new(),
            issued: 0,
            perhaps_issued: 0,
            name,
            id,
        };
        let key = format!("{}-{MARK}", told.name);
        for _ in 0..2 {
            self.issue(&mut told, &key, over_mqtt).await;
            let path = format!("/api/customer/device/{}/claim", told.name);
            let body = json!({"secretKey": key});
            let (mut one, mut other) = (self.another(), self.another());
            let (one, other) = tokio::join!(
                one.ask(Method::POST, &path, &customers[0], body.clone()),
                other.ask(Method::POST, &path, &customers[1], body)
            );
            let winner = match (&one["response"], &other["response"]) {
                (Value::String(won), Value::Null) if won == "SUCCESS" && other == "CLAIMED" => 0,
                (Value::Null, Value::String(won)) if won == "SUCCESS" && one == "CLAIMED" => 1,
                _ => panic!("one claim wins: {one} {other}"),
            };
            told.owners.push(CUSTOMERS[winner]);
            self.ask(Method::DELETE, &path, &customers[winner], Value::Null).await;
        }
        told.exactly.extend([("DeviceClaimed", 2), ("DeviceReclaimed", 2)]);
        let path = format!("/api/customer/{}/device/{}", CUSTOMERS[1], told.id);
        self.ask(Method::POST, &path, &tenant, Value::Null).await;
        told.owners.push(CUSTOMERS[1]);
        self.ask(Method::DELETE, &format!("/api/customer/device/{}", told.id), &tenant, Value::Null).await;
        told.exactly.extend([("DeviceAssigned", 1), ("DeviceUnassigned", 1)]);
        told
    }

    /// Somebody who asks for one thing, at the next node.
    fn another(&mut self) -> Self {
        self.node += 1;
        self.commands += 1;
        Self {
            directory: self.directory.clone(),
            people: self.people.clone(),
            progress: Arc::clone(&self.progress),
            client: self.client.clone(),
            node: self.node,
            avoided: self.avoided,
            name: format!("{}.{}", self.name, self.commands),
            commands: 0,
        }
    }

    /// The node that is asked next.
    fn next(&mut self) -> Addresses {
        self.node += 1;
        if self.avoided.is_some_and(|(node, until)| node == self.node % NODES && Instant::now() < until) {
            self.node += 1;
        }
        self.directory.of(self.node)
    }

    /// Asks one node after another until one answers, each time under the same name. An answer is a success, or the bare text
    /// of a claim that was refused.
    async fn ask(&mut self, method: Method, path: &str, person: &str, body: Value) -> Value {
        self.commands += 1;
        let name = format!("{}:{}", self.name, self.commands);
        let began = Instant::now();
        loop {
            let url = format!("{}{path}", self.next().url);
            let request = self.client.request(method.clone(), url).bearer_auth(person).header("Idempotency-Key", &name);
            let request = if body.is_null() { request } else { request.json(&body) };
            if let Some((status, answer)) = self.answer(request).await {
                assert!(status == StatusCode::OK || answer == "CLAIMED", "{method} {path}: {status} {answer}");
                return answer;
            }
            self.avoided = Some((self.node % NODES, Instant::now() + AVOIDED));
            assert!(began.elapsed() < LONG, "no node answers {method} {path}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// An answer, or nothing if the node cannot give one now. Then it says when to ask again.
    async fn answer(&self, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        let answer = async {
            let answer = request.send().await?;
            let (status, again) = (answer.status(), answer.headers().contains_key(RETRY_AFTER));
            Ok::<_, reqwest::Error>((status, again, answer.text().await?))
        };
        match answer.await {
            Ok((StatusCode::SERVICE_UNAVAILABLE, again, body)) => {
                assert!(again, "503 without Retry-After: {body}");
                self.progress.unavailable.fetch_add(1, Ordering::SeqCst);
                None
            }
            Ok((status, _, body)) => {
                self.progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                Some((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
            }
            Err(_) => {
                self.progress.lost.fetch_add(1, Ordering::SeqCst);
                None
            }
        }
    }

    /// The device registers its key at one node after another, until it is acknowledged; over HTTP each time under the same name.
    async fn issue(&mut self, told: &mut Told, key: &str, over_mqtt: bool) {
        let payload = json!({"secretKey": key, "durationMs": 3_600_000});
        self.commands += 1;
        let (began, name) = (Instant::now(), format!("{}:{}", self.name, self.commands));
        loop {
            let at = self.next();
            let answered = if over_mqtt {
                let puback = timeout(PATIENCE, over_mqtt5(&at.mqtt, &told.name, &payload.to_string())).await;
                let counter = &self.progress;
                let counter = if puback == Ok(true) { &counter.acknowledged } else { &counter.lost };
                counter.fetch_add(1, Ordering::SeqCst);
                puback == Ok(true)
            } else {
                let request = self.client.post(format!("{}/api/v1/{}/claim", at.url, told.name)).json(&payload);
                let answer = self.answer(request.header("Idempotency-Key", &name)).await;
                assert!(answer.as_ref().is_none_or(|(status, _)| *status == StatusCode::OK), "{answer:?}");
                answer.is_some()
            };
            if answered {
                told.issued += 1;
                return;
            }
            told.perhaps_issued += usize::from(over_mqtt);
            self.avoided = Some((self.node % NODES, Instant::now() + AVOIDED));
            assert!(began.elapsed() < LONG, "no node takes a key");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Whether a key was acknowledged over MQTT 5.
async fn over_mqtt5(address: &str, token: &str, payload: &str) -> bool {
    match Session::enter(address, token).await {
        Some(mut session) => session.claims(payload).await,
        None => false,
    }
}

/// A device over MQTT 5. Where the service cannot do what it is asked, the connection ends, or CONNACK or DISCONNECT says that
/// it is the service; nothing says that the device, or what it sends, is at fault.
pub(crate) struct Session(TcpStream);

impl Session {
    /// None if it is not let in now.
    pub(crate) async fn enter(address: &str, token: &str) -> Option<Self> {
        let mut session = Self(TcpStream::connect(address).await.ok()?);
        session.0.write_all(&connect(Version::V5, "load", Some(token), None, 60)).await.ok()?;
        let connack = session.packet().await?;
        assert_eq!(connack[0], 0x20, "{connack:02x?}");
        assert!([0, 0x88].contains(&connack[3]), "{connack:02x?}");
        (connack[3] == 0).then_some(session)
    }

    /// Registers a key. Whether it was acknowledged.
    pub(crate) async fn claims(&mut self, payload: &str) -> bool {
        let publish = publish(Version::V5, "v1/devices/me/claim", payload.as_bytes(), 1, 7);
        if self.0.write_all(&publish).await.is_err() {
            return false;
        }
        let Some(answer) = self.packet().await else { return false };
        match answer[0] {
            0x40 => assert!(answer.get(4).is_none_or(|reason| *reason == 0), "{answer:02x?}"),
            // The service is not available, stops, or has another session of the device.
            _ => assert!(answer[0] == 0xe0 && [0x89, 0x8b, 0x8e].contains(&answer[2]), "{answer:02x?}"),
        }
        answer[0] == 0x40
    }

    /// The next packet, which is a short one.
    async fn packet(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![self.0.read_u8().await.ok()?, self.0.read_u8().await.ok()?];
        assert!(packet[1] < 0x80, "{packet:02x?}");
        packet.resize(2 + usize::from(packet[1]), 0);
        self.0.read_exact(&mut packet[2..]).await.ok()?;
        Some(packet)
    }
}
