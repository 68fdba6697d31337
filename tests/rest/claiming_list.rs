//! Devices with how it stands with claiming them (`docs/protocol.md`, devices by claiming).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{World, later};

const PATH: &str = "/api/devices/claiming?sortProperty=name";

async fn read(world: &World, query: &str) -> (StatusCode, Value) {
    world.call(Method::GET, &format!("{PATH}&{query}"), Some(&world.tenant), None).await
}

/// Those of this test, whose names begin with "L-".
async fn list(world: &World, query: &str) -> Vec<Value> {
    let (status, page) = read(world, &format!("pageSize=100&page=0&textSearch=L-&{query}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let rows = page["data"].as_array().unwrap().clone();
    assert_eq!((&page["totalElements"], &page["hasNext"]), (&json!(rows.len()), &json!(false)));
    rows
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

async fn add_key(world: &World, id: &str, body: Value) {
    let path = format!("/api/devices/{id}/claim-keys");
    assert_eq!(world.call(Method::POST, &path, Some(&world.tenant), Some(body)).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn each_device_shows_its_owner_switch_and_keys() {
    let world = World::start().await;
    let closed = world.device("L-1 closed").await;
    world.open_device("L-2 ready").await;
    let open = world.device("L-3 open").await;
    add_key(&world, &open, json!({"expirationTime": later()})).await;
    add_key(&world, &open, json!({"expirationTime": later() + 1_000, "notBefore": later() - 1_000})).await;
    world.open_device("L-4 owned").await;
    world.register("L-4 owned", "right", 60_000).await;
    world.claim_with(&world.customer_a, "L-4 owned", "right").await;
    let denied = world.open_device("L-5 denied").await;
    world.write(&world.tenant, &denied, json!({"claimingAllowed": false})).await;
    // A key that has run out is none, also before its end is recorded.
    let over = world.device("L-6 over").await;
    add_key(&world, &over, json!({"durationMs": 1})).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;

    let rows = list(&world, "").await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row["state"].as_str().unwrap(), row["claimingAllowed"].as_bool(), row["keys"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("closed", None, 0),
        ("ready", Some(true), 0),
        ("open", None, 2),
        ("owned", None, 0),
        ("closed", Some(false), 0),
        ("closed", None, 0),
    ];
    assert_eq!(told, expected, "{rows:#?}");
    let first = json!({
        "deviceId": closed, "name": "L-1 closed", "type": "default", "label": null, "createdTime": rows[0]["createdTime"],
        "state": "closed", "owner": null, "claimingAllowed": null, "claimingAllowedByDefault": false, "keys": 0,
        "nextExpiration": null,
    });
    assert_eq!(rows[0], first);
    assert_eq!((&rows[2]["nextExpiration"], &rows[2]["deviceId"]), (&json!(later()), &json!(open)));
    let customer = world.owner_of(&world.customer_a).await;
    assert_eq!(rows[3]["owner"], json!({"customerId": customer, "title": "Customer A"}));

    assert_eq!(names(&list(&world, "state=open").await), ["L-3 open"]);
    assert_eq!(names(&list(&world, "state=owned").await), ["L-4 owned"]);
    let unowned = list(&world, "state=unowned&sortOrder=DESC").await;
    assert_eq!(names(&unowned), ["L-6 over", "L-5 denied", "L-3 open", "L-2 ready", "L-1 closed"]);
    assert_eq!(list(&world, "state=").await, rows);
    assert!(list(&world, "type=none").await.is_empty());
    let (_, of_title) = read(&world, "pageSize=100&page=0&textSearch=customer%20a&state=owned").await;
    assert!(of_title["data"].as_array().unwrap().contains(&rows[3]), "{of_title}");

    let (_, page) = read(&world, "pageSize=2&page=1&textSearch=L-").await;
    assert_eq!(page["data"], json!(rows[2..4]));
    assert_eq!((&page["totalPages"], &page["hasNext"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn where_claiming_is_allowed_by_default_devices_are_ready() {
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    world.device("L-1").await;
    assert_eq!(list(&world, "").await[0]["state"], "ready");
}

#[tokio::test]
async fn what_makes_no_list_is_refused() {
    let world = World::start().await;
    for query in ["", "pageSize=1001&page=0", "pageSize=10&page=0&state=ready", "pageSize=10&page=0&deviceProfileId=x"]
    {
        let (status, body) = read(&world, query).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{query}");
    }
    assert_eq!(read(&world, "pageSize=1000&page=0").await.0, StatusCode::OK);
}
