//! libcoap's client, unmodified, as people try things with it.

use std::process::Command;

use crate::{
    deed::world::{World, secret, token_of},
    requests::{claim_of, key},
};

/// What the client printed, the answer's payload and its code if that is an error.
fn coap_client(world: &World, arguments: &[&str], path: &str) -> String {
    let mut client = Command::new("coap-client-notls");
    client.args(["-B", "20"]).args(arguments);
    let output = client.arg(format!("coap://{}/{path}", world.server.coap)).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn a_key_is_registered_whole_and_in_parts_and_without_acknowledgement() {
    let world = World::start().await;
    world.open_device("D").await;
    let large = format!(r#"{{"secretKey":"{}","pad":"{}"}}"#, secret("K"), "x".repeat(3_000));
    let file = world.data.path().join("payload");
    std::fs::write(&file, large).unwrap();
    let message = key("K");
    for arguments in [&["-e", &message][..], &["-N", "-e", &message], &["-b", "64", "-f", file.to_str().unwrap()]] {
        let arguments = [&["-m", "post"], arguments].concat();
        let printed = coap_client(&world, &arguments, &claim_of("D"));
        assert_eq!(printed.trim(), "", "{arguments:?}");
        assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 200, "{arguments:?}");
        assert_eq!(world.reclaim(&world.tenant, "D").await.0, 200);
    }
    let printed = coap_client(&world, &["-m", "get"], &claim_of("D"));
    assert_eq!(printed.trim(), r#"{"state":"reclaimed","expiresAt":null}"#);
    let printed = coap_client(&world, &["-m", "post", "-e", "{"], &claim_of("D"));
    assert!(printed.starts_with("4.00"), "{printed}");
    let printed = coap_client(&world, &["-m", "post", "-e", &message], &format!("api/v1/{}/claim", token_of("nobody")));
    assert!(printed.starts_with("4.01"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_seen() {
    let world = World::start().await;
    world.open_device("D").await;
    let url = format!("coap://{}/{}", world.server.coap, claim_of("D"));
    let mut client = Command::new("coap-client-notls");
    let client =
        client.args(["-m", "get", "-s", "4", "-B", "20", &url]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(world.register("D", "K", 60_000).await, 200);
    // Of states that follow each other at once, an observer is told the last one.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 200);
    let printed = String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap();
    let states: Vec<_> = ["none", "open", "claimed"].iter().filter(|state| printed.contains(**state)).collect();
    assert_eq!(states, [&"none", &"open", &"claimed"], "{printed}");
}
