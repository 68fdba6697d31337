//! Public devices, and what a token of the public customer reads (`docs/protocol.md`, public customer).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    customers::{id, told},
    deed::world::World,
};

const OK: StatusCode = StatusCode::OK;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";

impl World {
    /// Makes the device public; gives it as it is then.
    async fn make_public(&self, device: &str) -> Value {
        let path = format!("/api/customer/public/device/{device}");
        let (status, device) = self.post(&self.tenant, &path, Value::Null).await;
        assert_eq!(status, OK, "{device}");
        device
    }

    async fn public_token(&self, customer: &str) -> String {
        let body = json!({"publicId": customer});
        let (status, pair) = self.call(Method::POST, "/api/auth/login/public", None, Some(body)).await;
        assert_eq!(status, OK, "{pair}");
        pair["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_device_is_made_public_and_goes_back() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let path = format!("/api/customer/public/device/{UNKNOWN}");
    let unknown = world.post(&tenant, &path, Value::Null).await;
    assert_eq!(told(&unknown), (404, 32, format!("Device with id [{UNKNOWN}] is not found").as_str()));
    let none = world.get(&tenant, "/api/tenant/customers?customerTitle=Public").await;
    assert_eq!(none.0, StatusCode::NOT_FOUND, "for a device that is not there no customer is made");

    let device = world.open_device("P-1").await;
    assert_eq!(world.register("P-1", "k", 60_000).await, OK);
    let made = world.make_public(&device).await;
    assert_eq!((id(&made), &made["version"]), (device.as_str(), &json!(2)));
    let public = made["customerId"]["id"].as_str().unwrap();
    let (_, info) = world.get(&tenant, &format!("/api/device/info/{device}")).await;
    assert_eq!((&info["customerTitle"], &info["customerIsPublic"]), (&json!("Public"), &json!(true)));
    let (_, customer) = world.get(&tenant, &format!("/api/customer/{public}")).await;
    assert_eq!((&customer["title"], &customer["additionalInfo"]), (&json!("Public"), &json!({"isPublic": true})));
    assert_eq!(world.make_public(&device).await, made, "again nothing happens");

    // It is owned, and its keys have ended.
    assert_eq!(world.register("P-1", "k2", 60_000).await, StatusCode::CONFLICT);
    assert_eq!(world.claim_with(&world.customer_a, "P-1", "k").await.1, "CLAIMED");
    let second = world.device("P-2").await;
    assert_eq!(world.make_public(&second).await["customerId"], made["customerId"], "a tenant has one");

    let (_, back) = world.delete(&tenant, &format!("/api/customer/device/{device}")).await;
    assert_eq!(
        (&back["customerId"]["id"], &back["version"]),
        (&json!("13814000-1dd2-11b2-8080-808080808080"), &json!(3))
    );
    for user in [&world.customer_a, &world.public_token(public).await] {
        let path = format!("/api/customer/public/device/{device}");
        assert_eq!(world.post(user, &path, Value::Null).await.0, FORBIDDEN);
    }
}

#[tokio::test]
async fn a_public_token_reads_public_devices_and_nothing_else() {
    let world = World::start().await;
    let (shared, own) = (world.device("Shared").await, world.device("Own").await);
    assert_eq!(world.write(&world.tenant, &shared, json!({"note": "n"})).await, OK);
    let public = world.make_public(&shared).await["customerId"]["id"].as_str().unwrap().to_owned();
    let token = world.public_token(&public).await;
    let read = async |path: &str| world.get(&token, path).await;

    assert_eq!(id(&read(&format!("/api/device/{shared}")).await.1), shared);
    assert_eq!(read(&format!("/api/device/info/{shared}")).await.1["customerIsPublic"], json!(true));
    let page = "pageSize=10&page=0";
    for path in [
        format!("/api/customer/{public}/devices?{page}"),
        format!("/api/customer/{public}/deviceInfos?{page}"),
        format!("/api/user/devices?{page}"),
        format!("/api/deviceInfos/all?{page}&includeCustomers=true"),
    ] {
        let (status, list) = read(&path).await;
        let found: Vec<_> = list["data"].as_array().unwrap_or_else(|| panic!("{list}")).iter().map(id).collect();
        assert_eq!((status, found), (OK, vec![shared.as_str()]), "{path}");
    }
    let (_, several) = read(&format!("/api/devices?deviceIds={own},{shared}")).await;
    assert_eq!(several.as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [shared.as_str()]);
    let attributes = format!("/api/plugins/telemetry/DEVICE/{shared}");
    let (_, values) = read(&format!("{attributes}/values/attributes/SERVER_SCOPE")).await;
    assert_eq!((&values[0]["key"], &values[0]["value"]), (&json!("note"), &json!("n")));
    assert_eq!(read(&format!("{attributes}/keys/attributes")).await, (OK, json!(["note"])));

    let (_, me) = world.get(&world.tenant, "/api/auth/user").await;
    let customer_a = world.owner_of(&world.customer_a).await.as_str().unwrap().to_owned();
    for path in [
        format!("/api/device/{own}"),
        format!("/api/device/{shared}/credentials"),
        format!("/api/devices/{shared}/claim-keys"),
        format!("/api/customer/{customer_a}/devices?{page}"),
        format!("/api/tenant/devices?{page}"),
        format!("/api/plugins/telemetry/DEVICE/{own}/values/attributes"),
        format!("/api/plugins/telemetry/CUSTOMER/{public}/values/attributes"),
        format!("/api/plugins/telemetry/TENANT/{}/values/attributes", me["tenantId"]["id"].as_str().unwrap()),
        "/api/plugins/telemetry/USER/13814000-1dd2-11b2-8080-808080808080/values/attributes".to_owned(),
        "/api/device/types".to_owned(),
        "/api/deviceProfileInfo/default".to_owned(),
        format!("/api/apiKeys/13814000-1dd2-11b2-8080-808080808080?{page}"),
    ] {
        assert_eq!(read(&path).await.0, FORBIDDEN, "{path}");
    }
    // It has no account.
    let forbidden = (403, 20, "You don't have permission to perform this operation!");
    let passwords = json!({"currentPassword": "public", "newPassword": "a-good-password"});
    for (path, body) in [("/api/auth/changePassword", passwords), ("/api/apiKey", json!({"description": "d"}))] {
        assert_eq!(told(&world.post(&token, path, body).await), forbidden, "{path}");
    }
    assert_eq!(told(&read("/api/auth/user").await), (401, 10, "Invalid username or password"));
    assert_eq!(world.write(&token, &shared, json!({"note": "mine"})).await, FORBIDDEN);
    assert_eq!(world.delete(&token, &format!("{attributes}/SERVER_SCOPE?keys=note")).await.0, FORBIDDEN);
    let renamed = json!({"id": {"entityType": "DEVICE", "id": shared}, "name": "Shared", "label": "mine"});
    assert_eq!(world.post(&token, "/api/device", renamed).await.0, FORBIDDEN);
    assert_eq!(world.attributes(&shared).await["note"], json!("n"));

    // What is public no more, it does not see any more.
    assert_eq!(world.delete(&world.tenant, &format!("/api/customer/device/{shared}")).await.0, OK);
    assert_eq!(read(&format!("/api/device/{shared}")).await.0, FORBIDDEN);
    assert_eq!(world.delete(&world.tenant, &format!("/api/customer/{public}")).await.0, OK);
    assert_eq!(read(&format!("/api/device/{shared}")).await.0, StatusCode::UNAUTHORIZED);
    let again = world.make_public(&shared).await;
    assert_ne!(again["customerId"]["id"], json!(public), "a new one is made");
}

#[tokio::test]
async fn the_public_customer_has_no_users_and_claims_nothing() {
    let world = World::start().await;
    let shared = world.device("Shared").await;
    let public = world.make_public(&shared).await["customerId"].clone();
    let user = json!({"email": "somebody@example.com", "authority": "CUSTOMER_USER", "customerId": public});
    let refused = world.post(&world.tenant, "/api/user?sendActivationMail=false", user).await;
    assert_eq!(told(&refused), (400, 31, "User can't be assigned to the public customer!"));
    let (_, me) = world.get(&world.customer_a, "/api/auth/user").await;
    let mut moved = me.clone();
    moved["customerId"] = public.clone();
    let refused = world.post(&world.tenant, "/api/user", moved).await;
    assert_eq!(told(&refused), (400, 31, "Can't update user customer id!"));
    let public = public["id"].as_str().unwrap();
    let (_, users) = world.get(&world.tenant, &format!("/api/customer/{public}/users?pageSize=10&page=0")).await;
    assert_eq!(users["totalElements"], 0);

    let free = world.open_device("Free").await;
    assert_eq!(world.register("Free", "k", 60_000).await, OK);
    let token = world.public_token(public).await;
    let answers = [world.claim_with(&token, "Free", "k").await, world.claim_with(&token, "No such", "k").await];
    assert_eq!(answers[0].0, FORBIDDEN);
    assert_eq!(told(&answers[0]), told(&answers[1]), "it does not learn which devices there are");
    let (_, events) = world.get(&world.tenant, &format!("/api/audit/devices/{free}/events")).await;
    let last = &events.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["eventType"], &last["data"]["reason"]),
        (&json!("ClaimRefused"), &json!("not-allowed")),
        "{last}"
    );
    assert_eq!(last["data"]["customerId"], json!(public));
    assert_eq!(world.owner(&free).await, "13814000-1dd2-11b2-8080-808080808080");
    assert_eq!(world.claim_with(&world.customer_a, "Free", "k").await.0, OK, "and it took nothing from others");
}
