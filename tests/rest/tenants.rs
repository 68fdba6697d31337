//! Tenants, and how they go (`docs/protocol.md`, tenants).

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::customers::{id, told, until};
use crate::deed::{
    deed, run,
    world::{World, sign_in},
};

const OK: StatusCode = StatusCode::OK;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";

pub(crate) async fn operator(world: &World) -> String {
    sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await
}

/// A new tenant with an administrator, who is signed in.
pub(crate) async fn tenant(world: &World, operator: &str, title: &str) -> (String, String) {
    let (status, tenant) = world.post(operator, "/api/tenant", json!({"title": title})).await;
    assert_eq!(status, OK, "{tenant}");
    let email = format!("{title}@example.org");
    let admin = json!({"email": email, "authority": "TENANT_ADMIN", "tenantId": tenant["id"]});
    world.user(operator, admin).await;
    (id(&tenant).to_owned(), world.token_of(&email).await)
}

#[tokio::test]
async fn an_operator_keeps_tenants_and_their_administrators_see_their_own() {
    let world = World::start().await;
    let operator = operator(&world).await;
    let (_, profile) = world.get(&operator, "/api/tenantProfileInfo/default").await;
    assert_eq!(profile["name"], json!("Default"));
    let full = json!({
        "title": "Maker", "region": "Global", "country": "Germany", "city": "Ulm", "email": "m@example.org",
        "tenantProfileId": profile["id"], "additionalInfo": {"description": "d"}
    });
    let (status, added) = world.post(&operator, "/api/tenant", full.clone()).await;
    assert_eq!(status, OK, "{added}");
    for (member, value) in full.as_object().unwrap() {
        assert_eq!(&added[member], value, "{member}");
    }
    let path = format!("/api/tenant/{}", id(&added));
    assert_eq!(world.get(&operator, &path).await, (OK, added.clone()));
    let (_, info) = world.get(&operator, &format!("/api/tenant/info/{}", id(&added))).await;
    assert_eq!((&info["title"], &info["tenantProfileName"]), (&json!("Maker"), &json!("Default")));
    let mut renamed = added.clone();
    renamed["title"] = json!("Makers");
    let (_, saved) = world.post(&operator, "/api/tenant", renamed.clone()).await;
    assert_eq!((&saved["version"], &saved["name"]), (&json!(2), &json!("Makers")));
    let stale = world.post(&operator, "/api/tenant", renamed).await;
    assert_eq!(told(&stale), (409, 35, "Tenant was already changed by someone else"));
    for (tenant, message) in [
        (json!({}), "Tenant title should be specified!"),
        (json!({"title": "x", "email": "x"}), "Invalid email address format 'x'!"),
        (
            json!({"title": "x", "tenantProfileId": {"id": UNKNOWN}}),
            "Tenant is referencing to non-existent tenant profile!",
        ),
    ] {
        assert_eq!(told(&world.post(&operator, "/api/tenant", tenant).await), (400, 31, message));
    }
    let (_, page) = world.get(&operator, "/api/tenants?pageSize=10&page=0&textSearch=MAKER").await;
    assert_eq!((&page["totalElements"], &page["data"][0]), (&json!(1), &saved));
    let unknown = world.get(&operator, &format!("/api/tenant/{UNKNOWN}")).await;
    assert_eq!(told(&unknown), (404, 32, format!("Tenant with id [{UNKNOWN}] is not found").as_str()));

    let (_, me) = world.get(&world.tenant, "/api/auth/user").await;
    let own = me["tenantId"]["id"].as_str().unwrap();
    assert_eq!(world.get(&world.tenant, &format!("/api/tenant/{own}")).await.1["title"], json!("Demo Tenant"));
    assert_eq!(world.get(&world.tenant, &path).await.0, FORBIDDEN);
    for token in [&world.tenant, &world.customer_a] {
        assert_eq!(world.post(token, "/api/tenant", json!({"title": "x"})).await.0, FORBIDDEN);
        assert_eq!(world.delete(token, &path).await.0, FORBIDDEN);
        assert_eq!(world.get(token, "/api/tenants?pageSize=1&page=0").await.0, FORBIDDEN);
        assert_eq!(world.get(token, "/api/tenantProfileInfo/default").await.0, FORBIDDEN);
    }
    assert_eq!(world.get(&world.customer_a, &format!("/api/tenant/{own}")).await.0, FORBIDDEN);
    assert_eq!(world.get(&operator, "/api/customers?pageSize=1&page=0").await.0, FORBIDDEN);
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let world = World::start().await;
    let operator = operator(&world).await;
    let (_, other) = tenant(&world, &operator, "other").await;
    let customer = world.customer("Mine").await;
    let path = format!("/api/customer/{customer}");
    for answer in [
        world.get(&other, &path).await,
        world.get(&other, &format!("{path}/title")).await,
        world.delete(&other, &path).await,
        world.post(&other, "/api/customer", json!({"id": {"id": customer}, "title": "x"})).await,
    ] {
        assert_eq!(told(&answer).0, 403);
    }
    let late = json!({"name": "D", "customerId": {"id": customer}});
    let assigned = world.post(&other, "/api/device", late).await;
    assert_eq!(told(&assigned), (400, 31, "Can't assign device to customer from different tenant!"));
    let (_, page) = world.get(&other, "/api/customers?pageSize=10&page=0").await;
    assert_eq!(page["totalElements"], json!(0));
    // The same title in another tenant, and a device of the profile that every tenant starts with.
    assert_eq!(world.post(&other, "/api/customer", json!({"title": "Mine"})).await.0, OK);
    assert_eq!(world.post(&other, "/api/device", json!({"name": "D"})).await.1["type"], json!("default"));
}

#[tokio::test]
async fn a_deleted_tenant_is_gone_with_everything_but_its_history() {
    let world = World::start().await;
    let operator = operator(&world).await;
    let (small, small_admin) = tenant(&world, &operator, "small").await;
    let (large, large_admin) = tenant(&world, &operator, "large").await;
    let (_, customer) = world.post(&small_admin, "/api/customer", json!({"title": "C"})).await;
    let path = "/api/device?accessToken=TOKEN_OF_SMALL";
    let (_, device) = world.post(&small_admin, path, json!({"name": "D", "customerId": customer["id"]})).await;
    assert_eq!(device["customerId"], customer["id"], "{device}");
    world.devices_of(&large_admin, None, "Large", 1_100).await;

    assert_eq!(world.delete(&operator, &format!("/api/tenant/{small}")).await, (OK, Value::Null));
    for answer in [
        world.get(&operator, &format!("/api/tenant/{small}")).await,
        world.delete(&operator, &format!("/api/tenant/{small}")).await,
    ] {
        assert_eq!(answer.0, NOT_FOUND);
    }
    assert_eq!(told(&world.get(&small_admin, "/api/auth/user").await), (401, 10, "Invalid username or password"));
    // Name and token are free.
    let (status, mine) = world.post(&world.tenant, path, json!({"name": "D"})).await;
    assert_eq!(status, OK, "{mine}");

    assert_eq!(world.delete(&operator, &format!("/api/tenant/{large}")).await.0, OK);
    assert_eq!(world.get(&operator, &format!("/api/tenant/{large}")).await.0, NOT_FOUND);
    assert_eq!(world.get(&large_admin, "/api/auth/user").await.0, StatusCode::UNAUTHORIZED);
    let world = world.restart();
    // The last step frees the e-mail of its administrator: nothing is left then.
    let auditor = json!({"email": "large@example.org", "password": "secret-password"});
    until(async || world.post(&world.tenant, "/api/audit/auditors", auditor.clone()).await.0 == StatusCode::CREATED)
        .await;
    let (status, printed, complaint) = run(deed(world.data.path()).arg("check"));
    assert_eq!(status, 0, "{printed}{complaint}");
}
