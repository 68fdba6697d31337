//! Requests that are generated from the committed OpenAPI document, sent as each authority and as a device: nothing is a
//! 5xx, no status is undocumented, and no answer contradicts its schema. `DEED_SCHEMA_EXAMPLES` says how many requests each operation gets.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod python;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::deed::world::{World, sign_in, token_of};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance";

/// Would end the tester's login; its answers are tested by themselves.
const LEFT_OUT: [&str; 1] = ["/api/auth/logout"];

/// What a device calls.
const DEVICE_API: &str = "^/api/v1/";

/// Who sends the requests.
#[derive(Clone, Copy)]
enum Tester {
    Nobody,
    /// Somebody who signs in with this e-mail and this password.
    Person(&'static str, &'static str),
    /// A device: every path has the token of a real one.
    Device,
}

#[tokio::test]
async fn as_nobody() {
    conforms(Tester::Nobody).await;
}

#[tokio::test]
async fn as_a_device() {
    conforms(Tester::Device).await;
}

#[tokio::test]
async fn as_the_operator() {
    conforms(Tester::Person("sysadmin@thingsboard.org", "sysadmin")).await;
}

#[tokio::test]
async fn as_an_administrator() {
    conforms(Tester::Person("tenant@thingsboard.org", "tenant")).await;
}

#[tokio::test]
async fn as_a_customer() {
    conforms(Tester::Person("customer@thingsboard.org", "customer")).await;
}

#[tokio::test]
async fn as_an_auditor() {
    conforms(Tester::Person("auditor@thingsboard.org", "auditor")).await;
}

async fn conforms(tester: Tester) {
    // What waits is answered soon.
    let world = World::start_with(&[("HTTP_REQUEST_TIMEOUT", "50")]).await;
    let mut known = known(&world).await;
    let mut run = python::program("python", "schemathesis");
    // It keeps what failed in a folder where it runs.
    run.current_dir(world.data.path());
    run.args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")]);
    run.args(["--url", &world.server.url, "--checks", CHECKS]);
    run.args(["--max-examples", &examples(), "--phases", "examples,coverage,fuzzing", "--no-color"]);
    run.args(["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"]);
    match tester {
        Tester::Nobody => {}
        Tester::Person(email, password) => {
            let token = sign_in(&world.client, &world.server.url, email, password).await;
            run.arg("--header").arg(format!("X-Authorization: Bearer {token}"));
            run.args(["--exclude-path-regex", DEVICE_API]);
        }
        Tester::Device => {
            world.open_device("new").await;
            known["token"] = ["free", "owned", "new"].map(token_of).into();
            run.args(["--include-path-regex", DEVICE_API]).env("DEED_ALWAYS_KNOWN", "token");
        }
    }
    for path in LEFT_OUT {
        run.args(["--exclude-path", path]);
    }
    run.env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema/hooks.py"))
        .env("DEED_KNOWN", known.to_string());
    // A request of its own may take long; the runtime must not wait for it on its only thread.
    let printed = tokio::task::spawn_blocking(move || {
        let ended = run.output().unwrap();
        let printed = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "schemathesis ended with {}\n{printed}", ended.status);
        printed.into_owned()
    });
    #[expect(clippy::print_stdout, reason = "what a longer run found is to be read")]
    {
        println!("{}", printed.await.unwrap());
    }
}

fn examples() -> String {
    #[expect(clippy::disallowed_methods, reason = "how long to try is asked by the environment")]
    std::env::var("DEED_SCHEMA_EXAMPLES").unwrap_or_else(|_| "5".to_owned())
}

/// Ids and names of what is there: a device that nobody owns and that has a key, one of customer A, an API key of a user of
/// customer B, and a tenant of its own.
async fn known(world: &World) -> Value {
    let free = world.open_device("free").await;
    assert_eq!(world.register("free", "free", 600_000).await, StatusCode::OK);
    let owned = world.open_device("owned").await;
    assert_eq!(world.register("owned", "owned", 600_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_a, "owned", "owned").await.0, StatusCode::OK);
    let customers = [world.owner_of(&world.customer_a).await, world.owner_of(&world.customer_b).await];
    let (_, other) = world.call(Method::GET, "/api/auth/user", Some(&world.customer_b), None).await;
    let operator = sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await;
    let (_, tenant) = world.call(Method::POST, "/api/tenant", Some(&operator), Some(json!({"title": "Another"}))).await;
    let key = json!({"description": "of another", "userId": other["id"]});
    let (_, key) = world.call(Method::POST, "/api/apiKey", Some(&world.tenant), Some(key)).await;
    let profile = json!({"name": "a profile"});
    let (_, profile) = world.call(Method::POST, "/api/deviceProfile", Some(&world.tenant), Some(profile)).await;
    let devices = json!([free, owned]);
    json!({
        "deviceId": devices, "entityId": devices, "deviceName": ["free", "owned"],
        "customerId": customers, "userId": [other["id"]["id"]],
        "tenantId": [tenant["id"]["id"]], "apiKeyId": [key["id"]["id"]], "deviceProfileId": [profile["id"]["id"]],
        "entityType": ["DEVICE"], "scope": ["SERVER_SCOPE", "SHARED_SCOPE"],
    })
}
