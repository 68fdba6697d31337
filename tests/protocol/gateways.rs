use deed_domain::{
    claims::{Failure, ProfileChoice},
    device::Refusal,
    ports::{GatewayDevices, PayloadEncoding},
};
use deed_transports::device_protocol::{
    DevicesNotRegistered, GatewayError, GatewayFault, GatewayMessageError, NotRegistered, WhyNot, read,
};
use serde_json::json;

use crate::site::{Site, TENANT};

fn told(result: Result<(), GatewayError>) -> (GatewayFault, String) {
    let error = result.unwrap_err();
    (error.fault(), error.reason())
}

#[tokio::test]
async fn a_gateway_connects_devices_and_registers_their_keys() {
    let site = Site::open(true).await;
    let made = site.connect(site.gateway, br#"{"device":"A","type":"meter"}"#).await.unwrap();
    assert!(made.is_reached);
    let again = site.connect(site.gateway, br#"{"device":"A"}"#).await.unwrap();
    assert_eq!(again, made);
    site.register(site.gateway, br#"{"A":{"secretKey":"a"},"B":{"secretKey":"b","durationMs":60000}}"#).await.unwrap();
    site.protocol
        .disconnect_from_gateway(site.gateway, PayloadEncoding::Json, br#"{"device":"never connected"}"#)
        .await
        .unwrap();
    for (name, key) in [("A", "a"), ("B", "b")] {
        assert!(matches!(site.claim(name, "x").await, Err(Failure::Refused(Refusal::WrongKey))));
        site.claim(name, key).await.unwrap();
    }
    let message = br#"{"A":{"secretKey":"k"}}"#;
    assert_eq!(told(site.register(site.gateway, message).await), (GatewayFault::Refused, "A: already_claimed".into()));
}

#[tokio::test]
async fn a_gateway_that_writes_protobuf_is_read_so() {
    let site = Site::open(true).await;
    let info = || Some(json!({"gateway": true}));
    let gateway = site.add_writing("strict", info(), PayloadEncoding::Protobuf).await;
    site.connect(gateway, b"\x0a\x01A\x12\x05meter").await.unwrap();
    site.register(gateway, b"\x0a\x08\x0a\x01A\x12\x03\x0a\x01k").await.unwrap();
    site.claim("A", "k").await.unwrap();
    let json = br#"{"B":{"secretKey":"k"}}"#;
    let refused = site.register(gateway, json).await;
    assert!(matches!(refused, Err(GatewayError::Malformed(GatewayMessageError::NotProtobuf))), "{refused:?}");
    let lenient = site.add_writing("lenient", info(), PayloadEncoding::ProtobufOrJson).await;
    site.register(lenient, json).await.unwrap();
    site.claim("B", "k").await.unwrap();
}

#[tokio::test]
async fn a_device_that_is_no_gateway_is_told_so_before_anything_is_read() {
    let site = Site::open(true).await;
    let device = site.add("D", Some(json!({"gateway": false})), ProfileChoice::Default).await;
    assert!(!site.protocol.is_gateway(device).await.unwrap() && site.protocol.is_gateway(site.gateway).await.unwrap());
    for message in [&b"{}"[..], b"", br#"{"A":{"secretKey":"k"}}"#, br#"{"device":"A"}"#] {
        assert!(matches!(site.connect(device, message).await, Err(GatewayError::NotAGateway)));
        assert!(matches!(site.register(device, message).await, Err(GatewayError::NotAGateway)));
        let left = site.protocol.disconnect_from_gateway(device, PayloadEncoding::Json, message).await;
        assert!(matches!(left, Err(GatewayError::NotAGateway)));
    }
    assert_eq!(site.store.devices_named(TENANT, vec!["A".to_owned()]).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_wrong_with_one_device_is_told_and_harms_no_other() {
    let site = Site::open(true).await;
    let message =
        br#"{"A":{"secretKey":"a"},"B":{"secretKey":null},"":{},"C":1,"D":{"durationMs":"x","secretKey":"HIDDEN"}}"#;
    let error = site.register(site.gateway, message).await.unwrap_err();
    assert_eq!(error.fault(), GatewayFault::Malformed);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("HIDDEN"), "{shown}");
    let GatewayError::Devices(DevicesNotRegistered(devices)) = error else { panic!("{error:?}") };
    let mut told: Vec<_> = devices.iter().map(|device| (device.name.as_str(), device.why.code())).collect();
    told.sort_unstable();
    assert_eq!(told, [("", "unusable_name"), ("B", "malformed"), ("D", "malformed")]);
    assert!(devices.iter().any(|device| matches!(device.why, WhyNot::NotRegistered(NotRegistered::Payload(_)))));
    site.claim("A", "a").await.unwrap();
}

#[tokio::test]
async fn a_stolen_gateway_opens_no_device_of_another() {
    let site = Site::open(true).await;
    let other = site.add("Other", Some(json!({"gateway": true})), ProfileChoice::Default).await;
    site.connect(site.gateway, br#"{"device":"A"}"#).await.unwrap();
    // To connect it first does not help.
    let connected = site.connect(other, br#"{"device":"A"}"#).await.unwrap();
    assert!(!connected.is_reached);
    let message = br#"{"A":{"secretKey":"planted"},"Mine":{"secretKey":"m"}}"#;
    assert_eq!(told(site.register(other, message).await), (GatewayFault::Refused, "A: not_its_gateway".into()));
    assert!(site.claim("A", "planted").await.is_err());
    site.claim("Mine", "m").await.unwrap();
}

#[tokio::test]
async fn a_new_device_needs_the_switch_where_claiming_is_not_allowed_by_default() {
    let site = Site::open(false).await;
    let refused = told(site.register(site.gateway, br#"{"A":{"secretKey":"k"}}"#).await);
    assert_eq!(refused, (GatewayFault::Refused, "A: claiming_not_allowed".into()));
    assert_eq!(site.store.devices_named(TENANT, vec!["A".to_owned()]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_device_writes_as_its_profile_says() {
    let site = Site::open(true).await;
    let device = site.add_writing("D", None, PayloadEncoding::Protobuf).await;
    let encoding = site.protocol.payloads(device).await.unwrap().encoding;
    let payload = read(encoding, b"\x0a\x01k");
    let transport = deed_domain::metadata::Transport::Mqtt;
    site.protocol.register_claim(device, transport, "r".into(), None, payload).await.unwrap();
    site.claim("D", "k").await.unwrap();
    let payload = read(encoding, b"\x08\x05");
    let refused = site.protocol.register_claim(device, transport, "r".into(), None, payload).await;
    assert!(matches!(refused, Err(NotRegistered::Payload(_))), "a field of another type is not the empty key");
}
