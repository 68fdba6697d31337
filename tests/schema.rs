//! Requests that are generated from the committed OpenAPI document, sent as each authority and as a device: nothing is a
//! 5xx, no status is undocumented, and no answer contradicts its schema. Some of the requests are about things that exist, so that
//! each operation succeeds at least once for everybody who may use it. `DEED_SCHEMA_EXAMPLES` says how many requests each
//! operation gets at least.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "authorization/callers.rs"]
mod callers;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod python;
#[path = "authorization/table.rs"]
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::{
    callers::{Callers, PASSWORD, Request, activated, made},
    deed::world::sign_in,
    table::{Row, rows},
};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance";

/// What a device calls.
const DEVICE_API: &str = "/api/v1/";

/// Bytes of a body that are too many for this service. A generated one is smaller.
const MOST_BYTES: &str = "65536";

/// How many requests are made of a row of the table.
const COPIES: usize = 3;

/// Callers that may do little. Their requests do not go through all combinations of what can be missing or malformed.
const LITTLE: [&str; 3] = ["nobody", "auditor", "public"];

const LOGOUT: &str = "POST /api/auth/logout";
const CHANGE_PASSWORD: &str = "POST /api/auth/changePassword";

/// Who sends the requests.
#[derive(Clone, Copy)]
enum Tester {
    /// One of [`callers::CALLERS`]; what devices call is left out.
    Caller(&'static str),
    /// A device: every path has the token of a real one.
    Device,
}

#[tokio::test]
async fn as_nobody() {
    conforms(Tester::Caller("nobody")).await;
}

#[tokio::test]
async fn as_a_device() {
    conforms(Tester::Device).await;
}

#[tokio::test]
async fn as_the_operator() {
    conforms(Tester::Caller("operator")).await;
}

#[tokio::test]
async fn as_an_administrator() {
    conforms(Tester::Caller("administrator")).await;
}

#[tokio::test]
async fn as_a_customer() {
    conforms(Tester::Caller("owner")).await;
}

#[tokio::test]
async fn as_an_auditor() {
    conforms(Tester::Caller("auditor")).await;
}

#[tokio::test]
async fn as_the_public() {
    conforms(Tester::Caller("public")).await;
}

async fn conforms(tester: Tester) {
    // What waits is answered soon.
    let environment = [("HTTP_REQUEST_TIMEOUT", "50"), ("HTTP_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION", MOST_BYTES)];
    let callers = Callers::start_on(TempDir::new().unwrap(), &environment, None).await;
    let (caller, is_device) = match tester {
        Tester::Caller(caller) => (caller, false),
        Tester::Device => ("nobody", true),
    };
    let rows = rows();
    let rows = rows.iter().filter(|row| row.path.starts_with(DEVICE_API) == is_device);
    let granted: Vec<_> = rows.clone().filter(|row| row.is_granted(caller)).collect();
    // A device has its token in every path, also where nothing comes that it waits for.
    let known =
        if is_device { rows.filter(|row| !row.path.contains("unknownToken")).collect() } else { granted.clone() };
    let requests = requests(&callers, caller, &known).await;
    let place = callers.world.data.path();
    let [asked, answered] = ["requests.json", "answers.txt"].map(|name| place.join(name));
    fs::write(&asked, serde_json::to_string(&requests).unwrap()).unwrap();
    let mut run = python::program("python", "schemathesis");
    // It keeps what failed in a folder where it runs.
    run.current_dir(place);
    run.args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")]);
    run.args(["--url", &callers.world.server.url, "--checks", CHECKS]);
    // Who may do little is refused the same way again and again.
    let phases = if LITTLE.contains(&caller) && !is_device { "examples,fuzzing" } else { "examples,coverage,fuzzing" };
    run.args(["--max-examples", &examples(), "--phases", phases, "--no-color"]);
    run.args(["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"]);
    run.args([if is_device { "--include-path-regex" } else { "--exclude-path-regex" }, &format!("^{DEVICE_API}")]);
    run.env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema/hooks.py"))
        .env("DEED_REQUESTS", &asked)
        .env("DEED_ANSWERS", &answered)
        .env("DEED_MAX_BODY", MOST_BYTES)
        .env("DEED_PATH_ALWAYS_KNOWN", is_device.to_string());
    if let Some(token) = callers.token_of(caller) {
        run.env("DEED_TOKEN", token);
    }
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
    let answers = fs::read_to_string(answered).unwrap();
    let answers: BTreeSet<_> = answers.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let succeeded: BTreeSet<_> =
        answers.iter().filter(|(status, _)| status.starts_with(['2', '3'])).map(|(_, operation)| *operation).collect();
    let mut expected: BTreeSet<_> = granted.iter().map(|row| row.route()).collect();
    expected.extend(requests.get_key_value(CHANGE_PASSWORD).map(|(operation, _)| operation.clone()));
    let never: Vec<_> = expected.iter().filter(|operation| !succeeded.contains(operation.as_str())).collect();
    assert!(never.is_empty(), "{caller} may do it, and it never succeeded: {never:#?}");
    let is_too_large = answers.iter().any(|(status, _)| *status == "413");
    assert!(is_too_large, "no body was too large");
}

fn examples() -> String {
    #[expect(clippy::disallowed_methods, reason = "how long to try is asked by the environment")]
    std::env::var("DEED_SCHEMA_EXAMPLES").unwrap_or_else(|_| "5".to_owned())
}

/// Requests about things that exist, by the operation.
async fn requests(callers: &Callers, caller: &str, rows: &[&Row]) -> BTreeMap<String, Vec<Value>> {
    let mut requests: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        for _ in 0..COPIES {
            let Request { path, body, .. } = callers.request(row).await;
            requests.entry(row.route()).or_default().push(json!({"path": path, "body": body}));
        }
    }
    if let Some(own) = requests.get_mut(LOGOUT) {
        for request in own {
            request["token"] = login(callers, caller).await.into();
        }
    }
    if let Some(user) = somebody_like(callers, caller).await {
        // A login ends with the password; what comes after it is a wrong one.
        let body = json!({"currentPassword": PASSWORD, "newPassword": "another-password"}).to_string();
        let request = json!({"path": "/api/auth/changePassword", "body": body, "token": user});
        requests.insert(CHANGE_PASSWORD.to_owned(), vec![request]);
    }
    requests
}

/// A login of the tester that may end.
async fn login(callers: &Callers, caller: &str) -> String {
    let (email, password) = match caller {
        "operator" => ("sysadmin@thingsboard.org", "sysadmin"),
        "administrator" => ("tenant@thingsboard.org", "tenant"),
        "owner" => ("customer@thingsboard.org", "customer"),
        "auditor" => ("auditor@thingsboard.org", "auditor"),
        "public" => {
            let body = json!({"publicId": callers.public_customer()});
            let (_, pair) = callers.world.call(Method::POST, "/api/auth/login/public", None, Some(body)).await;
            return pair["token"].as_str().unwrap().to_owned();
        }
        other => panic!("{other} does not sign in"),
    };
    sign_in(&callers.world.client, &callers.world.server.url, email, password).await
}

/// The login of a new user with the tester's authority, and the password [`PASSWORD`].
async fn somebody_like(callers: &Callers, caller: &str) -> Option<String> {
    let (world, email) = (&callers.world, "somebody@example.com");
    let user = match caller {
        "operator" => json!({"email": email, "authority": "SYS_ADMIN"}),
        "administrator" => json!({"email": email, "authority": "TENANT_ADMIN"}),
        "owner" => {
            let customer = world.owner_of(&world.customer_a).await;
            json!({"email": email, "authority": "CUSTOMER_USER", "customerId": {"id": customer}})
        }
        "auditor" => {
            let auditor = json!({"email": email, "password": PASSWORD});
            made(world, &world.tenant, "/api/audit/auditors", auditor).await;
            return Some(sign_in(&world.client, &world.server.url, email, PASSWORD).await);
        }
        _ => return None,
    };
    let by = if caller == "operator" { callers.token_of("operator").unwrap() } else { &world.tenant };
    Some(activated(world, by, user).await)
}
