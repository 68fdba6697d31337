//! Device profiles (`docs/protocol.md`, device profiles).

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    customers::{id, told},
    deed::world::World,
};

const OK: StatusCode = StatusCode::OK;
const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";

fn names(page: &Value) -> Vec<&str> {
    page["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{page}"))
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

fn with(value: &Value, changes: Value) -> Value {
    let mut changed = value.clone();
    changed.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    changed
}

impl World {
    async fn profile(&self, profile: Value) -> Value {
        let (status, made) = self.post(&self.tenant, "/api/deviceProfile", profile).await;
        assert_eq!(status, OK, "{made}");
        made
    }
}

#[tokio::test]
async fn every_tenant_starts_with_a_default_profile() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let (status, info) = world.get(&tenant, "/api/deviceProfileInfo/default").await;
    assert_eq!(status, OK);
    let expected = json!({
        "id": info["id"], "tenantId": info["tenantId"], "name": "default", "image": null, "defaultDashboardId": null,
        "type": "DEFAULT", "transportType": "DEFAULT"
    });
    assert_eq!((&info, &info["id"]["entityType"]), (&expected, &json!("DEVICE_PROFILE")));
    let path = format!("/api/deviceProfileInfo/{}", id(&info));
    assert_eq!(world.get(&world.customer_a, &path).await, (OK, info.clone()));

    let (_, full) = world.get(&tenant, &format!("/api/deviceProfile/{}", id(&info))).await;
    let expected = json!({
        "id": info["id"], "createdTime": full["createdTime"], "tenantId": info["tenantId"], "name": "default",
        "description": "Default device profile", "image": null, "type": "DEFAULT", "transportType": "DEFAULT",
        "provisionType": "DISABLED", "defaultRuleChainId": null, "defaultDashboardId": null, "defaultQueueName": null,
        "provisionDeviceKey": null, "firmwareId": null, "softwareId": null, "defaultEdgeRuleChainId": null,
        "externalId": null, "version": 1, "default": true,
        "profileData": {
            "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"},
            "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": null}, "alarms": null
        }
    });
    assert_eq!(full, expected);
    let names = json!([{"id": info["id"], "name": "default"}]);
    assert_eq!(world.get(&world.customer_a, "/api/deviceProfile/names").await, (OK, names));
}

#[tokio::test]
async fn a_profile_is_added_saved_listed_and_deleted() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let meter = world.profile(json!({"name": "Zähler", "description": "d", "transportType": "MQTT"})).await;
    let mqtt = &meter["profileData"]["transportConfiguration"];
    assert_eq!(
        (&meter["transportType"], &mqtt["type"], &meter["default"]),
        (&json!("MQTT"), &json!("MQTT"), &json!(false))
    );
    assert_eq!(mqtt["transportPayloadTypeConfiguration"], json!({"transportPayloadType": "JSON"}));
    let path = format!("/api/deviceProfile/{}", id(&meter));
    assert_eq!(world.get(&tenant, &path).await, (OK, meter.clone()));

    // As it was read it can be sent back.
    let saved = world.profile(with(&meter, json!({"name": "Meter", "description": null}))).await;
    let expected = with(&meter, json!({"name": "Meter", "description": null, "version": 2}));
    assert_eq!(saved, expected);
    let refused = async |profile: Value| world.post(&tenant, "/api/deviceProfile", profile).await;
    assert_eq!(told(&refused(meter.clone()).await), (409, 35, "Device profile was already changed by someone else"));
    for (profile, message) in [
        (json!({"name": "Meter"}), "Device profile with such name already exists!"),
        (with(&saved, json!({"name": "default"})), "Device profile with such name already exists!"),
        (json!({}), "Device profile name should be specified!"),
        (json!({"name": "x".repeat(256)}), "Validation error: name length must be equal or less than 255"),
        (
            json!({"name": "n", "default": true}),
            "Another default device profile is present in scope of current tenant!",
        ),
        (
            json!({"name": "n", "provisionType": "ALLOW_CREATE_NEW_DEVICES"}),
            "Member 'provisionDeviceKey' should be specified!",
        ),
        (
            json!({"name": "n", "profileData": {"alarms": [{"alarmType": "hot"}]}}),
            "Member 'alarms' of a device profile is not supported",
        ),
        (
            json!({"name": "n", "firmwareId": {"entityType": "OTA_PACKAGE", "id": UNKNOWN}}),
            "Member 'firmwareId' of a device profile is not supported",
        ),
    ] {
        assert_eq!(told(&refused(profile).await), (400, 31, message));
    }
    let unknown = format!("Device profile with id [{UNKNOWN}] is not found");
    let with_unknown = json!({"name": "n", "id": {"entityType": "DEVICE_PROFILE", "id": UNKNOWN}});
    assert_eq!(told(&refused(with_unknown).await), (404, 32, unknown.as_str()));
    for path in ["/api/deviceProfile", "/api/deviceProfileInfo"] {
        assert_eq!(told(&world.get(&tenant, &format!("{path}/{UNKNOWN}")).await), (404, 32, unknown.as_str()));
        assert_eq!(world.get(&tenant, &format!("{path}/rubbish")).await.0, StatusCode::BAD_REQUEST);
    }

    for (query, found) in [
        ("sortProperty=createdTime", vec!["default", "Meter"]),
        ("sortProperty=name", vec!["Meter", "default"]),
        ("sortProperty=isDefault&sortOrder=DESC", vec!["default", "Meter"]),
        ("textSearch=ETE", vec!["Meter"]),
        ("textSearch=%25", vec![]),
    ] {
        for path in ["deviceProfiles", "deviceProfileInfos"] {
            let (status, page) = world.get(&tenant, &format!("/api/{path}?pageSize=10&page=0&{query}")).await;
            assert_eq!((status, names(&page)), (OK, found.clone()), "{path}, {query}");
        }
    }
    for (transport, found) in [("MQTT", vec!["Meter"]), ("DEFAULT", vec!["default"]), ("COAP", vec![])] {
        let path = format!("/api/deviceProfileInfos?pageSize=10&page=0&transportType={transport}");
        assert_eq!(names(&world.get(&world.customer_a, &path).await.1), found, "{transport}");
    }
    for query in ["pageSize=0&page=0", "pageSize=1&page=0&transportType=x", "pageSize=1&page=0&sortProperty=x"] {
        let status = world.get(&tenant, &format!("/api/deviceProfileInfos?{query}")).await.0;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }

    assert_eq!(world.delete(&tenant, &path).await, (OK, Value::Null));
    assert_eq!(world.delete(&tenant, &path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&tenant, &path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_profile_that_devices_have_keeps_its_name_and_stays() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let meter = world.profile(json!({"name": "meter"})).await;
    let device = json!({"name": "P-1", "type": "ignored", "deviceProfileId": meter["id"]});
    let (_, device) = world.post(&tenant, "/api/device", device).await;
    assert_eq!((&device["type"], &device["deviceProfileId"]), (&json!("meter"), &meter["id"]));

    let path = format!("/api/deviceProfile/{}", id(&meter));
    let in_use = "Can't change the name or the transport type of a device profile that devices have!";
    for changes in [json!({"name": "other"}), json!({"transportType": "MQTT", "profileData": null})] {
        let refused = world.post(&tenant, "/api/deviceProfile", with(&meter, changes)).await;
        assert_eq!(told(&refused), (400, 31, in_use));
    }
    world.profile(with(&meter, json!({"description": "of heat"}))).await;
    let in_use = "The device profile referenced by the devices cannot be deleted!";
    assert_eq!(told(&world.delete(&tenant, &path).await), (400, 31, in_use));
    let active = world.get(&tenant, "/api/deviceProfile/names?activeOnly=true").await.1;
    assert!(active.as_array().unwrap().iter().any(|name| name["name"] == "meter"), "{active}");

    assert_eq!(world.delete(&tenant, &format!("/api/device/{}", id(&device))).await.0, OK);
    let active = world.get(&tenant, "/api/deviceProfile/names?activeOnly=true").await.1;
    assert!(active.as_array().unwrap().iter().all(|name| name["name"] != "meter"), "{active}");
    world.profile(with(&meter, json!({"name": "other", "version": null}))).await;
    assert_eq!(world.delete(&tenant, &path).await.0, OK);
    let late = json!({"name": "P-2", "deviceProfileId": meter["id"]});
    let none = "Device is referencing non existing device profile!";
    assert_eq!(told(&world.post(&tenant, "/api/device", late).await), (400, 31, none));
}

#[tokio::test]
async fn devices_that_name_no_profile_have_the_default() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let (_, first) = world.get(&tenant, "/api/deviceProfileInfo/default").await;
    let delete_first = format!("/api/deviceProfile/{}", id(&first));
    let prohibited = "Deletion of Default Device Profile is prohibited!";
    assert_eq!(told(&world.delete(&tenant, &delete_first).await), (400, 31, prohibited));

    let meter = world.profile(json!({"name": "meter"})).await;
    let made = world.post(&tenant, &format!("/api/deviceProfile/{}/default", id(&meter)), Value::Null).await;
    assert_eq!(made, (OK, with(&meter, json!({"default": true}))));
    assert_eq!(id(&world.get(&tenant, "/api/deviceProfileInfo/default").await.1), id(&meter));
    assert_eq!(world.get(&tenant, &delete_first).await.1["default"], json!(false));
    let (_, device) = world.post(&tenant, "/api/device", json!({"name": "P-1"})).await;
    assert_eq!((&device["type"], &device["deviceProfileId"]), (&json!("meter"), &meter["id"]));
    let (_, device) = world.post(&tenant, "/api/device", json!({"name": "P-2", "type": "default"})).await;
    assert_eq!(device["deviceProfileId"], first["id"]);
    let saved = world.profile(with(&meter, json!({"default": true, "description": "x"}))).await;
    assert_eq!(saved["default"], json!(true));
    // Across a restart it is the same.
    let world = world.restart();
    assert_eq!(id(&world.get(&tenant, "/api/deviceProfileInfo/default").await.1), id(&meter));
}

#[tokio::test]
async fn who_may_do_what_with_profiles() {
    let world = World::start().await;
    let (_, first) = world.get(&world.tenant, "/api/deviceProfileInfo/default").await;
    let full = format!("/api/deviceProfile/{}", id(&first));
    let customer = &world.customer_a;
    for path in [full.as_str(), "/api/deviceProfiles?pageSize=1&page=0"] {
        assert_eq!(told(&world.get(customer, path).await).1, 20, "{path}");
    }
    assert_eq!(told(&world.post(customer, "/api/deviceProfile", json!({"name": "n"})).await).1, 20);
    assert_eq!(told(&world.post(customer, &format!("{full}/default"), Value::Null).await).1, 20);
    assert_eq!(told(&world.delete(customer, &full).await).1, 20);

    // Another tenant has profiles of its own, and does not see these.
    let operator =
        crate::deed::world::sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await;
    let (_, other) = world.post(&operator, "/api/tenant", json!({"title": "Other"})).await;
    let admin = json!({"email": "other@example.org", "authority": "TENANT_ADMIN", "tenantId": other["id"]});
    world.user(&operator, admin).await;
    let admin = world.token_of("other@example.org").await;
    let (status, own) = world.get(&admin, "/api/deviceProfileInfo/default").await;
    assert_eq!((status, &own["tenantId"]), (OK, &other["id"]));
    for path in [&full, &format!("/api/deviceProfileInfo/{}", id(&first))] {
        assert_eq!(world.get(&admin, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.delete(&admin, &full).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.post(&admin, &format!("{full}/default"), Value::Null).await.0, StatusCode::NOT_FOUND);
    let stolen = json!({"name": "mine", "id": first["id"]});
    assert_eq!(world.post(&admin, "/api/deviceProfile", stolen).await.0, StatusCode::NOT_FOUND);
    let (_, page) = world.get(&admin, "/api/deviceProfiles?pageSize=10&page=0").await;
    assert_eq!(page["totalElements"], json!(1));
}

#[tokio::test]
async fn how_devices_write_and_add_themselves_is_kept_for_administrators() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let payload = json!({
        "transportPayloadType": "PROTOBUF", "deviceTelemetryProtoSchema": "syntax = \"proto3\";",
        "enableCompatibilityWithJsonPayloadFormat": true, "useJsonPayloadFormatForDefaultDownlinkTopics": false
    });
    let made = world
        .profile(json!({
            "name": "meter", "transportType": "MQTT", "provisionType": "CHECK_PRE_PROVISIONED_DEVICES",
            "provisionDeviceKey": "key", "profileData": {
                "transportConfiguration": {
                    "type": "MQTT", "sendAckOnValidationException": true, "transportPayloadTypeConfiguration": payload
                },
                "provisionConfiguration": {"provisionDeviceSecret": "secret"}
            }
        }))
        .await;
    let transport = &made["profileData"]["transportConfiguration"];
    assert_eq!(transport["transportPayloadTypeConfiguration"], payload);
    assert_eq!(transport["sendAckOnValidationException"], true);
    let strategy = "CHECK_PRE_PROVISIONED_DEVICES";
    assert_eq!((&made["provisionType"], &made["provisionDeviceKey"]), (&json!(strategy), &json!("key")));
    let rule = json!({"type": strategy, "provisionDeviceSecret": "secret"});
    assert_eq!(made["profileData"]["provisionConfiguration"], rule);
    // Sent back, it is the same; customers see neither.
    let saved = world.profile(made.clone()).await;
    assert_eq!(saved, with(&made, json!({"version": 2})));
    let path = format!("/api/deviceProfile/{}", id(&made));
    assert_eq!(world.get(&tenant, &path).await, (OK, saved));
    assert_eq!(world.get(&world.customer_a, &path).await.0, StatusCode::FORBIDDEN);

    let another = json!({
        "name": "another", "provisionType": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceKey": "key",
        "profileData": {"provisionConfiguration": {"provisionDeviceSecret": "x"}}
    });
    let (status, answer) = world.post(&tenant, "/api/deviceProfile", another.clone()).await;
    let expected = "Device profile with such provision device key already exists!";
    assert_eq!((status, answer["message"].as_str()), (StatusCode::BAD_REQUEST, Some(expected)));
    let bare = with(&another, json!({"profileData": {}}));
    assert_eq!(world.post(&tenant, "/api/deviceProfile", bare).await.0, StatusCode::BAD_REQUEST);
}
