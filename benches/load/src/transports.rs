//! Registrations over each protocol of devices, beside what a broker takes that keeps nothing.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use hdrhistogram::Histogram;
use hyper::StatusCode;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    Failure,
    client::Connection,
    coap,
    mqtt::Client,
    phase::{Measured, now},
    seed,
    server::Server,
};

/// Messages of each row.
const MESSAGES: usize = 30_000;
/// Connections of each row, with the messages that each has under way.
const ROWS: [(usize, usize); 4] = [(1, 1), (1, 100), (100, 1), (1_000, 1)];
/// Connections whose memory is measured.
const IDLE: usize = 10_000;
const TOPIC: &str = "v1/devices/me/claim";

/// Prints the tables.
pub(crate) async fn measure(program: &Path) -> Result<(), Failure> {
    let mut server = Server::prepare(program)?;
    seed::devices(server.database(), IDLE).await?;
    server.start()?;
    let idle = idle(&server).await?;
    let mosquitto = Mosquitto::start()?;
    println!("| load | connections | under way on each | per second | p50 ms | p99 ms | failed |");
    println!("|---|---|---|---|---|---|---|");
    for (connections, at_once) in ROWS {
        if at_once == 1 {
            let measured = http(&server.address(), connections).await?;
            println!("| registration over HTTP | {connections} | 1 | {measured} |");
        }
        let measured = mqtt(&server.mqtt_address(), connections, at_once).await?;
        println!("| registration over MQTT, QoS 1 | {connections} | {at_once} | {measured} |");
        if at_once == 1 {
            let measured = over_coap(&server.coap_address(), connections).await?;
            println!("| registration over CoAP, confirmable | {connections} | 1 | {measured} |");
        }
        let bare = mqtt(&mosquitto.address, connections, at_once).await?;
        println!("| Mosquitto, QoS 1, nobody subscribed | {connections} | {at_once} | {bare} |");
    }
    println!("\nresident memory of each of {IDLE} idle connections over MQTT: {idle} bytes");
    Ok(())
}

/// Resident memory of an idle connection. The service has done nothing yet, so there is no memory that was given back and
/// could be taken again.
async fn idle(server: &Server) -> Result<u64, Failure> {
    let before = server.resident_bytes()?;
    let mut open = Vec::new();
    for device in 0..IDLE {
        open.push(Client::connect(&server.mqtt_address(), &seed::token(device)).await?);
    }
    // What the last introductions needed has been given back by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(server.resident_bytes()?.saturating_sub(before) / open.len() as u64)
}

fn message(device: usize) -> String {
    format!(r#"{{"secretKey":"{}","durationMs":3600000}}"#, seed::key(device))
}

/// Each connection is one device, which registers its key again and again.
async fn mqtt(address: &str, connections: usize, at_once: usize) -> Result<Measured, Failure> {
    let mut open = Vec::new();
    for device in 0..connections {
        open.push(Client::connect(address, &seed::token(device)).await?);
    }
    let each = MESSAGES / connections;
    let started = now();
    let mut tasks = JoinSet::new();
    for (device, mut client) in open.into_iter().enumerate() {
        tasks.spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            client.publish(TOPIC, &message(device), each, at_once, &mut times).await?;
            Ok((times, 0))
        });
    }
    Measured::of(tasks, each * connections, started).await
}

async fn over_coap(address: &str, devices: usize) -> Result<Measured, Failure> {
    let mut open = Vec::new();
    for _ in 0..devices {
        open.push(coap::Client::open(address).await?);
    }
    let each = MESSAGES / devices;
    let started = now();
    let mut tasks = JoinSet::new();
    for (device, client) in open.into_iter().enumerate() {
        tasks.spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            client.register(&seed::token(device), &message(device), each, &mut times).await?;
            Ok((times, 0))
        });
    }
    Measured::of(tasks, each * devices, started).await
}

async fn http(address: &str, connections: usize) -> Result<Measured, Failure> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let each = MESSAGES / connections;
    let started = now();
    let mut tasks = JoinSet::new();
    for (device, mut connection) in open.into_iter().enumerate() {
        tasks.spawn(async move {
            let (mut times, mut failed) = (Histogram::<u64>::new(3)?, 0);
            let path = format!("/api/v1/{}/claim", seed::token(device));
            for _ in 0..each {
                let sent = now();
                let (status, _) = connection.post(&path, None, message(device)).await?;
                times.record(u64::try_from(sent.elapsed().as_micros())?)?;
                failed += usize::from(status != StatusCode::OK);
            }
            Ok((times, failed))
        });
    }
    Measured::of(tasks, each * connections, started).await
}

/// Debian's broker, which keeps nothing on disk.
struct Mosquitto {
    process: Child,
    address: String,
    _directory: TempDir,
}

impl Mosquitto {
    fn start() -> Result<Self, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = tempfile::tempdir()?;
        let settings = directory.path().join("mosquitto.conf");
        std::fs::write(&settings, format!("listener {port} 127.0.0.1\nallow_anonymous true\n"))?;
        let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        let process =
            Command::new(program).arg("-c").arg(settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let broker = Self { process, address: format!("127.0.0.1:{port}"), _directory: directory };
        for _ in 0..100 {
            if std::net::TcpStream::connect(&broker.address).is_ok() {
                return Ok(broker);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("mosquitto does not listen".into())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // Nothing more can be done about a process that does not end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
