//! Mosquitto's clients, unmodified, as people try things with them.

use std::{
    process::{Command, Output},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    certificates::Certificates,
    deed::world::{World, secret},
};

const CLAIM: &str = "v1/devices/me/claim";
const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

/// Publishes once, and gives whether it went well, and what was printed.
fn publish(address: &str, arguments: &[&str]) -> (bool, String) {
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut client = Command::new("mosquitto_pub");
    client.args(["-h", host, "-p", port]).args(arguments);
    let Output { status, stdout, stderr } = client.output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[tokio::test]
async fn every_qos_registers_a_key() {
    let world = World::start().await;
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let key = format!("{version}-{qos}");
            let message = json!({"secretKey": secret(&key), "durationMs": 60_000}).to_string();
            let arguments = ["-V", version, "-q", qos, "-u", "A1_DEMO_TOKEN", "-t", CLAIM, "-m", &message];
            let (went_well, printed) = publish(&world.server.mqtt, &arguments);
            assert!(went_well && printed.is_empty(), "{version} {qos}: {printed}");
            let mut claimed = world.claim_with(&world.customer_a, "Demo-1", &key).await.0;
            // Nothing acknowledges QoS 0; who asks too early has no wrong key counted against it, as there is none yet.
            while qos == "0" && claimed != StatusCode::OK {
                tokio::time::sleep(Duration::from_millis(20)).await;
                claimed = world.claim_with(&world.customer_a, "Demo-1", &key).await.0;
            }
            assert_eq!(claimed, StatusCode::OK, "{version} {qos}");
            assert_eq!(world.reclaim(&world.tenant, "Demo-1").await.0, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn who_is_refused_sees_it() {
    let world = World::start().await;
    let message = json!({"secretKey": secret("K")}).to_string();
    let publish = |version, token, qos| {
        publish(&world.server.mqtt, &["-V", version, "-q", qos, "-u", token, "-t", CLAIM, "-m", &message])
    };
    for qos in ["1", "2"] {
        let (_, printed) = publish("mqttv5", "A5_DEMO_TOKEN", qos);
        assert!(printed.contains("Not authorized"), "{printed}");
    }
    for version in VERSIONS {
        let (went_well, printed) = publish(version, "nobody", "1");
        assert!(!went_well && printed.contains("Connection error: "), "{printed}");
    }
}

#[tokio::test]
async fn a_certificate_is_a_devices_name_over_tls() {
    let certificates = Certificates::make();
    let environment = certificates.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = World::start_on(TempDir::new().unwrap(), &environment).await;
    let path = |file: &str| format!("{}/{file}", certificates.path());
    let id = world.open_device("Certified").await;
    let (_, mut credentials) =
        world.call(Method::GET, &format!("/api/device/{id}/credentials"), Some(&world.tenant), None).await;
    credentials["credentialsType"] = "X509_CERTIFICATE".into();
    credentials["credentialsId"] = json!(null);
    credentials["credentialsValue"] = std::fs::read_to_string(path("device.pem")).unwrap().into();
    let saved = world.call(Method::POST, "/api/device/credentials", Some(&world.tenant), Some(credentials)).await;
    assert_eq!(saved.0, StatusCode::OK, "{}", saved.1);

    let message = json!({"secretKey": secret("K"), "durationMs": 60_000}).to_string();
    let publish = |version, name: &str, authority: &str| {
        let [certificate, key] = ["pem", "key"].map(|end| path(&format!("{name}.{end}")));
        let authority = path(&format!("{authority}.pem"));
        let files = ["--cafile", &authority, "--cert", &certificate, "--key", &key];
        publish(
            &world.server.mqtt_tls,
            &[&["-V", version, "-q", "1", "-t", CLAIM, "-m", &message], &files[..]].concat(),
        )
    };
    for version in VERSIONS {
        let (went_well, printed) = publish(version, "device", "server");
        assert!(went_well && printed.is_empty(), "{printed}");
        let (went_well, printed) = publish(version, "unknown", "server");
        assert!(!went_well && printed.to_lowercase().contains("not authori"), "{printed}");
        assert!(!publish(version, "device", "device").0, "a client that expects another server");
    }
    assert_eq!(world.claim_with(&world.customer_a, "Certified", "K").await.0, StatusCode::OK);
}

/// A port without TLS, and one with it, are not taken for each other.
#[tokio::test]
async fn tls_is_not_spoken_where_it_is_not_expected() {
    let certificates = Certificates::make();
    let environment = certificates.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = World::start_on(TempDir::new().unwrap(), &environment).await;
    let message = json!({"secretKey": secret("K")}).to_string();
    let arguments = ["-u", "A1_DEMO_TOKEN", "-q", "1", "-t", CLAIM, "-m", &message];
    assert!(!publish(&world.server.mqtt_tls, &arguments).0);
    let authority = format!("{}/server.pem", certificates.path());
    let over_tls = [&arguments[..], &["--cafile", &authority]].concat();
    assert!(!publish(&world.server.mqtt, &over_tls).0);
    assert!(publish(&world.server.mqtt_tls, &over_tls).0, "and goes on");
}
