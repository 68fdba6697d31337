//! What devices authenticate with.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World};

const SAVE: &str = "/api/device/credentials";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAgwADAA\nAwIAAQ==\n-----END CERTIFICATE-----\n";

struct Credentials<'a> {
    world: &'a World,
    record: Value,
}

impl<'a> Credentials<'a> {
    /// A new device and its first credentials.
    async fn of(world: &'a World, name: &str) -> Self {
        let id = world.device(name).await;
        let path = format!("/api/device/{id}/credentials");
        let (status, record) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
        assert_eq!(status, StatusCode::OK);
        Self { world, record }
    }

    fn device(&self) -> &str {
        self.record["deviceId"]["id"].as_str().unwrap()
    }

    async fn read(&self, user: &str) -> Answer {
        let path = format!("/api/device/{}/credentials", self.device());
        self.world.call(Method::GET, &path, Some(user), None).await
    }

    /// The record with these members, and without its version unless they name one.
    fn with(&self, members: Value) -> Value {
        let mut record = self.record.clone();
        record.as_object_mut().unwrap().remove("version");
        for (name, value) in members.as_object().unwrap() {
            record[name] = value.clone();
        }
        record
    }

    async fn save(&self, members: Value) -> Answer {
        self.world.call(Method::POST, SAVE, Some(&self.world.tenant), Some(self.with(members))).await
    }

    async fn refused(&self, members: Value) -> String {
        let (status, body) = self.save(members).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{body}");
        body["message"].as_str().unwrap().to_owned()
    }
}

fn mqtt(value: Value) -> Value {
    json!({"credentialsType": "MQTT_BASIC", "credentialsId": null, "credentialsValue": value.to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_saved_and_read_back() {
    let world = World::start().await;
    let of = Credentials::of(&world, "D").await;
    assert_eq!(of.record["credentialsType"], "ACCESS_TOKEN");
    assert_eq!((&of.record["credentialsValue"], &of.record["version"]), (&Value::Null, &json!(1)));

    let (status, saved) = of.save(json!({"credentialsId": "second"})).await;
    assert_eq!(status, StatusCode::OK, "{saved}");
    assert_eq!(saved, {
        let mut expected = of.record.clone();
        expected["credentialsId"] = json!("second");
        expected["version"] = json!(2);
        expected
    });
    assert_eq!(world.call(Method::POST, "/api/v1/second/claim", None, Some(json!({}))).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.register("D", "k", 0).await, StatusCode::UNAUTHORIZED, "the first token is good for nothing");

    let (status, stale) = of.save(json!({"credentialsId": "third", "version": 1})).await;
    assert_eq!((status, &stale["errorCode"]), (StatusCode::CONFLICT, &json!(35)), "{stale}");
    assert_eq!(stale["message"], "Entity was already changed by someone else");
    assert_eq!(of.save(json!({"credentialsId": "third", "version": -1})).await.0, StatusCode::CONFLICT);

    let hash = "29cd886b96af386fd43e35097f8228b97209711642b8b65ebf118b288accb0ea";
    let of_body = "4f3db2eb8426eed2499f2355f9df609f128694793c9e02e5b316edc1ddf85488";
    for (version, (members, id, value)) in (3..).zip([
        (json!({"credentialsId": "second"}), "second", Value::Null),
        (
            mqtt(json!({"userName": "u", "password": "p"})),
            "u",
            json!(r#"{"clientId":null,"userName":"u","password":"p"}"#),
        ),
        (
            mqtt(json!({"clientId": "c", "userName": "u"})),
            hash,
            json!(r#"{"clientId":"c","userName":"u","password":null}"#),
        ),
        (json!({"credentialsType": "X509_CERTIFICATE", "credentialsValue": PEM}), of_body, json!("MAgwADAAAwIAAQ==")),
    ]) {
        let (status, saved) = of.save(members).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        assert_eq!((&saved["credentialsId"], &saved["credentialsValue"]), (&json!(id), &value));
        assert_eq!((&saved["version"], &saved["id"]), (&json!(version), &of.record["id"]));
        assert_eq!(of.read(&world.tenant).await.1, saved);
    }
    let other = Credentials::of(&world, "E").await;
    for taken in [
        json!({"credentialsType": "X509_CERTIFICATE", "credentialsValue": PEM}),
        json!({"credentialsId": of_body}),
        json!({"credentialsId": "A5_DEMO_TOKEN"}),
    ] {
        assert_eq!(other.refused(taken).await, "Device credentials are already assigned to another device!");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_message() {
    let world = World::start().await;
    let of = Credentials::of(&world, "D").await;
    let certificate = |text: &str| json!({"credentialsType": "X509_CERTIFICATE", "credentialsValue": text});
    let no_certificate = "Device credentials value should be a certificate!";
    for (members, message) in [
        (json!({"credentialsId": ""}), "Device credentials id should be specified!"),
        (json!({"credentialsId": null}), "Device credentials id should be specified!"),
        (json!({"credentialsType": null}), "Device credentials type should be specified"),
        (
            json!({"id": {"id": "784f394c-42b6-11f0-983c-b7beff2784f9"}}),
            "Unable to update non-existent device credentials!",
        ),
        (json!({"id": null}), "Credentials for this device are already specified!"),
        (json!({"deviceId": null}), "Invalid entity id"),
        (json!({"credentialsId": "a\u{0}b"}), "Device credentials must not contain control characters!"),
        (json!({"credentialsId": "a\nb"}), "Device credentials must not contain control characters!"),
        (mqtt(json!({})), "Both mqtt client id and user name are empty!"),
        (
            mqtt(json!({"clientId": "", "userName": "", "password": "p"})),
            "Both mqtt client id and user name are empty!",
        ),
        (mqtt(json!({"clientId": "c", "password": "p"})), "Password cannot be specified along with client id"),
        (
            json!({"credentialsType": "MQTT_BASIC", "credentialsValue": "rubbish"}),
            "Invalid credentials body for simple mqtt credentials!",
        ),
        (json!({"credentialsType": "MQTT_BASIC"}), "Invalid credentials body for simple mqtt credentials!"),
        (json!({"credentialsType": "X509_CERTIFICATE"}), no_certificate),
        (certificate("garbage!!"), no_certificate),
        (certificate(&PEM.repeat(2)), no_certificate),
        (certificate(&PEM.replace("CERTIFICATE", "PRIVATE KEY")), no_certificate),
        (
            json!({"credentialsType": "NOTHING"}),
            "Unknown credentials type: use ACCESS_TOKEN, MQTT_BASIC or X509_CERTIFICATE",
        ),
    ] {
        assert_eq!(of.refused(members.clone()).await, message, "{members}");
    }
    let unknown = "784f394c-42b6-11f0-983c-b7beff2784f9";
    let (status, body) = of.save(json!({"deviceId": {"entityType": "DEVICE", "id": unknown}})).await;
    assert_eq!((status, &body["errorCode"]), (StatusCode::NOT_FOUND, &json!(32)));
    assert_eq!(body["message"], format!("Device with id [{unknown}] is not found"));
    assert_eq!(of.read(&world.tenant).await.1, of.record, "nothing was saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_read_and_only_administrators_save() {
    let world = World::start().await;
    let of = Credentials::of(&world, "D").await;
    let mut device =
        world.call(Method::GET, &format!("/api/device/{}", of.device()), Some(&world.tenant), None).await.1;
    device["customerId"]["id"] = world.owner_of(&world.customer_a).await;
    assert_eq!(world.call(Method::POST, "/api/device", Some(&world.tenant), Some(device)).await.0, StatusCode::OK);
    assert_eq!(of.read(&world.customer_a).await, (StatusCode::OK, of.record.clone()));
    assert_eq!(of.read(&world.customer_b).await.0, StatusCode::FORBIDDEN);
    for user in [&world.customer_a, &world.customer_b] {
        let body = of.with(json!({"credentialsId": "mine"}));
        assert_eq!(world.call(Method::POST, SAVE, Some(user), Some(body)).await.0, StatusCode::FORBIDDEN);
    }
    let unknown = "/api/device/784f394c-42b6-11f0-983c-b7beff2784f9/credentials";
    assert_eq!(world.call(Method::GET, unknown, Some(&world.tenant), None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_saved_together_with_its_credentials() {
    let world = World::start().await;
    let save = async |user: &str, body: Value| {
        world.call(Method::POST, "/api/device-with-credentials", Some(user), Some(body)).await
    };
    let dummy = json!({
        "id": {"id": "13814000-1dd2-11b2-8080-808080808080"}, "deviceId": {"entityType": "DEVICE", "id": "13814000-1dd2-11b2-8080-808080808080"},
        "credentialsType": "ACCESS_TOKEN", "credentialsId": "its-token"
    });
    let (status, device) =
        save(&world.tenant, json!({"device": {"name": "D", "type": "meter"}, "credentials": dummy})).await;
    assert_eq!((status, &device["name"], &device["type"]), (StatusCode::OK, &json!("D"), &json!("meter")), "{device}");
    assert_eq!(world.call(Method::GET, "/api/v1/its-token/claim", None, None).await.0, StatusCode::OK);

    let mut changed = device.clone();
    changed["label"] = json!("new");
    let credentials = mqtt(json!({"userName": "u"}));
    let (status, device) = save(&world.tenant, json!({"device": changed, "credentials": credentials})).await;
    assert_eq!((status, &device["label"], &device["version"]), (StatusCode::OK, &json!("new"), &json!(2)), "{device}");
    assert_eq!(world.call(Method::GET, "/api/v1/its-token/claim", None, None).await.0, StatusCode::UNAUTHORIZED);

    let taken = json!({"credentialsType": "ACCESS_TOKEN", "credentialsId": "A1_DEMO_TOKEN"});
    for (body, message) in [
        (json!({"device": {"name": "E"}}), "Validation error: credentials must not be null"),
        (json!({"credentials": taken}), "Validation error: device must not be null"),
        (
            json!({"device": {"name": "E"}, "credentials": {"credentialsId": "abc"}}),
            "Device credentials type should be specified",
        ),
        (
            json!({"device": {"name": "E"}, "credentials": taken}),
            "Device credentials are already assigned to another device!",
        ),
    ] {
        let (status, body) = save(&world.tenant, body).await;
        assert_eq!((status, &body["message"]), (StatusCode::BAD_REQUEST, &json!(message)));
    }
    let (status, _) = world.call(Method::GET, "/api/tenant/devices?deviceName=E", Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "no device was made");
    let refused =
        save(&world.customer_a, json!({"device": device, "credentials": mqtt(json!({"userName": "x"}))})).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
}
