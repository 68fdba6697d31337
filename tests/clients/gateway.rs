//! thingsboard-gateway, unmodified, as a process: devices that publish to a broker beside it get into the service through it.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    deed::world::{World, secret, token_of},
    python,
};

const NO_OWNER: &str = "13814000-1dd2-11b2-8080-808080808080";
const KEY: &str = "GATEWAY";

/// What `brings_devices_to_be_claimed` shows, as docs/compatibility.md lists it.
pub(crate) const DRIVEN: [&str; 4] = ["connect", "add_device", "gw_claim", "reconnect"];

/// What it says without harm: that its makers' site cannot be asked for a newer release, and that CONNACK, whose limits it reads,
/// does not hold those that `getSessionLimits` is about to tell.
const HARMLESS: [&str; 3] = [
    "the update service",
    "checking for a new version",
    "Cannot retrieve service configuration, session will use default",
];

/// A process that is killed when the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A broker of its own, to which devices publish that know nothing of the service.
struct Broker {
    port: String,
    _process: Running,
}

impl Broker {
    fn start(home: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let config = home.join("mosquitto.conf");
        fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
        // Where Debian puts it is not in everybody's path.
        let program = if fs::exists("/usr/sbin/mosquitto").unwrap() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        let mut broker = Command::new(program);
        let process = broker.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { port, _process: Running(process) }
    }

    /// A sensor measures; whoever is subscribed hears it.
    fn publish(&self, sensor: &str) {
        let mut client = Command::new("mosquitto_pub");
        client.args(["-h", "127.0.0.1", "-p", &self.port, "-q", "1", "-t", &format!("sensor/{sensor}/data")]);
        // It is not there yet when the test begins, and the test goes on until the gateway has heard of the sensor.
        let _ = client.args(["-m", r#"{"temp": 21.5}"#]).stderr(Stdio::null()).status().unwrap();
    }
}

/// The gateway, in a folder of its own.
struct Gateway {
    printed: PathBuf,
    _process: Running,
}

impl Gateway {
    fn start(home: &Path, mqtt: &str, token: &str, broker: &Broker) -> Self {
        let config = home.join("config");
        fs::create_dir(&config).unwrap();
        let (host, port) = mqtt.rsplit_once(':').unwrap();
        let write = |name: &str, content: Value| fs::write(config.join(name), content.to_string()).unwrap();
        write(
            "tb_gateway.json",
            json!({
                "thingsboard": {
                    "host": host, "port": port.parse::<u16>().unwrap(), "qos": 1,
                    "security": {"type": "accessToken", "accessToken": token},
                    "remoteShell": false, "remoteConfiguration": true, "statistics": {"enable": true, "statsSendPeriodInSeconds": 60},
                },
                "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 1000},
                "grpc": {"enabled": false},
                "connectors": [
                    {"name": "Broker", "type": "mqtt", "configuration": "mqtt.json"},
                    {"name": "Claim", "type": "claim", "class": "ClaimConnector", "configuration": "claim.json"},
                ],
            }),
        );
        write(
            "mqtt.json",
            json!({
                "broker": {
                    "host": "127.0.0.1", "port": broker.port.parse::<u16>().unwrap(), "clientId": "gateway", "version": 5,
                    "security": {"type": "anonymous"},
                },
                "mapping": [{
                    "topicFilter": "sensor/+/data",
                    "converter": {
                        "type": "json",
                        "deviceInfo": {
                            "deviceNameExpressionSource": "topic", "deviceNameExpression": "(?<=sensor/)(.*?)(?=/data)",
                            "deviceProfileExpressionSource": "constant", "deviceProfileExpression": "Thermometer",
                        },
                        "timeseries": [{"type": "double", "key": "temperature", "value": "${temp}"}],
                    },
                }],
            }),
        );
        write("claim.json", json!({"name": "Claim", "id": "c", "secretKey": secret(KEY), "durationMs": 60_000}));
        let loggers = ["service", "storage", "extension", "converter", "connector", "database", "tb_connection"];
        let logger = json!({"handlers": ["console"], "level": "INFO", "propagate": false});
        write(
            "logs.json",
            json!({
                "version": 1, "disable_existing_loggers": false,
                "formatters": {"levels": {"class": "logging.Formatter", "format": "%(levelname)s %(name)s %(message)s"}},
                "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "levels"}},
                "loggers": loggers.map(|name| (name.to_owned(), logger.clone())).into_iter().collect::<serde_json::Map<_, _>>(),
            }),
        );
        let printed = home.join("printed.txt");
        let log = File::create(&printed).unwrap();
        let mut gateway = python::program("python-gateway", "thingsboard-gateway");
        gateway.current_dir(home).env("TB_GW_CONFIG_DIR", &config);
        gateway.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/gateway_extensions"));
        let process = gateway.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { printed, _process: Running(process) }
    }

    fn printed(&self) -> String {
        fs::read_to_string(&self.printed).unwrap()
    }

    /// What it found wrong from that place of its output on.
    fn complaints(&self, from: usize) -> Vec<String> {
        let bad = |line: &&str| {
            ["WARNING", "ERROR", "CRITICAL", "Traceback"].iter().any(|word| line.starts_with(word))
                && !HARMLESS.iter().any(|harmless| line.contains(harmless))
        };
        self.printed()[from..].lines().filter(bad).map(str::to_owned).collect()
    }

    /// Waits until it has registered a key for the sensor, which goes on measuring meanwhile.
    async fn registers(&self, sensor: &str, broker: &Broker) {
        let until = Instant::now() + Duration::from_mins(1);
        while !self.printed().contains(&format!("registered {sensor}: 0")) {
            assert!(Instant::now() < until, "{sensor} is not registered:\n{}", self.printed());
            broker.publish(sensor);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// The gateway says that it has registered a key when it has sent it, and does not wait for the answer.
async fn is_claimed(world: &World, customer: &str, sensor: &str) {
    let mut tries = 0;
    while world.claim_with(customer, sensor, KEY).await.0 != StatusCode::OK {
        tries += 1;
        assert!(tries < 5, "{sensor}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Starts them, lets the gateway find devices, claims them, and does it again after the service was killed.
pub(crate) async fn brings_devices_to_be_claimed() {
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    let home = TempDir::new().unwrap();
    let path = format!("/api/device?accessToken={}", token_of("Hub"));
    let hub = json!({"name": "Hub", "additionalInfo": {"gateway": true}});
    let (status, hub) = world.call(Method::POST, &path, Some(&world.tenant), Some(hub)).await;
    assert_eq!(status, StatusCode::OK);
    let broker = Broker::start(home.path());
    let gateway = Gateway::start(home.path(), &world.server.mqtt, &token_of("Hub"), &broker);

    gateway.registers("Sensor-1", &broker).await;
    let sensor = found(&world, "Sensor-1").await;
    assert_eq!((&sensor["type"], &sensor["customerId"]["id"]), (&json!("Thermometer"), &json!(NO_OWNER)));
    assert_eq!(sensor["additionalInfo"]["lastConnectedGateway"], hub["id"]["id"]);
    is_claimed(&world, &world.customer_a, "Sensor-1").await;
    assert_eq!(gateway.complaints(0), Vec::<String>::new(), "{}", gateway.printed());

    let World { data, server, client, .. } = world;
    let mqtt = server.mqtt.clone();
    let (_, port) = mqtt.rsplit_once(':').unwrap();
    server.signal("KILL");
    drop(server);
    drop(client);
    let environment = [("MQTT_BIND_PORT", port), ("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")];
    let world = World::start_on(data, &environment).await;
    assert_eq!(world.server.mqtt, mqtt);
    gateway.registers("Sensor-2", &broker).await;
    let connected_again = gateway.printed().len();
    let connections = gateway.printed();
    let (_, again) = connections.rsplit_once("Connected!").unwrap();
    assert_eq!(gateway.complaints(connections.len() - again.len()), Vec::<String>::new(), "{connections}");
    is_claimed(&world, &world.customer_b, "Sensor-2").await;
    assert_eq!(world.owner(id(&found(&world, "Sensor-1").await)).await, world.owner_of(&world.customer_a).await);

    // What a claimed gateway adds belongs to the same customer.
    let customer = world.owner_of(&world.customer_a).await;
    let path = format!("/api/customer/{}/device/{}", customer.as_str().unwrap(), id(&hub));
    assert_eq!(world.call(Method::POST, &path, Some(&world.tenant), None).await.0, StatusCode::OK);
    gateway.registers("Sensor-3", &broker).await;
    let sensor = found(&world, "Sensor-3").await;
    assert_eq!((&sensor["type"], &sensor["customerId"]["id"]), (&json!("Thermometer"), &customer));
    assert!(!gateway.printed()[connected_again..].contains("disconnected"), "{}", gateway.printed());
}

async fn found(world: &World, name: &str) -> Value {
    let path = format!("/api/tenant/devices?deviceName={name}");
    let (status, device) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::OK, "{name}: {device}");
    device
}

fn id(device: &Value) -> &str {
    device["id"]["id"].as_str().unwrap()
}
