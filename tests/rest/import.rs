//! Devices from a file (`docs/protocol.md`, bulk import).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World, percent, secret};

/// A column's type, and the key of an attribute.
type Column = (&'static str, Option<&'static str>);

const NAME: Column = ("NAME", None);
const TYPE: Column = ("TYPE", None);
const LABEL: Column = ("LABEL", None);
const TOKEN: Column = ("ACCESS_TOKEN", None);

const fn server(key: &'static str) -> Column {
    ("SERVER_ATTRIBUTE", Some(key))
}

fn body(file: &str, columns: &[Column], update: bool) -> Value {
    let columns: Vec<_> = columns.iter().map(|(kind, key)| json!({"type": kind, "key": key})).collect();
    json!({"file": file, "mapping": {"columns": columns, "delimiter": ",", "update": update, "header": true}})
}

async fn post(world: &World, user: &str, body: Value) -> Answer {
    world.call(Method::POST, "/api/device/bulk_import", Some(user), Some(body)).await
}

/// Imports with `update`; created, updated, and what is wrong.
async fn import(world: &World, file: &str, columns: &[Column]) -> (u64, u64, Vec<String>) {
    let (status, result) = post(world, &world.tenant, body(file, columns, true)).await;
    assert_eq!(status, StatusCode::OK, "{result}");
    outcome(&result)
}

fn outcome(result: &Value) -> (u64, u64, Vec<String>) {
    let errors: Vec<String> = serde_json::from_value(result["errorsList"].clone()).unwrap();
    assert_eq!(result["errors"].as_u64().unwrap(), errors.len() as u64);
    (result["created"].as_u64().unwrap(), result["updated"].as_u64().unwrap(), errors)
}

const fn clean(created: u64, updated: u64) -> (u64, u64, Vec<String>) {
    (created, updated, Vec::new())
}

async fn device(world: &World, name: &str) -> Value {
    let path = format!("/api/tenant/devices?deviceName={}", percent(name));
    let (status, device) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::OK, "{name}");
    device
}

async fn credentials(world: &World, name: &str) -> Value {
    let id = device(world, name).await["id"]["id"].as_str().unwrap().to_owned();
    world.call(Method::GET, &format!("/api/device/{id}/credentials"), Some(&world.tenant), None).await.1
}

async fn server_attributes(world: &World, name: &str) -> serde_json::Map<String, Value> {
    world.attributes(device(world, name).await["id"]["id"].as_str().unwrap()).await
}

/// A quoted cell with a server-side key.
fn claiming_data(key: &str) -> String {
    let data = json!({"secretKey": secret(key), "expirationTime": 4_102_444_800_000_i64}).to_string();
    format!("\"{}\"", data.replace('"', "\"\""))
}

#[tokio::test]
async fn imported_devices_can_be_claimed_with_the_keys_of_the_file() {
    let world = World::start().await;
    let mut file = "name,type,key\n".to_owned();
    for n in 1..=3 {
        file.push_str(&format!("I-{n},default,{}\n", claiming_data(&format!("k{n}"))));
    }
    let columns = [NAME, TYPE, server("claimingData")];
    assert_eq!(import(&world, &file, &columns).await, clean(3, 0));
    for n in 1..=3 {
        let name = format!("I-{n}");
        let read = server_attributes(&world, &name).await["claimingData"].as_str().unwrap().to_owned();
        assert!(read.contains("***") && !read.contains(&secret("k")), "it reads as it was written, masked: {read}");
        let (status, claimed) = world.claim_with(&world.customer_a, &name, &format!("k{n}")).await;
        assert_eq!((status, &claimed["version"]), (StatusCode::OK, &json!(2)), "{claimed}");
        assert_eq!(claimed["additionalInfo"], json!({}));
        assert!(!server_attributes(&world, &name).await.contains_key("claimingData"));
    }
    // One that cannot be read is kept as among attributes: there, masked, and no key.
    let columns_of_two = [NAME, server("claimingData")];
    assert_eq!(import(&world, "h\nI-5,rubbish\n", &columns_of_two).await, clean(1, 0));
    assert_eq!(server_attributes(&world, "I-5").await["claimingData"], "***");
    assert_eq!(world.claim_with(&world.customer_a, "I-5", "rubbish").await.0, StatusCode::BAD_REQUEST);
    // An import over a claimed device leaves its owner.
    assert_eq!(import(&world, "name,label\nI-1,again\n", &[NAME, LABEL]).await, clean(0, 1));
    assert_eq!(device(&world, "I-1").await["customerId"]["id"], world.owner_of(&world.customer_a).await);
    // The switch lets a device register its own key.
    let columns = [NAME, TOKEN, server("claimingAllowed")];
    assert_eq!(import(&world, "h\nI-4,492d34,true\n", &columns).await, clean(1, 0));
    assert_eq!(world.register("I-4", "own", 60_000).await, StatusCode::OK);
}

#[tokio::test]
async fn a_file_says_what_a_device_is_and_another_one_changes_it() {
    let world = World::start().await;
    let columns = [
        NAME,
        TYPE,
        LABEL,
        ("IS_GATEWAY", None),
        ("DESCRIPTION", None),
        ("SHARED_ATTRIBUTE", Some("shared")),
        server("server"),
        ("TIMESERIES", Some("time")),
        TOKEN,
    ];
    let file = "h\nF-1,sensor,First,true,some text,1,s,5,F1-TOKEN\nF-2,default,,false,,,,,\n";
    assert_eq!(import(&world, file, &columns).await, clean(2, 0));
    let first = device(&world, "F-1").await;
    assert_eq!((&first["type"], &first["label"], &first["version"]), (&json!("sensor"), &json!("First"), &json!(1)));
    assert_eq!(first["additionalInfo"], json!({"gateway": true, "description": "some text"}));
    assert_eq!(device(&world, "F-2").await["additionalInfo"], json!({"gateway": false}));
    let token = credentials(&world, "F-1").await;
    assert_eq!((&token["credentialsType"], &token["credentialsId"]), (&json!("ACCESS_TOKEN"), &json!("F1-TOKEN")));
    assert_eq!(credentials(&world, "F-2").await["credentialsId"].as_str().unwrap().len(), 20);

    let columns = [NAME, LABEL, server("server"), TOKEN];
    assert_eq!(import(&world, "h\nF-1,Second,t,\n", &columns).await, clean(0, 1));
    let second = device(&world, "F-1").await;
    assert_eq!(
        (&second["label"], &second["type"], &second["version"]),
        (&json!("Second"), &json!("sensor"), &json!(2))
    );
    assert_eq!(second["additionalInfo"], first["additionalInfo"]);
    assert_eq!(server_attributes(&world, "F-1").await["server"], "t");
    assert_eq!(credentials(&world, "F-1").await, token, "without a token in the file it stays");

    // Without `update` nothing of it changes.
    let (_, result) = post(&world, &world.tenant, body("h\nF-1,Third,u,NEW-TOKEN\n", &columns, false)).await;
    assert_eq!(outcome(&result), clean(0, 1));
    assert_eq!(device(&world, "F-1").await, second);
    assert_eq!(server_attributes(&world, "F-1").await["server"], "t");
    assert_eq!(credentials(&world, "F-1").await, token);

    assert_eq!(import(&world, "h\nF-1,,,NEW-TOKEN\n", &columns).await, clean(0, 1));
    let changed = credentials(&world, "F-1").await;
    assert_eq!((&changed["credentialsId"], &changed["id"]), (&json!("NEW-TOKEN"), &token["id"]));

    let mqtt = [NAME, ("MQTT_CLIENT_ID", None), ("MQTT_USER_NAME", None), ("MQTT_PASSWORD", None)];
    assert_eq!(import(&world, "h\nF-m,,someone,p\n", &mqtt).await, clean(1, 0));
    let basic = credentials(&world, "F-m").await;
    assert_eq!((&basic["credentialsType"], &basic["credentialsId"]), (&json!("MQTT_BASIC"), &json!("someone")));
    let pem = "\"-----BEGIN CERTIFICATE-----\nMAcwADAAAwEA\n-----END CERTIFICATE-----\n\"";
    assert_eq!(import(&world, &format!("h\nF-x,{pem}\n"), &[NAME, ("X509", None)]).await, clean(1, 0));
    let certificate = credentials(&world, "F-x").await;
    assert_eq!(certificate["credentialsType"], "X509_CERTIFICATE");
    assert_eq!(certificate["credentialsValue"], "MAcwADAAAwEA");

    values_are_typed(&world).await;
}

async fn values_are_typed(world: &World) {
    let values = [
        ("30000", json!(30_000)),
        ("1.5", json!(1.5)),
        ("\"2,5\"", json!(2.5)),
        ("1e3", json!(1_000)),
        ("0x10", json!("0x10")),
        ("FALSE", json!(false)),
        ("007", json!("007")),
        ("9223372036854775808", json!("9223372036854775808")),
        ("\"[1,2]\"", json!("[1,2]")),
        (" x ", json!(" x ")),
    ];
    const KEYS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let cells: Vec<_> = values.iter().map(|(cell, _)| *cell).collect();
    let columns: Vec<_> = std::iter::once(NAME).chain(KEYS.map(server)).collect();
    assert_eq!(import(world, &format!("h\nV,{}\n", cells.join(",")), &columns).await, clean(1, 0));
    let read = server_attributes(world, "V").await;
    for (key, (_, value)) in KEYS.iter().zip(values) {
        assert_eq!(read[*key], value, "{key}");
    }
}

#[tokio::test]
async fn a_line_that_fails_leaves_the_others_alone() {
    let world = World::start().await;
    let taken = "Device credentials are already assigned to another device!";
    let file =
        "name,type,token\nE-1,default,A1_DEMO_TOKEN\n\nE-2,default,\n<b>x</b>,default,\n\"E-3\",\"a\nb\",\nE-4,,\n";
    let (created, updated, errors) = import(&world, file, &[NAME, TYPE, TOKEN]).await;
    assert_eq!((created, updated), (2, 0));
    let expected = [
        format!("Line 2: {taken}"),
        "Line 5: Validation error: name is malformed".to_owned(),
        "Line 6: Validation error: type must not contain control characters".to_owned(),
    ];
    assert_eq!(errors, expected);

    let twice = import(&world, "h\nE-t,one\nE-t,two\n", &[NAME, LABEL]).await;
    let second = vec!["Line 3: Line 2 has the same name".to_owned()];
    assert_eq!(twice, (1, 0, second.clone()));
    assert_eq!(device(&world, "E-t").await["label"], "one");
    // The same goes for a device that was there, whether it is updated or not.
    let file = "h\nE-t,three\nE-t,four\n";
    let (_, result) = post(&world, &world.tenant, body(file, &[NAME, LABEL], false)).await;
    assert_eq!(outcome(&result), (0, 1, second.clone()));
    assert_eq!(import(&world, file, &[NAME, LABEL]).await, (0, 1, second));
    let updated = device(&world, "E-t").await;
    assert_eq!((&updated["label"], &updated["version"]), (&json!("three"), &json!(2)));

    // A line without a name touches no device.
    let count = world.attributes(device(&world, "Demo-1").await["id"]["id"].as_str().unwrap()).await.len();
    let nameless = "Line 2: Device name should be specified!".to_owned();
    for (file, columns) in [("name,label\n,Changed\n", &[NAME, LABEL][..]), ("label\nChanged\n", &[LABEL])] {
        assert_eq!(import(&world, file, columns).await, (0, 0, vec![nameless.clone()]));
    }
    assert_eq!(device(&world, "Demo-1").await["label"], Value::Null);
    assert_eq!(world.attributes(device(&world, "Demo-1").await["id"]["id"].as_str().unwrap()).await.len(), count);

    for (file, columns) in [
        ("", &[NAME, TYPE][..]),
        ("h\nE-g,default,extra\n", &[NAME, TYPE]),
        ("h\nE-g,\"abc\n", &[NAME, LABEL]),
        ("h\nE-g,{\"secretKey\":\"k\",\"expirationTime\":1}\n", &[NAME, server("claimingData")]),
        ("h\nE-g,1\n", &[NAME, ("NOTHING", None)]),
    ] {
        let (status, error) = post(&world, &world.tenant, body(file, columns, true)).await;
        assert_eq!((status, &error["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{file:?}");
    }
    let (status, _) = post(&world, &world.tenant, json!({"file": "name\nE-g\n"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let path = "/api/tenant/devices?deviceName=E-g";
    assert_eq!(world.call(Method::GET, path, Some(&world.tenant), None).await.0, StatusCode::NOT_FOUND);
    let (status, _) = post(&world, &world.customer_a, body("h\nE-c\n", &[NAME], true)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    assert_eq!(import(&world, "h\nE-k,1\n", &[NAME, ("SERVER_ATTRIBUTE", None)]).await, clean(1, 0));
    assert!(server_attributes(&world, "E-k").await.is_empty());
    many_at_once(&world).await;
}

/// More than the store takes in one transaction, every tenth of them wrong.
async fn many_at_once(world: &World) {
    const LINES: usize = 3_000;
    let name = |n: usize| if n.is_multiple_of(10) { String::new() } else { format!("M-{n:04}") };
    let lines: Vec<_> = (0..LINES).map(|n| format!("{},new type {}\n", name(n), n % 7)).collect();
    let (created, updated, errors) = import(world, &format!("h\n{}", lines.concat()), &[NAME, TYPE]).await;
    assert_eq!((created, updated), (2_700, 0));
    let expected: Vec<_> =
        (0..LINES).step_by(10).map(|n| format!("Line {}: Device name should be specified!", n + 2)).collect();
    assert_eq!(errors, expected);
    assert_eq!(device(world, "M-2999").await["type"], "new type 3");
}

/// What fits into a request can have millions of lines.
#[tokio::test]
async fn a_file_of_too_many_lines_is_refused_as_a_whole() {
    let world = World::start().await;
    let file = format!("name\nL-1\n{}", "a\n".repeat(100_000));
    let (status, error) = post(&world, &world.tenant, body(&file, &[NAME], true)).await;
    assert_eq!((status, &error["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{error}");
    let message = "The file has more than 100000 lines of devices; split it into files of so many";
    assert_eq!(error["message"], message);
    let path = "/api/tenant/devices?deviceName=L-1";
    assert_eq!(world.call(Method::GET, path, Some(&world.tenant), None).await.0, StatusCode::NOT_FOUND);
}
