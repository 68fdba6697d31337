//! Somebody else's program, on cqrs-es and postgres-es, reads the log of a running service as it is
//! (`examples/own-projection/`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{path::Path, process::Command};

use deed_adapters::conformance::new_database;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use deed::world::{World, token_of};

#[tokio::test]
async fn another_program_reads_the_log_and_makes_a_read_model_of_its_own() {
    let database = new_database();
    let world = World::start_with(&[("DEED_DATABASE", &database)]).await;
    for name in ["P1", "P2", "P3"] {
        let path = format!("/api/device?accessToken={}", token_of(name));
        let body = json!({"name": name, "type": "pump"});
        let (status, device) = world.call(Method::POST, &path, Some(&world.tenant), Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{device}");
        let id = device["id"]["id"].as_str().unwrap();
        assert_eq!(world.write(&world.tenant, id, json!({"claimingAllowed": true})).await, StatusCode::OK);
    }
    assert_eq!(world.register("P1", "old", 600_000).await, StatusCode::OK);
    assert_eq!(world.register("P1", "one", 600_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_b, "P1", "two").await.1, "FAILURE");
    assert_eq!(world.claim_with(&world.customer_a, "P1", "one").await.1["response"], "SUCCESS");
    assert_eq!(world.register("P2", "two", 600_000).await, StatusCode::OK);
    assert_eq!(world.register("P3", "three", 600_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_b, "P3", "three").await.1["response"], "SUCCESS");

    let printed = cargo(&database, &["run", "--quiet"]);
    let pumps = printed.lines().find(|line| line.starts_with("pump ")).unwrap();
    let columns: Vec<_> = pumps.split_whitespace().collect();
    // Issued, used, expired, revoked, open, most that were open at once, wrong keys.
    assert_eq!(columns[..8], ["pump", "4", "2", "0", "1", "1", "2", "1"], "{printed}");

    // A device of it, and its own tests on this log beside those on its recorded history.
    let (_, device) = world.call(Method::GET, "/api/tenant/devices?deviceName=P1", Some(&world.tenant), None).await;
    let replayed = cargo(&database, &["run", "--quiet", "--", device["id"]["id"].as_str().unwrap()]);
    let owner = world.owner_of(&world.customer_a).await;
    assert_eq!(
        replayed,
        format!("\"P1\", owned by {}, 0 active keys\nafter 9 events\n", owner.as_str().unwrap()),
        "registered, allowed, issued, revoked, issued, refused, claimed, revoked, disallowed"
    );
    let tested = cargo(&database, &["test", "--", "--include-ignored"]);
    assert_eq!(tested.matches("... ok").count(), 4, "{tested}");
}

/// Runs it as whoever has it would, with its own lock file; `./task` has built it.
fn cargo(database: &str, arguments: &[&str]) -> String {
    let (subcommand, rest) = arguments.split_first().unwrap();
    let output = Command::new(env!("CARGO"))
        .args([subcommand, "--locked", "--manifest-path", "examples/own-projection/Cargo.toml"])
        .args(rest)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("own-projection"))
        .env("DATABASE_URL", database)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    printed
}
