use deed_domain::{
    claims::{DeviceChange, ProfileChoice},
    device::OwnerChange,
    ids::{Position, ProfileId},
    metadata::{Actor, Transport},
    ports::{
        AttributeScope, Attributes, Credentials, DeviceToken, Entity, Feed, GatewayDevices, NamedDevice, Profile,
        ProfileValues, Profiles, ProvisioningRule, ProvisioningStrategy, Scope,
    },
};
use deed_transports::device_protocol::{NotAnswered, ProvisionStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::site::{Site, TENANT, administrator};

const SECRET: &str = "S3CR3T";

impl Site {
    /// A profile whose devices add themselves; its key is its name.
    async fn profile(&self, name: &str, strategy: ProvisioningStrategy) -> Profile {
        let rule = ProvisioningRule { strategy, key: name.to_owned(), secret: DeviceToken::new(SECRET) };
        let values = ProfileValues { name: name.to_owned(), provisioning: Some(rule), ..ProfileValues::default() };
        let id = ProfileId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()));
        let profile = Profile::new(id, TENANT, self.protocol.clock.now(), values);
        self.store.add_profile(profile.clone()).await.unwrap();
        profile
    }

    async fn provision(&self, key: &str, more: Value) -> (ProvisionStatus, Value) {
        let mut request = json!({"provisionDeviceKey": key, "provisionDeviceSecret": SECRET});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let message = request.to_string();
        let reply = self.protocol.provision(Transport::Http, "r".into(), message.as_bytes()).await.unwrap();
        (reply.status(), serde_json::from_str(&reply.to_json()).unwrap())
    }

    async fn find(&self, name: &str) -> Option<NamedDevice> {
        self.store.devices_named(TENANT, vec![name.to_owned()]).await.unwrap().pop()
    }

    async fn state(&self, device: &NamedDevice) -> Vec<(String, Value)> {
        let of = Entity::Device(device.device_id);
        let stored = self.store.of(of, Some(AttributeScope::Server)).await.unwrap();
        stored.into_iter().map(|attribute| (attribute.key, attribute.value)).collect()
    }
}

fn provisioned() -> Vec<(String, Value)> {
    vec![("provisionState".to_owned(), json!("provisioned"))]
}

const SUCCESS: ProvisionStatus = ProvisionStatus::Success;

#[tokio::test]
async fn a_new_device_adds_itself() {
    let site = Site::open(false).await;
    let profile = site.profile("sensor", ProvisioningStrategy::AllowNew).await;
    let (status, reply) = site.provision("sensor", json!({"deviceName": "D"})).await;
    assert_eq!(
        (status, &reply["credentialsType"], &reply["status"]),
        (SUCCESS, &json!("ACCESS_TOKEN"), &json!("SUCCESS"))
    );
    let token = DeviceToken::new(reply["credentialsValue"].as_str().unwrap());
    let device = site.find("D").await.unwrap();
    assert_eq!(site.store.by_access_token(&token).await.unwrap().unwrap().device_id, device.device_id);
    assert_eq!((device.profile_id, device.device_type.as_str(), device.owner), (profile.id, "sensor", None));
    assert_eq!((&device.additional_info, site.state(&device).await), (&None, provisioned()));
    // In the log it is the device that acts.
    let log = site.store.read_after(Scope::Device(device.device_id), Position(0), 10).await.unwrap().events;
    let metadata = log[0].decode_metadata().unwrap();
    assert_eq!((metadata.actor, metadata.transport), (Actor::Device(device.device_id), Transport::Http));

    let (_, reply) = site.provision("sensor", json!({"deviceName": "G", "gateway": true})).await;
    assert_eq!(reply["status"], "SUCCESS");
    assert_eq!(site.find("G").await.unwrap().additional_info, Some(json!({"gateway": true})));
    for nameless in [json!({}), json!({"deviceName": ""}), json!({"deviceName": null})] {
        assert_eq!(site.provision("sensor", nameless).await.0, SUCCESS);
    }
    for blank in [" ", "\t", "\u{3000}"] {
        let (status, _) = site.provision("sensor", json!({"deviceName": blank})).await;
        assert_eq!(status, ProvisionStatus::Failure, "{blank:?} is no name, nor is it none");
        assert!(site.find(blank).await.is_none());
    }
}

#[tokio::test]
async fn a_new_device_may_bring_its_credentials() {
    let site = Site::open(false).await;
    site.profile("sensor", ProvisioningStrategy::AllowNew).await;
    let answered = async |name: &str, more: Value| {
        let mut more = more;
        more["deviceName"] = name.into();
        let (_, reply) = site.provision("sensor", more).await;
        (reply["credentialsType"].clone(), reply["credentialsValue"].clone(), reply["status"].clone())
    };
    let success = |kind: &str, value: Value| (json!(kind), value, json!("SUCCESS"));
    let token = json!({"credentialsType": "ACCESS_TOKEN", "token": "own token"});
    assert_eq!(answered("A", token.clone()).await, success("ACCESS_TOKEN", json!("own token")));
    let mqtt = json!({"credentialsType": "MQTT_BASIC", "username": "u", "password": "pw", "clientId": "c"});
    let shown = json!({"clientId": "c", "userName": "u", "password": "pw"});
    assert_eq!(answered("B", mqtt).await, success("MQTT_BASIC", shown));
    let hash = json!({"credentialsType": "X509_CERTIFICATE", "hash": "MIIB"});
    assert_eq!(answered("C", hash).await, success("X509_CERTIFICATE", json!("MIIB")));
    assert_eq!(answered("D", json!({"credentialsType": "MQTT_BASIC"})).await.0, "ACCESS_TOKEN");

    let failed = (Value::Null, Value::Null, json!("FAILURE"));
    assert_eq!(answered("E", token).await, failed, "the token is taken");
    assert_eq!(answered("A", json!({})).await, failed, "the device is there");
    assert_eq!(answered("F", json!({"token": "a\u{0}b"})).await, failed);
    assert_eq!(answered("F", json!({"credentialsType": "MQTT_BASIC", "password": "p", "clientId": "c"})).await, failed);
    assert_eq!(answered("<b>", json!({})).await, failed);
    assert!(site.find("E").await.is_none() && site.find("F").await.is_none());
}

#[tokio::test]
async fn a_prepared_device_fetches_its_credentials() {
    let site = Site::open(false).await;
    let profile = site.profile("prepared", ProvisioningStrategy::CheckPrepared).await;
    let device = site.add("D", None, ProfileChoice::Existing(profile.clone())).await;
    let stored = site.store.of_device(device.device_id).await.unwrap().unwrap();
    let own = json!({"deviceName": "D", "credentialsType": "ACCESS_TOKEN", "token": "own token", "gateway": true});
    for request in [json!({"deviceName": "D"}), json!({"deviceName": "D"}), own] {
        let (status, reply) = site.provision("prepared", request).await;
        assert_eq!((status, &reply["credentialsValue"]), (SUCCESS, &json!(stored.credentials_id.expose())));
    }
    let found = site.find("D").await.unwrap();
    assert_eq!((&found.additional_info, site.state(&found).await), (&None, provisioned()));

    site.add("of another profile", None, ProfileChoice::Default).await;
    for request in [json!({"deviceName": "of another profile"}), json!({"deviceName": "none"}), json!({})] {
        let (status, reply) = site.provision("prepared", request).await;
        let expected = json!({"errorMsg": "Failed to provision device!", "status": "FAILURE"});
        assert_eq!((status, reply), (ProvisionStatus::Failure, expected));
    }
    // A device that gets another profile is not prepared any more.
    let change = DeviceChange {
        expected_version: None,
        name: "D".to_owned(),
        profile: ProfileChoice::Default,
        label: None,
        owner: OwnerChange::Keep,
        additional_info: None,
        credentials: None,
    };
    site.protocol.claims.change(&administrator(), TENANT, device.device_id, change).await.unwrap();
    assert_eq!(site.provision("prepared", json!({"deviceName": "D"})).await.0, ProvisionStatus::Failure);
}

#[tokio::test]
async fn who_does_not_know_key_and_secret_learns_nothing() {
    let site = Site::open(false).await;
    let profile = site.profile("sensor", ProvisioningStrategy::AllowNew).await;
    let unknown = json!({"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"});
    for (key, secret) in [("none", SECRET), ("sensor", "no"), ("sensor", ""), ("Sensor", SECRET), ("", "")] {
        let answer = site.provision(key, json!({"provisionDeviceSecret": secret, "deviceName": "D"})).await;
        assert_eq!(answer, (ProvisionStatus::NotFound, unknown.clone()), "{key} {secret}");
    }
    assert!(site.find("D").await.is_none());
    // What is switched off is not found, either.
    let values = ProfileValues { name: "sensor".to_owned(), ..ProfileValues::default() };
    site.store.save_profile(profile.id, None, values).await.unwrap();
    assert_eq!(site.provision("sensor", json!({"deviceName": "D"})).await, (ProvisionStatus::NotFound, unknown));
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_not_shown() {
    let site = Site::open(false).await;
    for (message, is_incomplete) in [
        ("", true),
        (r#"{"provisionDeviceKey":"k"}"#, true),
        (r#"{"provisionDeviceSecret":"S3CR3T","provisionDeviceKey":null}"#, true),
        (r#"{"provisionDeviceKey":"k","provisionDeviceSecret":"S3CR3T","credentialsType":"S3CR3T"}"#, true),
        (r#"{"provisionDeviceSecret":"S3CR3T"#, false),
        ("[]", false),
    ] {
        let refused = site.protocol.provision(Transport::Http, "r".into(), message.as_bytes()).await;
        let Err(NotAnswered::Request(error)) = refused else { panic!("{message}: {refused:?}") };
        assert_eq!(error.is_incomplete(), is_incomplete, "{message}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}
