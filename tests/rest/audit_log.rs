//! The log in the form of ThingsBoard's audit log (`docs/protocol.md`, audit log).

use std::{process::Command, time::Duration};

use deed_adapters::conformance::PostgresServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::deed::world::{World, secret};

const PAGE: &str = "pageSize=50&page=0&sortProperty=createdTime&sortOrder=ASC";

async fn log(world: &World, path_and_query: &str) -> Vec<Value> {
    let (status, page) = read(world, &world.tenant, path_and_query).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["data"].as_array().unwrap().clone()
}

async fn read(world: &World, user: &str, path_and_query: &str) -> (StatusCode, Value) {
    world.call(Method::GET, &format!("/api/audit/logs{path_and_query}"), Some(user), None).await
}

/// What was done, and how it went.
fn told(entries: &[Value]) -> Vec<(&str, &str, &str)> {
    entries
        .iter()
        .map(|entry| {
            let word = |member: &str| entry[member].as_str().unwrap();
            (word("actionType"), word("actionStatus"), entry["userName"].as_str().unwrap_or_default())
        })
        .collect()
}

const ADMIN: &str = "tenant@thingsboard.org";
const A: &str = "customer@thingsboard.org";
const B: &str = "customerB@thingsboard.org";

#[tokio::test]
async fn a_device_s_life_in_the_audit_log() {
    let world = World::start().await;
    let id = world.open_device("Audited").await;
    assert_eq!(world.register("Audited", "right", 60_000).await, StatusCode::OK);
    world.claim_with(&world.customer_b, "Audited", "wrong").await;
    world.claim_with(&world.customer_a, "Audited", "right").await;
    world.claim_with(&world.customer_b, "Audited", "right").await;
    world.reclaim(&world.customer_a, "Audited").await;
    let data = json!({"secretKey": secret("written"), "expirationTime": 4_102_444_800_000_i64});
    world.write(&world.tenant, &id, json!({"claimingData": data, "claimingAllowed": false, "plain": 1})).await;
    let attributes = format!("/api/plugins/telemetry/DEVICE/{id}/SERVER_SCOPE?keys=claimingData");
    world.call(Method::DELETE, &attributes, Some(&world.tenant), None).await;
    let keys = format!("/api/devices/{id}/claim-keys");
    let (_, key) = world.call(Method::POST, &keys, Some(&world.tenant), None).await;
    let key = format!("{keys}/{}", key["keyId"].as_str().unwrap());
    assert!(world.call(Method::DELETE, &key, Some(&world.tenant), None).await.0.is_success());

    let entries = log(&world, &format!("/entity/DEVICE/{id}?{PAGE}")).await;
    let expected = [
        ("ADDED", "SUCCESS", ADMIN),
        ("ATTRIBUTES_UPDATED", "SUCCESS", ADMIN),
        ("ASSIGNED_TO_CUSTOMER", "FAILURE", B),
        ("ASSIGNED_TO_CUSTOMER", "SUCCESS", A),
        ("ASSIGNED_TO_CUSTOMER", "FAILURE", B),
        ("UNASSIGNED_FROM_CUSTOMER", "SUCCESS", A),
        ("ATTRIBUTES_UPDATED", "SUCCESS", ADMIN),
        ("ATTRIBUTES_DELETED", "SUCCESS", ADMIN),
    ];
    assert_eq!(told(&entries), expected, "{entries:#?}");
    shapes(&world, &id, &entries).await;

    // A deleted device keeps its log, with the last name that it had.
    world.call(Method::DELETE, &format!("/api/device/{id}"), Some(&world.tenant), None).await;
    let entries =
        log(&world, &format!("/entity/DEVICE/{id}?pageSize=1&page=0&sortProperty=createdTime&sortOrder=desc")).await;
    assert_eq!((&entries[0]["actionType"], &entries[0]["entityName"]), (&json!("DELETED"), &json!("Audited")));
    assert_eq!(entries[0]["actionData"], json!({"entityId": id}));

    filters(&world, &id).await;
    refusals(&world, &id).await;
}

async fn shapes(world: &World, id: &str, entries: &[Value]) {
    let customer = world.owner_of(&world.customer_a).await;
    let nobody = "13814000-1dd2-11b2-8080-808080808080";
    let added = &entries[0];
    assert!(added["id"].as_object().unwrap().keys().eq(["id"]), "an audit log's id has no type");
    assert_eq!(added["entityId"], json!({"entityType": "DEVICE", "id": id}));
    assert_eq!(added["customerId"], json!({"entityType": "CUSTOMER", "id": nobody}));
    assert_eq!(added["userId"]["entityType"], "USER");
    assert_eq!(added["actionFailureDetails"], "");
    let entity = &added["actionData"]["entity"];
    assert_eq!((&entity["name"], &entity["version"], &entity["id"]["id"]), (&json!("Audited"), &json!(1), &json!(id)));
    let written = json!({"entityId": id, "scope": "SERVER_SCOPE", "attributes": {"claimingAllowed": "true"}});
    assert_eq!(entries[1]["actionData"], written);
    assert_eq!(entries[2]["actionFailureDetails"], "wrong-key");
    let assigned = json!({"entityId": id, "assignedCustomerId": customer, "assignedCustomerName": "Customer A"});
    assert_eq!((&entries[3]["actionData"], &entries[3]["customerId"]["id"]), (&assigned, &customer));
    let unassigned = json!({"entityId": id, "unassignedCustomerId": customer, "unassignedCustomerName": "Customer A"});
    assert_eq!(entries[5]["actionData"], unassigned);
    let masked = json!({"claimingAllowed": "false", "claimingData": "***"});
    assert_eq!(entries[6]["actionData"]["attributes"], masked);
    assert_eq!(entries[7]["actionData"]["attributes"], json!(["claimingData"]));
}

async fn filters(world: &World, id: &str) {
    let owner_changes = "actionTypes=ASSIGNED_TO_CUSTOMER,UNASSIGNED_FROM_CUSTOMER";
    let a = world.owner_of(&world.customer_a).await;
    let entries = log(world, &format!("/customer/{}?{PAGE}&{owner_changes}", a.as_str().unwrap())).await;
    let both = [("ASSIGNED_TO_CUSTOMER", "SUCCESS", A), ("UNASSIGNED_FROM_CUSTOMER", "SUCCESS", A)];
    assert_eq!(told(&entries), both);
    let user = entries[0]["userId"]["id"].as_str().unwrap();
    assert_eq!(log(world, &format!("/user/{user}?{PAGE}")).await, entries);

    let of_the_device = log(world, &format!("?{PAGE}&textSearch=aUDIt&actionTypes=ASSIGNED_TO_CUSTOMER")).await;
    assert_eq!(of_the_device.len(), 3);
    assert!(of_the_device.iter().all(|entry| entry["entityId"]["id"] == id));
    assert_eq!(log(world, &format!("?{PAGE}&textSearch=failure")).await.len(), 2);
    assert_eq!(log(world, &format!("?{PAGE}&textSearch=customerB@")).await.len(), 2);
    assert_eq!(log(world, &format!("?{PAGE}&textSearch=%25")).await.len(), 0);

    let all = log(world, &format!("?{PAGE}")).await;
    let time = all[4]["createdTime"].as_i64().unwrap();
    let of_then = log(world, &format!("?{PAGE}&startTime={time}&endTime={time}")).await;
    assert!(of_then.contains(&all[4]) && of_then.iter().all(|entry| entry["createdTime"] == time));
    assert!(log(world, &format!("?{PAGE}&startTime=1&endTime=2")).await.is_empty());

    // Pages of both orders put together are the list.
    let (_, page) = read(world, &world.tenant, "?pageSize=4&page=1&sortProperty=createdTime&sortOrder=ASC").await;
    assert_eq!((page["data"].as_array().unwrap(), &page["totalElements"]), (&all[4..8].to_vec(), &json!(all.len())));
    let (_, page) = read(world, &world.tenant, "?pageSize=4&page=1&sortProperty=createdTime&sortOrder=DESC").await;
    let reversed: Vec<_> = all.iter().rev().skip(4).take(4).cloned().collect();
    assert_eq!((page["data"].as_array().unwrap(), &page["hasNext"]), (&reversed, &json!(true)));
    let by_type = log(world, "?pageSize=100&page=0&sortProperty=actionType&sortOrder=DESC").await;
    assert!(by_type.is_sorted_by(|a, b| a["actionType"].as_str() >= b["actionType"].as_str()));
    assert_eq!(by_type.len(), all.len());
}

async fn refusals(world: &World, id: &str) {
    assert_eq!(read(world, &world.customer_a, &format!("?{PAGE}")).await.0, StatusCode::FORBIDDEN);
    for query in [
        format!("/entity/DEVICE/{id}?{PAGE}&actionTypes=NOTHING"),
        format!("/entity/THING/{id}?{PAGE}"),
        format!("/entity/DEVICE/rubbish?{PAGE}"),
        "?pageSize=10".to_owned(),
        format!("?{PAGE}&startTime=soon"),
    ] {
        let (status, body) = read(world, &world.tenant, &query).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{query}");
    }
    assert!(log(world, &format!("/entity/USER/{id}?{PAGE}")).await.is_empty());
    let nobody = "01890a5d-0000-7000-8000-000000000000";
    assert!(log(world, &format!("/entity/DEVICE/{nobody}?{PAGE}")).await.is_empty());
}

#[tokio::test]
async fn a_device_is_shown_with_the_transport_of_its_profile() {
    let world = World::start().await;
    let profile = json!({"name": "Meter", "transportType": "MQTT"});
    assert_eq!(
        world.call(Method::POST, "/api/deviceProfile", Some(&world.tenant), Some(profile)).await.0,
        StatusCode::OK
    );
    let device = json!({"name": "Metered", "type": "Meter"});
    let (_, device) = world.call(Method::POST, "/api/device", Some(&world.tenant), Some(device)).await;
    let entries = log(&world, &format!("/entity/DEVICE/{}?{PAGE}", device["id"]["id"].as_str().unwrap())).await;
    assert_eq!(entries[0]["actionData"]["entity"]["deviceData"], device["deviceData"]);
    assert_eq!(device["deviceData"]["transportConfiguration"]["type"], "MQTT");
}

/// What a search asks the database for grows with the pages of the log, and not with the entries.
#[tokio::test]
async fn a_search_looks_names_up_together() {
    const DEVICES: usize = 1_500;
    const DELETED: usize = 300;
    let server = PostgresServer::start();
    let database = server.new_database();
    let environment = [("DEED_DATABASE", database.as_str())];
    let world = World::start_with(&environment).await;
    let names: Vec<String> = (0..DEVICES).map(|number| format!("Many-{number:04}")).collect();
    let columns = [json!({"type": "NAME"})];
    let mapping = json!({"columns": columns, "delimiter": ",", "update": true, "header": false});
    let import = json!({"file": names.join("\n"), "mapping": mapping});
    let (_, imported) = world.call(Method::POST, "/api/device/bulk_import", Some(&world.tenant), Some(import)).await;
    assert_eq!(imported["created"], DEVICES, "{imported}");
    let list =
        format!("/api/tenant/devices?pageSize={DELETED}&page=0&textSearch=Many-&sortProperty=name&sortOrder=ASC");
    let (_, list) = world.call(Method::GET, &list, Some(&world.tenant), None).await;
    for device in list["data"].as_array().unwrap() {
        let path = format!("/api/device/{}", device["id"]["id"].as_str().unwrap());
        assert_eq!(world.call(Method::DELETE, &path, Some(&world.tenant), None).await.0, StatusCode::OK);
    }

    // What its connections did is counted when they are gone.
    let counted = async || {
        sleep(Duration::from_secs(1)).await;
        let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let told = Command::new(server.program("psql")).args(["-Atc", sql, &database]).output().unwrap();
        String::from_utf8(told.stdout).unwrap().trim().parse::<usize>().unwrap()
    };
    let world = world.restart_with(&environment);
    let before = counted().await;
    for (text, found) in [("Many-0000", 2), ("Many-0299", 2), ("Many-1499", 1), ("many-", DEVICES + DELETED)] {
        let (status, page) = read(&world, &world.tenant, &format!("?pageSize=10&page=0&textSearch={text}")).await;
        assert_eq!((status, &page["totalElements"]), (StatusCode::OK, &json!(found)), "{text}");
    }
    drop(world);
    let questions = counted().await - before;
    assert!(questions < DEVICES / 2, "{questions} transactions");
}
