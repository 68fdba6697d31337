//! What ThingsBoard answered, step by step, is what the service answers, or the difference is a decided one
//! (`tests/recordings/README.md`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
mod python;

use std::{path::Path, thread};

use base64::{Engine, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use self::deed::{Server, world::serve};

/// A kind of scenarios: its folder, what its recordings call `security.claim.allowClaimingByDefault`, and what else it is told.
struct Kind {
    folder: &'static str,
    setting: &'static str,
    arguments: &'static [&'static str],
}

const KINDS: [Kind; 7] = [
    Kind { folder: "rest", setting: "allowByDefault", arguments: &[] },
    Kind { folder: "device_http", setting: "allowClaimingByDefault", arguments: &["--slow"] },
    Kind { folder: "device_mqtt", setting: "allowClaimingByDefault", arguments: &["--quick", "--race", "10"] },
    Kind { folder: "device_coap", setting: "allowClaimingByDefault", arguments: &["--quick"] },
    Kind { folder: "device_gateway", setting: "allowClaimingByDefault", arguments: &["--quick"] },
    Kind { folder: "device_provisioning", setting: "allowClaimingByDefault", arguments: &["--quick"] },
    Kind { folder: "device_sdk", setting: "allowClaimingByDefault", arguments: &["--quick"] },
];

/// `mqtt_idle` is silent for eleven minutes; `tests/mqtt/connecting.rs` shows how long silence may last, with shorter times.
const LEFT_OUT: &[&str] = &["mqtt_idle"];

#[test]
fn where_claiming_is_not_allowed_by_default() {
    differs_from_thingsboard_only_as_decided("false");
}

#[test]
fn where_claiming_is_allowed_by_default() {
    differs_from_thingsboard_only_as_decided("true");
}

#[test]
fn where_requests_are_limited() {
    let data = TempDir::new().unwrap();
    let server = serve(
        &data,
        &[
            ("TB_SERVER_REST_LIMITS_TENANT_CONFIGURATION", "30:600"),
            ("TB_SERVER_REST_LIMITS_CUSTOMER_CONFIGURATION", "3:600"),
        ],
    );
    let (folder, ours) = (Path::new("tests/recordings/rest"), data.path().join("rest"));
    let mut scenarios = python::program("python", "python");
    scenarios.arg(folder.join("scenarios.py")).arg("--url").arg(&server.url).arg("--out").arg(&ours);
    python::run(scenarios.args(["--rest-limits", "--only", "rate_limits"]));
    let mut comparison = python::program("python", "python");
    comparison.args([
        "tests/recordings/compare.py",
        "--protocol",
        "docs/protocol.md",
        "--wording",
        "--only",
        "rate_limits",
        "--",
    ]);
    python::run(comparison.arg(folder.join("thingsboard-4.2.1")).arg(&ours));
}

fn differs_from_thingsboard_only_as_decided(allowed_by_default: &str) {
    let data = TempDir::new().unwrap();
    let key = BASE64_STANDARD.encode([b's'; 64]);
    let server = serve(
        &data,
        &[
            ("JWT_TOKEN_SIGNING_KEY", &key),
            ("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", allowed_by_default),
            // The scenarios guess on purpose.
            ("SECURITY_CLAIM_GUESS_LIMIT", "0"),
            ("SECURITY_CLAIM_GUESS_LIMIT_OVERALL", "0"),
        ],
    );
    thread::scope(|scope| {
        for kind in &KINDS {
            scope.spawn(|| compare(kind, &server, &key, allowed_by_default, data.path()));
        }
    });
}

/// Runs the scenarios of a kind, and compares what is answered with what was recorded.
fn compare(kind: &Kind, server: &Server, key: &str, allowed_by_default: &str, data: &Path) {
    let folder = Path::new("tests/recordings").join(kind.folder);
    let ours = data.join(kind.folder);
    let mut scenarios = python::program("python", "python");
    scenarios.arg(folder.join("scenarios.py")).arg("--url").arg(&server.url).arg("--out").arg(&ours);
    scenarios.args(["--settle", "0", "--allow-claiming-by-default", allowed_by_default]).args(kind.arguments);
    match kind.folder {
        "rest" => scenarios.args(["--jwt-key", key]),
        "device_sdk" => scenarios
            .args(["--mqtt", &server.mqtt, "--coap", &server.coap, "--gateway-python"])
            .arg(python::path("python-gateway", "python")),
        _ => scenarios.args(["--mqtt", &server.mqtt, "--coap", &server.coap]),
    };
    python::run(&mut scenarios);
    let setting = format!("{}={allowed_by_default}", kind.setting);
    let mut comparison = python::program("python", "python");
    comparison.args(["tests/recordings/compare.py", "--protocol", "docs/protocol.md", "--settings", &setting]);
    comparison.arg("--except").args(LEFT_OUT).arg("--").arg(folder.join("thingsboard-4.2.1")).arg(&ours);
    python::run(&mut comparison);
}
