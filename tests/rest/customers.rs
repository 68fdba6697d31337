//! Customers, and how they go (`docs/protocol.md`, customers).

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World, sign_in};

const OK: StatusCode = StatusCode::OK;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";
const NOBODY: &str = "13814000-1dd2-11b2-8080-808080808080";
const PASSWORD: &str = "secret-password";
/// More than are dealt with before the answer.
const MANY: usize = 1_100;

pub(crate) fn id(entity: &Value) -> &str {
    entity["id"]["id"].as_str().unwrap_or_else(|| panic!("{entity}"))
}

pub(crate) fn told(answer: &Answer) -> (u16, i64, &str) {
    let (status, body) = answer;
    (status.as_u16(), body["errorCode"].as_i64().unwrap_or_default(), body["message"].as_str().unwrap_or_default())
}

impl World {
    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(Method::GET, path, Some(token), None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(token), Some(body)).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> Answer {
        self.call(Method::DELETE, path, Some(token), None).await
    }

    /// A new customer; gives its id.
    pub(crate) async fn customer(&self, title: &str) -> String {
        let (status, customer) = self.post(&self.tenant, "/api/customer", json!({"title": title})).await;
        assert_eq!(status, OK, "{customer}");
        id(&customer).to_owned()
    }

    /// A new user who can sign in with [`PASSWORD`]; gives its id.
    pub(crate) async fn user(&self, by: &str, user: Value) -> String {
        let (status, user) = self.post(by, "/api/user?sendActivationMail=false", user).await;
        assert_eq!(status, OK, "{user}");
        let path = format!("{}/api/user/{}/activationLink", self.server.url, id(&user));
        let link = self.client.get(path).header("X-Authorization", format!("Bearer {by}")).send().await.unwrap();
        let link = link.text().await.unwrap();
        let token = link.split_once("activateToken=").unwrap_or_else(|| panic!("{link}")).1;
        let body = json!({"activateToken": token, "password": PASSWORD});
        let (status, pair) = self.call(Method::POST, "/api/noauth/activate", None, Some(body)).await;
        assert_eq!(status, OK, "{pair}");
        id(&user).to_owned()
    }

    pub(crate) async fn token_of(&self, email: &str) -> String {
        sign_in(&self.client, &self.server.url, email, PASSWORD).await
    }

    /// A new user of the customer, signed in.
    async fn customer_user(&self, customer: &str, email: &str) -> (String, String) {
        let user = json!({"email": email, "authority": "CUSTOMER_USER", "customerId": {"id": customer}});
        (self.user(&self.tenant, user).await, self.token_of(email).await)
    }

    /// So many devices of the tenant that belong to the customer from the start; gives their ids.
    pub(crate) async fn devices_of(
        &self,
        tenant: &str,
        customer: Option<&str>,
        prefix: &str,
        count: usize,
    ) -> Vec<String> {
        let mut ids = Vec::with_capacity(count);
        let names: Vec<_> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
        for some in names.chunks(100) {
            let added = some.iter().map(|name| {
                let owner = customer.map(|id| json!({"entityType": "CUSTOMER", "id": id}));
                self.post(tenant, "/api/device", json!({"name": name, "customerId": owner}))
            });
            for (status, device) in join_all(added).await {
                assert_eq!(status, OK, "{device}");
                ids.push(id(&device).to_owned());
            }
        }
        ids
    }
}

/// Waits until the check holds, for half a minute.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn a_customer_is_added_saved_and_read() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let full = json!({
        "title": "Stadtwerke", "country": "Germany", "state": "BY", "city": "München", "address": "a", "address2": "b",
        "zip": "80331", "phone": "+49 1", "email": "c@example.com", "additionalInfo": {"description": "d"}
    });
    let (status, added) = world.post(&tenant, "/api/customer", full.clone()).await;
    assert_eq!(status, OK, "{added}");
    for (member, value) in full.as_object().unwrap() {
        assert_eq!(&added[member], value, "{member}");
    }
    assert_eq!((&added["version"], &added["name"], &added["externalId"]), (&json!(1), &added["title"], &Value::Null));
    assert_eq!((&added["ownerId"], &added["customerId"]["id"]), (&added["tenantId"], &json!(NOBODY)));
    let path = format!("/api/customer/{}", id(&added));
    assert_eq!(world.get(&tenant, &path).await, (OK, added.clone()));
    let short = world.get(&tenant, &format!("{path}/shortInfo")).await;
    assert_eq!(short, (OK, json!({"title": "Stadtwerke", "isPublic": false})));
    let title = world.client.get(format!("{}{path}/title", world.server.url));
    let title = title.header("X-Authorization", format!("Bearer {tenant}")).header("Accept", "application/json");
    let title = title.send().await.unwrap();
    assert!(title.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(title.text().await.unwrap(), "Stadtwerke");
    assert_eq!(world.get(&tenant, "/api/tenant/customers?customerTitle=Stadtwerke").await, (OK, added.clone()));
    let unknown = world.get(&tenant, "/api/tenant/customers?customerTitle=x").await;
    assert_eq!(told(&unknown), (404, 32, "Customer with title [x] is not found"));

    let with = |changes: Value| {
        let mut customer = added.clone();
        customer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        customer
    };
    let (_, saved) = world.post(&tenant, "/api/customer", with(json!({"title": "Neu", "phone": null}))).await;
    assert_eq!((&saved["version"], &saved["name"], &saved["phone"]), (&json!(2), &json!("Neu"), &Value::Null));
    let stale = world.post(&tenant, "/api/customer", with(json!({"title": "Alt"}))).await;
    assert_eq!(told(&stale), (409, 35, "Customer was already changed by someone else"));
    let (_, again) = world.post(&tenant, "/api/customer", with(json!({"title": "Neu", "version": null}))).await;
    assert_eq!(again["version"], json!(3));
    let unknown = json!({"id": {"entityType": "CUSTOMER", "id": UNKNOWN}, "title": "y"});
    let unknown = world.post(&tenant, "/api/customer", unknown).await;
    assert_eq!(told(&unknown), (404, 32, format!("Customer with id [{UNKNOWN}] is not found").as_str()));
}

#[tokio::test]
async fn a_customer_that_is_not_public_does_not_say_so() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let customer = json!({"title": "Closed", "additionalInfo": {"isPublic": true, "description": "d"}});
    let (status, saved) = world.post(&tenant, "/api/customer", customer).await;
    let shown = json!({"description": "d"});
    assert_eq!((status, &saved["additionalInfo"]), (OK, &shown));
    let path = format!("/api/customer/{}", id(&saved));
    assert_eq!(world.get(&tenant, &path).await.1["additionalInfo"], shown);
    assert_eq!(world.get(&tenant, &format!("{path}/shortInfo")).await.1["isPublic"], false);
    for list in ["/api/customers", "/api/customerInfos/all"] {
        let page = world.get(&tenant, &format!("{list}?pageSize=1&page=0&textSearch=Closed")).await.1;
        assert_eq!(page["data"][0]["additionalInfo"], shown, "{list}");
    }
    let login = world.call(Method::POST, "/api/auth/login/public", None, Some(json!({"publicId": id(&saved)}))).await;
    assert_eq!(login.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn titles_are_unique_and_lists_are_searched() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let add =
        async |query: &str, customer: Value| world.post(&tenant, &format!("/api/customer{query}"), customer).await;
    let taken = (400, 31, "Customer with such title already exists!");
    assert_eq!(told(&add("", json!({"title": "Customer A"})).await), taken);
    assert_eq!(told(&add("?nameConflictPolicy=FAIL", json!({"title": "Customer A"})).await), taken);
    let counted = "?nameConflictPolicy=UNIQUIFY&uniquifySeparator=-&uniquifyStrategy=INCREMENTAL";
    for expected in ["Customer A-1", "Customer A-2"] {
        assert_eq!(add(counted, json!({"title": "Customer A"})).await.1["title"], json!(expected));
    }
    let random = add("?nameConflictPolicy=UNIQUIFY", json!({"title": "Customer A"})).await.1;
    assert!(random["title"].as_str().unwrap().starts_with("Customer A_"), "{random}");
    assert_eq!(add("", json!({"title": "customer a"})).await.0, OK, "in another case it is another title");
    for (customer, message) in [
        (json!({}), "Customer title should be specified!"),
        (json!({"title": "  "}), "Customer title should be specified!"),
        (json!({"title": "x".repeat(256)}), "Validation error: title length must be equal or less than 255"),
        (json!({"title": "<b>x</b>"}), "Validation error: title is malformed"),
        (json!({"title": "Public"}), "'Public' title for customer is system reserved!"),
        (json!({"title": "E", "email": "rubbish"}), "Invalid email address format 'rubbish'!"),
    ] {
        assert_eq!(told(&add("", customer).await), (400, 31, message));
    }
    assert_eq!(told(&add("?nameConflictPolicy=maybe", json!({"title": "Z"})).await).0, 400);

    let titles = async |query: &str| {
        let (status, page) = world.get(&tenant, &format!("/api/customers?{query}")).await;
        assert_eq!(status, OK, "{page}");
        let rows = page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap().to_owned());
        (rows.collect::<Vec<_>>(), page["totalElements"].as_u64().unwrap())
    };
    let (all, total) = titles("pageSize=100&page=0").await;
    assert_eq!((all.len(), &all[..2], total), (6, &["Customer A".to_owned(), "Customer B".to_owned()][..], 6));
    let found = titles("pageSize=10&page=0&textSearch=OMER+a-&sortProperty=title&sortOrder=desc").await;
    assert_eq!(found, (vec!["Customer A-2".to_owned(), "Customer A-1".to_owned()], 2));
    assert_eq!(titles("pageSize=10&page=0&textSearch=%25").await, (vec![], 0));
    assert_eq!(world.get(&tenant, "/api/customers?pageSize=1&page=0&sortProperty=x").await.0, StatusCode::BAD_REQUEST);
    let (_, infos) = world.get(&tenant, "/api/customerInfos/all?pageSize=1&page=1&includeCustomers=True").await;
    let info = &infos["data"][0];
    let expected = (&json!("Customer B"), &json!("Demo Tenant"), &json!([]));
    assert_eq!((&info["title"], &info["ownerName"], &info["groups"]), expected);
}

#[tokio::test]
async fn a_customers_user_sees_the_own_customer_alone() {
    let world = World::start().await;
    let (a, b) = (world.owner_of(&world.customer_a).await, world.owner_of(&world.customer_b).await);
    let (a, b) = (a.as_str().unwrap(), b.as_str().unwrap());
    let user = world.customer_a.as_str();
    for path in ["", "/shortInfo", "/title"] {
        assert_eq!(world.get(user, &format!("/api/customer/{a}{path}")).await.0, OK);
        assert_eq!(world.get(user, &format!("/api/customer/{b}{path}")).await.0, FORBIDDEN);
        assert_eq!(world.get(user, &format!("/api/customer/{UNKNOWN}{path}")).await.0, NOT_FOUND);
        assert_eq!(world.get(user, &format!("/api/customer/rubbish{path}")).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.delete(user, &format!("/api/customer/{a}")).await.0, FORBIDDEN);
    assert_eq!(world.post(user, "/api/customer", json!({"title": "x"})).await.0, FORBIDDEN);
    for path in [
        "/api/customers?pageSize=1&page=0",
        "/api/customerInfos/all?pageSize=1&page=0",
        "/api/tenant/customers?customerTitle=x",
    ] {
        assert_eq!(world.get(user, path).await.0, FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_deleted_customers_devices_are_the_tenants_and_its_people_are_gone() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let customer = world.customer("Going").await;
    let (user, token) = world.customer_user(&customer, "going@example.org").await;
    let device = world.open_device("Going-1").await;
    assert_eq!(world.register("Going-1", "K", 60_000).await, OK);
    assert_eq!(world.claim_with(&token, "Going-1", "K").await.0, OK);
    assert_eq!(world.attributes(&device).await.get("claimingAllowed"), None);
    let more = world.devices_of(&tenant, Some(&customer), "More", 20).await;

    let path = format!("/api/customer/{customer}");
    assert_eq!(world.delete(&tenant, &path).await, (OK, Value::Null));
    let gone = format!("Customer with id [{customer}] is not found");
    for answer in [world.get(&tenant, &path).await, world.delete(&tenant, &path).await] {
        assert_eq!(told(&answer), (404, 32, gone.as_str()));
    }
    for device in more.iter().chain([&device]) {
        assert_eq!(world.owner(device).await, json!(NOBODY));
    }
    assert_eq!(world.attributes(&device).await.get("claimingAllowed"), None, "the switch is left alone");
    let (_, events) = world.get(&tenant, &format!("/api/audit/devices/{device}/events")).await;
    let last = events.as_array().and_then(|events| events.last()).unwrap();
    assert_eq!((&last["eventType"], &last["data"]["reason"]), (&json!("DeviceUnassigned"), &json!("customer-deleted")));
    assert_eq!(world.get(&tenant, &format!("/api/user/{user}")).await.0, NOT_FOUND);
    assert_eq!(told(&world.get(&token, "/api/auth/user").await), (401, 10, "Invalid username or password"));
    let log_in = json!({"username": "going@example.org", "password": PASSWORD});
    let log_in = world.call(Method::POST, "/api/auth/login", None, Some(log_in)).await;
    assert_eq!(told(&log_in), (401, 10, "Invalid username or password"));
    let late = json!({"name": "Late", "customerId": {"id": customer}});
    assert_eq!(
        told(&world.post(&tenant, "/api/device", late).await),
        (400, 31, "Can't assign device to non-existent customer!")
    );
    // Title and e-mail are free.
    let again = world.customer("Going").await;
    world.customer_user(&again, "going@example.org").await;
}

#[tokio::test]
async fn a_large_customer_is_gone_at_once_and_cleared_away_after_a_restart_too() {
    let world = World::start().await;
    let tenant = world.tenant.clone();
    let customer = world.customer("Large").await;
    let (user, token) = world.customer_user(&customer, "large@example.org").await;
    let devices = world.devices_of(&tenant, Some(&customer), "Large", MANY).await;
    assert_eq!(world.get(&token, &format!("/api/device/{}", devices[0])).await.0, OK);

    assert_eq!(world.delete(&tenant, &format!("/api/customer/{customer}")).await.0, OK);
    assert_eq!(world.get(&tenant, &format!("/api/customer/{customer}")).await.0, NOT_FOUND);
    assert_eq!(world.get(&token, &format!("/api/device/{}", devices[0])).await.0, StatusCode::UNAUTHORIZED);
    let world = world.restart();
    until(async || world.get(&tenant, &format!("/api/user/{user}")).await.0 == NOT_FOUND).await;
    for some in devices.chunks(100) {
        for owner in join_all(some.iter().map(|device| world.owner(device))).await {
            assert_eq!(owner, json!(NOBODY));
        }
    }
}
