//! Devices: lists, owners, names, and what a customer may save.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World};

const NOBODY: &str = "13814000-1dd2-11b2-8080-808080808080";
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn get(world: &World, user: &str, path: &str) -> Answer {
    world.call(Method::GET, path, Some(user), None).await
}

async fn post(world: &World, user: &str, path: &str, body: Option<Value>) -> Answer {
    world.call(Method::POST, path, Some(user), body).await
}

async fn save(world: &World, user: &str, body: Value) -> Answer {
    post(world, user, "/api/device", Some(body)).await
}

fn id_of(device: &Value) -> &str {
    device["id"]["id"].as_str().unwrap()
}

/// The names on a page, and its totals.
async fn names(world: &World, user: &str, path: &str) -> (Vec<String>, Value) {
    let (status, mut page) = get(world, user, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {page}");
    let data = page.as_object_mut().unwrap().remove("data").unwrap();
    let names = data.as_array().unwrap().iter().map(|device| device["name"].as_str().unwrap().to_owned());
    (names.collect(), page)
}

async fn refused(world: &World, user: &str, path: &str) -> (u16, i64, String) {
    let (status, body) = get(world, user, path).await;
    (status.as_u16(), body["errorCode"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_list_is_read_page_by_page_in_its_order() {
    let world = World::start().await;
    for (number, label) in [(2, "L-b"), (3, "L-a"), (1, "L-c")] {
        let device = json!({"name": format!("P-Äx-{number}"), "type": "default", "label": label});
        assert_eq!(save(&world, &world.tenant, device).await.0, StatusCode::OK);
    }
    let tenant = async |query: &str| {
        let path = format!("/api/tenant/devices?textSearch=P-%C3%84x&{query}");
        let (names, page) = names(&world, &world.tenant, &path).await;
        (names.iter().map(|name| name.replace("P-Äx-", "")).collect::<String>(), page)
    };
    let page = |pages, elements, next| json!({"totalPages": pages, "totalElements": elements, "hasNext": next});
    for (query, order) in [
        ("sortProperty=name&sortOrder=ASC", "123"),
        ("sortProperty=name&sortOrder=desc", "321"),
        ("sortProperty=name", "123"),
        ("sortOrder=DESC", "231"),
        ("sortProperty=label&sortOrder=ASC", "321"),
        ("sortProperty=createdTime&sortOrder=ASC", "231"),
        ("sortProperty=createdTime&sortOrder=DESC", "132"),
    ] {
        assert_eq!(
            tenant(&format!("pageSize=10&page=0&{query}")).await,
            (order.to_owned(), page(1, 3, false)),
            "{query}"
        );
    }
    for (query, found, totals) in [
        ("pageSize=2&page=0&sortProperty=name", "12", page(2, 3, true)),
        ("pageSize=2&page=1&sortProperty=name", "3", page(2, 3, false)),
        ("pageSize=2&page=9", "", page(2, 3, false)),
        ("pageSize=100000&page=0", "231", page(1, 3, false)),
        ("pageSize=10&page=0&type=nothing", "", page(0, 0, false)),
        ("pageSize=10&page=0&active=true", "", page(0, 0, false)),
        ("deviceName=P-%C3%84x-1&pageSize=1&page=0", "2", page(3, 3, true)),
    ] {
        assert_eq!(tenant(query).await, (found.to_owned(), totals), "{query}");
    }
    for (text, found) in [("p-%C3%A4X", 3), ("x-2", 1), ("l-B", 1), ("P-%C3%84x%25", 0), ("P_", 0), ("-3", 1)] {
        let path = format!("/api/tenant/devices?pageSize=10&page=0&textSearch={text}");
        let (_, totals) = names(&world, &world.tenant, &path).await;
        let others = if text == "-3" { 1 } else { 0 };
        assert_eq!(totals["totalElements"], json!(found + others), "{text}");
    }
    for (query, message) in [
        ("pageSize=0&page=0", "Incorrect page link page size '0'. Page size must be greater than zero."),
        ("pageSize=1&page=-1", "Incorrect page link page '-1'. Page must be positive integer."),
        (
            "pageSize=1&page=0&sortProperty=name&sortOrder=UP",
            "Unsupported sort order 'UP'! Only 'ASC' or 'DESC' types are allowed.",
        ),
        ("pageSize=1&page=0&sortProperty=rubbish", "Query parameter 'sortProperty' cannot be 'rubbish'"),
        ("pageSize=1", "Query parameter 'page' is missing"),
        ("page=0", "Query parameter 'pageSize' is missing"),
        ("", "Query parameter 'pageSize' is missing"),
    ] {
        let path = format!("/api/tenant/devices?{query}");
        assert_eq!(refused(&world, &world.tenant, &path).await, (400, 31, message.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn each_list_shows_what_its_caller_may_see() {
    let world = World::start().await;
    let (d1, _d2) = (world.device("List-1").await, world.device("List-2").await);
    let customer_a = world.owner_of(&world.customer_a).await.as_str().unwrap().to_owned();
    let customer_b = world.owner_of(&world.customer_b).await.as_str().unwrap().to_owned();
    let typed = json!({"name": "Other", "type": "List of types"});
    assert_eq!(save(&world, &world.tenant, typed).await.0, StatusCode::OK);
    let (status, assigned) =
        post(&world, &world.tenant, &format!("/api/customer/{customer_a}/device/{d1}"), None).await;
    assert_eq!((status, &assigned["version"]), (StatusCode::OK, &json!(2)), "{assigned}");

    let page = "pageSize=10&page=0&sortProperty=name&textSearch=list-";
    let of_a = format!("/api/customer/{customer_a}/devices?{page}");
    for (user, path, found) in [
        (&world.tenant, format!("/api/tenant/devices?{page}"), &["List-1", "List-2"][..]),
        (&world.tenant, format!("/api/tenant/deviceInfos?{page}"), &["List-1", "List-2"]),
        (&world.tenant, format!("/api/user/devices?{page}"), &["List-1", "List-2"]),
        (&world.tenant, format!("/api/deviceInfos/all?{page}&includeCustomers=True"), &["List-1", "List-2"]),
        (&world.tenant, format!("/api/deviceInfos/all?{page}"), &["List-2"]),
        (&world.tenant, of_a.clone(), &["List-1"]),
        (&world.customer_a, of_a.clone(), &["List-1"]),
        (&world.customer_a, format!("/api/customer/{customer_a}/deviceInfos?{page}"), &["List-1"]),
        (&world.customer_a, format!("/api/user/devices?{page}"), &["List-1"]),
        (&world.customer_a, format!("/api/deviceInfos/all?{page}"), &["List-1"]),
        (&world.customer_b, format!("/api/user/devices?{page}"), &[]),
    ] {
        assert_eq!(names(&world, user, &path).await.0, found, "{path}");
    }
    for path in ["devices", "deviceInfos"] {
        let of = |customer: &str| format!("/api/customer/{customer}/{path}?{page}");
        assert_eq!(refused(&world, &world.customer_a, &of(&customer_b)).await.0, 403);
        assert_eq!(refused(&world, &world.customer_a, &of(UNKNOWN)).await.0, 403);
        let (status, code, message) = refused(&world, &world.tenant, &of(UNKNOWN)).await;
        assert_eq!((status, code, message), (404, 32, format!("Customer with id [{UNKNOWN}] is not found")));
        assert_eq!(refused(&world, &world.tenant, &of("rubbish")).await.0, 400);
        assert_eq!(refused(&world, &world.customer_a, &format!("/api/tenant/{path}?{page}")).await.0, 403);
    }

    let infos = format!("/api/tenant/deviceInfos?{page}&sortProperty=customerTitle&sortOrder=DESC");
    let (_, infos) = get(&world, &world.tenant, &infos.replacen("sortProperty=name&", "", 1)).await;
    let [first, second] = &infos["data"].as_array().unwrap()[..] else { panic!("{infos}") };
    assert_eq!((&first["name"], &first["customerId"]["id"]), (&json!("List-1"), &json!(customer_a)));
    assert_eq!(first["ownerId"], first["customerId"]);
    assert_eq!((&first["customerTitle"], &first["ownerName"]), (&json!("Customer A"), &json!("Customer A")));
    let plain =
        json!({"customerTitle": null, "customerIsPublic": false, "deviceProfileName": "default", "active": false});
    for (member, value) in plain.as_object().unwrap() {
        assert_eq!(&second[member], value, "{member}");
    }
    for (text, in_devices, in_infos) in [("LIST%20OF%20TYPES", 0, 1), ("customer%20a", 0, 1), ("ist-2", 1, 1)] {
        let total = async |list: &str| {
            let path = format!("/api/tenant/{list}?pageSize=10&page=0&textSearch={text}");
            names(&world, &world.tenant, &path).await.1["totalElements"].clone()
        };
        assert_eq!(
            (total("devices").await, total("deviceInfos").await),
            (json!(in_devices), json!(in_infos)),
            "{text}"
        );
    }
    let profile = &first["deviceProfileId"]["id"].as_str().unwrap();
    let by_profile = format!("/api/tenant/deviceInfos?{page}&deviceProfileId=");
    assert_eq!(names(&world, &world.tenant, &format!("{by_profile}{profile}")).await.0.len(), 2);
    assert_eq!(names(&world, &world.tenant, &format!("{by_profile}{UNKNOWN}")).await.0.len(), 0);

    let several = format!("/api/devices?deviceIds={},{d1},{UNKNOWN},{d1}", id_of(second));
    let ids = |devices: &Value| devices.as_array().unwrap().iter().map(|d| id_of(d).to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&get(&world, &world.tenant, &several).await.1), [id_of(second), d1.as_str()]);
    assert_eq!(ids(&get(&world, &world.customer_a, &several).await.1), [d1.as_str()]);
    assert_eq!(refused(&world, &world.tenant, "/api/devices").await.0, 400);
    assert_eq!(refused(&world, &world.tenant, "/api/devices?deviceIds=rubbish").await.0, 400);

    let (_, types) = get(&world, &world.customer_b, "/api/device/types").await;
    let words: Vec<&str> = types.as_array().unwrap().iter().map(|found| found["type"].as_str().unwrap()).collect();
    assert_eq!((words, &types[0]["entityType"]), (vec!["List of types", "default"], &json!("DEVICE")));
}

#[tokio::test]
async fn an_administrator_sets_the_owner() {
    let world = World::start().await;
    let id = world.device("D-1").await;
    let customer_a = world.owner_of(&world.customer_a).await.as_str().unwrap().to_owned();
    let customer_b = world.owner_of(&world.customer_b).await.as_str().unwrap().to_owned();
    let (_, tenant) = get(&world, &world.tenant, "/api/auth/user").await;
    let tenant = tenant["tenantId"]["id"].as_str().unwrap().to_owned();
    let assign = |customer: &str, device: &str| format!("/api/customer/{customer}/device/{device}");
    let give = async |user: &str, path: &str| post(&world, user, path, None).await;
    let version = async || get(&world, &world.tenant, &format!("/api/device/{id}")).await.1["version"].clone();

    for (customer, expected) in [(&customer_a, 2), (&customer_a, 2), (&customer_b, 3)] {
        let (status, device) = give(&world.tenant, &assign(customer, &id)).await;
        assert_eq!((status, &device["version"]), (StatusCode::OK, &json!(expected)), "{device}");
        assert_eq!(device["customerId"]["id"], json!(customer));
    }
    let unassign = format!("/api/customer/device/{id}");
    let (status, device) = world.call(Method::DELETE, &unassign, Some(&world.tenant), None).await;
    assert_eq!((status, &device["customerId"]["id"], &device["version"]), (StatusCode::OK, &json!(NOBODY), &json!(4)));
    let (status, again) = world.call(Method::DELETE, &unassign, Some(&world.tenant), None).await;
    assert_eq!((status, &again["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)));
    assert_eq!(again["message"], "Device isn't assigned to any customer!");

    let to_customer = |customer: &str, device: &str| format!("/api/owner/CUSTOMER/{customer}/DEVICE/{device}");
    let to_tenant = |tenant: &str, device: &str| format!("/api/owner/TENANT/{tenant}/DEVICE/{device}");
    assert_eq!(give(&world.tenant, &to_customer(&customer_a, &id)).await, (StatusCode::OK, Value::Null));
    assert_eq!(world.owner(&id).await, json!(customer_a));
    let groups = Some(json!([UNKNOWN]));
    assert_eq!(post(&world, &world.tenant, &to_tenant(&tenant, &id), groups).await, (StatusCode::OK, Value::Null));
    assert_eq!((world.owner(&id).await, version().await), (json!(NOBODY), json!(6)));
    assert_eq!(give(&world.tenant, &to_tenant(&tenant, &id)).await.0, StatusCode::OK, "it has the device already");
    assert_eq!(version().await, json!(6));

    let no_device = format!("Device with id [{UNKNOWN}] is not found");
    let no_customer = format!("Customer with id [{UNKNOWN}] is not found");
    for (path, message) in [
        (assign(UNKNOWN, &id), &no_customer),
        (assign(&customer_a, UNKNOWN), &no_device),
        (to_customer(UNKNOWN, &id), &no_customer),
        (to_customer(&customer_a, UNKNOWN), &no_device),
        (to_tenant(&tenant, UNKNOWN), &no_device),
    ] {
        let (status, body) = give(&world.tenant, &path).await;
        assert_eq!((status, body["message"].as_str()), (StatusCode::NOT_FOUND, Some(message.as_str())), "{path}");
    }
    for path in [assign("rubbish", &id), assign(&customer_a, "rubbish"), to_tenant("rubbish", &id)] {
        assert_eq!(give(&world.tenant, &path).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(give(&world.tenant, &to_tenant(UNKNOWN, &id)).await.0, StatusCode::FORBIDDEN);
    for path in [assign(&customer_a, &id), to_customer(&customer_a, &id), to_tenant(&tenant, &id)] {
        assert_eq!(give(&world.customer_a, &path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let by_customer = world.call(Method::DELETE, &unassign, Some(&world.customer_a), None).await;
    assert_eq!(by_customer.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_key_does_not_outlive_a_change_of_owner() {
    let world = World::start().await;
    let customer_a = world.owner_of(&world.customer_a).await.as_str().unwrap().to_owned();
    let failure = (StatusCode::BAD_REQUEST, json!("FAILURE"));
    for (name, by_owner_route) in [("D-1", false), ("D-2", true)] {
        let id = world.open_device(name).await;
        assert_eq!(world.register(name, "k", 60_000).await, StatusCode::OK);
        let path = if by_owner_route {
            format!("/api/owner/CUSTOMER/{customer_a}/DEVICE/{id}")
        } else {
            format!("/api/customer/{customer_a}/device/{id}")
        };
        assert_eq!(post(&world, &world.tenant, &path, None).await.0, StatusCode::OK);
        assert_eq!(world.attributes(&id).await["claimingAllowed"], json!(true));
        assert_eq!(world.claim_with(&world.customer_b, name, "k").await, (StatusCode::BAD_REQUEST, json!("CLAIMED")));
        let unassign = format!("/api/customer/device/{id}");
        assert_eq!(world.call(Method::DELETE, &unassign, Some(&world.tenant), None).await.0, StatusCode::OK);
        assert_eq!(world.claim_with(&world.customer_b, name, "k").await, failure);
    }
    // Saving a device leaves its key alone, and the key is found under the new name.
    world.open_device("D-3").await;
    world.register("D-3", "k", 60_000).await;
    let (_, device) = get(&world, &world.tenant, "/api/tenant/devices?deviceName=D-3").await;
    let renamed = json!({"id": device["id"], "name": "D-3, renamed", "label": "x"});
    assert_eq!(save(&world, &world.tenant, renamed).await.0, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_b, "D-3", "k").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.claim_with(&world.customer_b, "D-3, renamed", "k").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_taken_name_is_refused_or_made_unique() {
    let world = World::start().await;
    let add = async |query: &str, name: &str| {
        post(&world, &world.tenant, &format!("/api/device?{query}"), Some(json!({"name": name}))).await
    };
    assert_eq!(add("", "D").await.0, StatusCode::OK);
    for query in ["", "nameConflictPolicy=FAIL", "entityGroupId=x&entityGroupIds=a,b"] {
        let (status, body) = add(query, "D").await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)));
        assert_eq!(body["message"], "Device with such name already exists!");
    }
    let numbered = "nameConflictPolicy=UNIQUIFY&uniquifyStrategy=INCREMENTAL";
    for expected in ["D_1", "D_2", "D_3", "D_4", "D_5", "D_6"] {
        let (status, device) = add(numbered, "D").await;
        assert_eq!((status, &device["name"]), (StatusCode::OK, &json!(expected)));
    }
    let (_, device) = add(&format!("{numbered}&uniquifySeparator=-%20"), "D").await;
    assert_eq!(device["name"], "D- 1");
    let (_, random) = add("nameConflictPolicy=UNIQUIFY", "D").await;
    let suffix = random["name"].as_str().unwrap().strip_prefix("D_").unwrap().to_owned();
    assert!(suffix.len() == 6 && suffix.chars().all(|c| c.is_ascii_alphanumeric()), "{suffix}");
    assert_eq!(add("nameConflictPolicy=UNIQUIFY", "not taken").await.1["name"], "not taken");
    for query in ["nameConflictPolicy=rubbish", "uniquifyStrategy=rubbish"] {
        assert_eq!(add(query, "E").await.0, StatusCode::BAD_REQUEST);
    }
    let long = "x".repeat(255);
    assert_eq!(add("", &long).await.0, StatusCode::OK);
    let (status, body) = add(numbered, &long).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["message"], "Validation error: name length must be equal or less than 255");
    // A save, too.
    let renamed = json!({"id": random["id"], "name": "D"});
    let (status, saved) = post(&world, &world.tenant, &format!("/api/device?{numbered}"), Some(renamed)).await;
    assert_eq!((status, &saved["name"], &saved["version"]), (StatusCode::OK, &json!("D_7"), &json!(2)));
}

#[tokio::test]
async fn many_who_ask_at_once_for_the_next_number_all_get_one() {
    let world = World::start().await;
    let added = (0..30).map(|_| {
        let path = "/api/device?nameConflictPolicy=UNIQUIFY&uniquifyStrategy=INCREMENTAL";
        post(&world, &world.tenant, path, Some(json!({"name": "Same"})))
    });
    let mut names = BTreeSet::new();
    for (status, device) in join_all(added).await {
        assert_eq!(status, StatusCode::OK, "{device}");
        names.insert(device["name"].as_str().unwrap().to_owned());
    }
    let expected = (1..30).map(|number| format!("Same_{number}")).chain(["Same".to_owned()]);
    assert_eq!(names, expected.collect());
}

#[tokio::test]
async fn a_customer_saves_label_and_additional_info_of_an_own_device_and_nothing_else() {
    let world = World::start().await;
    let customer_b = world.owner_of(&world.customer_b).await;
    world.open_device("D-1").await;
    world.register("D-1", "k", 60_000).await;
    assert_eq!(world.claim_with(&world.customer_a, "D-1", "k").await.0, StatusCode::OK);
    let (_, device) = get(&world, &world.tenant, "/api/tenant/devices?deviceName=D-1").await;
    let with = |member: &str, value: Value| {
        let mut changed = device.clone();
        changed[member] = value;
        changed
    };
    for (member, value) in [
        ("customerId", json!({"entityType": "CUSTOMER", "id": customer_b})),
        ("customerId", json!({"entityType": "CUSTOMER", "id": NOBODY})),
        ("customerId", Value::Null),
        ("name", json!("D-2")),
        ("deviceProfileId", json!({"entityType": "DEVICE_PROFILE", "id": UNKNOWN})),
        ("additionalInfo", json!({"gateway": true})),
        ("additionalInfo", json!({"lastConnectedGateway": UNKNOWN})),
    ] {
        let (status, body) = save(&world, &world.customer_a, with(member, value)).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::FORBIDDEN, &json!(20)), "{member}");
    }
    // The type names the profile where no id does.
    let mut of_type = with("type", json!("other"));
    of_type.as_object_mut().unwrap().remove("deviceProfileId");
    assert_eq!(save(&world, &world.customer_a, of_type).await.0, StatusCode::FORBIDDEN);
    let path = format!("/api/device/{}", id_of(&device));
    assert_eq!(get(&world, &world.tenant, &path).await.1, device, "nothing has changed");
    let (_, types) = get(&world, &world.tenant, "/api/device/types").await;
    assert!(types.as_array().unwrap().iter().all(|kind| kind["type"] != "other"), "no profile was made: {types}");
    // Beside the profile's id it says nothing, and there is no firmware to give.
    let device = {
        let firmware = json!({"entityType": "OTA_PACKAGE", "id": UNKNOWN});
        let mut unheeded = with("firmwareId", firmware.clone());
        (unheeded["type"], unheeded["softwareId"]) = (json!("other"), firmware);
        let (status, saved) = save(&world, &world.customer_a, unheeded).await;
        let heeded =
            ["type", "firmwareId", "softwareId", "deviceProfileId"].map(|member| saved[member] == device[member]);
        assert_eq!((status, heeded), (StatusCode::OK, [true; 4]), "{saved}");
        saved
    };
    let with = |member: &str, value: Value| {
        let mut changed = device.clone();
        changed[member] = value;
        changed
    };
    let (status, saved) = save(&world, &world.customer_a, with("label", json!("mine"))).await;
    assert_eq!((status, &saved["label"]), (StatusCode::OK, &json!("mine")));
    assert_eq!(saved["version"], json!(device["version"].as_i64().unwrap() + 1));
    let stale = save(&world, &world.customer_a, with("label", json!("stale"))).await;
    assert_eq!((stale.0, &stale.1["errorCode"]), (StatusCode::CONFLICT, &json!(35)));
    let foreign = save(&world, &world.customer_b, with("label", json!("theirs"))).await;
    assert_eq!(foreign.0, StatusCode::FORBIDDEN);
    let new = save(&world, &world.customer_a, json!({"name": "new"})).await;
    assert_eq!(new.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_body_is_announced_as_json() {
    let world = World::start().await;
    let send = async |content_type: Option<&str>, name: &str| {
        let mut request = world.client.post(format!("{}/api/device", world.server.url)).bearer_auth(&world.tenant);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = request.body(json!({"name": name}).to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    for other in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let (status, body) = send(other, "Unannounced").await;
        assert_eq!((status, &body["errorCode"]), (400, &json!(31)), "{other:?}: {body}");
    }
    assert_eq!(send(Some("application/json;charset=UTF-8"), "Unannounced").await.0, 200);
}
