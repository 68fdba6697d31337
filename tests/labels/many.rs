//! Thousands of labels: time and memory.

use std::{fs, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{deed::world::World, reader::text_of_pdf};

const DEVICES: usize = 10_000;
/// What the service may need more than before, KiB.
const MORE: u64 = 64 * 1024;

#[tokio::test]
async fn ten_thousand_labels_come_in_bounded_memory() {
    let (world, directory) = (World::start().await, TempDir::new().unwrap());
    let file = (0..DEVICES).fold("name,type\n".to_owned(), |file, number| file + &format!("M-{number:05},many\n"));
    let mapping = json!({"columns": [{"type": "NAME"}, {"type": "TYPE"}], "header": true});
    let body = json!({"file": file, "mapping": mapping});
    let (_, imported) = world.call(Method::POST, "/api/device/bulk_import", Some(&world.tenant), Some(body)).await;
    assert_eq!(imported["created"], DEVICES);

    let process = world.server.id();
    // From here on the most that was needed counts anew.
    fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let before = most_memory(process);
    let url = format!("{}/api/devices/labels", world.server.url);
    let asking = world.client.post(url).bearer_auth(&world.tenant).json(&json!({"type": "many"}));
    let mut answer = asking.send().await.unwrap();
    assert_eq!((answer.status(), &answer.headers()["deed-labels"]), (StatusCode::OK, &"10000".parse().unwrap()));
    let mut sheets = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        // Whoever prints takes its time at first: what is not read must not pile up.
        if sheets.len() < 1 << 20 {
            sleep(Duration::from_millis(20)).await;
        }
        sheets.extend_from_slice(&chunk);
    }
    let more = most_memory(process) - before;
    assert!(more < MORE, "{more} KiB more");
    let text = text_of_pdf(directory.path(), &sheets);
    // A page begins with a form feed.
    let names = text.lines().filter(|line| line.trim_start_matches('\u{c}').starts_with("M-")).count();
    assert_eq!(names, DEVICES);
}

/// The most memory that the process has had in use, KiB.
fn most_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
