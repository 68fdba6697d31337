//! A disk that takes no more: commands fail in order, the service says that it is not ready, and goes on once there is room.
//!
//! The system's limit on the size of a file stands for the disk.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::process::Command;

use reqwest::{Client, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use self::deed::{MARK, Server, deed};

/// One of the demo's devices, for which claiming is allowed.
const TOKEN: &str = "A1_DEMO_TOKEN";
/// So many bytes may the write-ahead log have: less and more than what is looked for before the service is ready again.
const LIMITS: [u64; 2] = [200_000, 1_500_000];
const UNLIMITED: &str = "unlimited";

struct Demo {
    server: Server,
    client: Client,
    _data: TempDir,
}

impl Demo {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let told = deed(data.path());
        // A process that writes beyond the limit is sent a signal that ends it, unless that is ignored.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(told.get_program()).args(["serve", "--demo"]);
        command.env_clear().envs(told.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self { server: Server::start(&mut command), client: Client::new(), _data: data }
    }

    fn limit(&self, bytes: &str) {
        let id = self.server.id().to_string();
        let set = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:")]).status().unwrap();
        assert!(set.success());
    }

    async fn register(&self, key: usize) -> StatusCode {
        let url = format!("{}/api/v1/{TOKEN}/claim", self.server.url);
        let body = json!({"secretKey": format!("{MARK}-{key}"), "durationMs": 60_000});
        self.client.post(url).json(&body).send().await.unwrap().status()
    }

    async fn ready(&self) -> StatusCode {
        self.client.get(format!("{}/health/ready", self.server.url)).send().await.unwrap().status()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_commands_and_is_told_until_there_is_room() {
    for limit in LIMITS {
        fill(Demo::start(), limit).await;
    }
}

async fn fill(demo: Demo, limit: u64) {
    assert_eq!((demo.register(0).await, demo.ready().await), (StatusCode::OK, StatusCode::OK));
    demo.limit(&limit.to_string());
    let mut refused = None;
    for key in 1..1_000 {
        let status = demo.register(key).await;
        if status != StatusCode::OK {
            refused = Some(status);
            break;
        }
    }
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
    for key in 0..5 {
        assert_eq!(demo.ready().await, StatusCode::SERVICE_UNAVAILABLE, "a check of one page would find room");
        assert_eq!(demo.register(key).await, StatusCode::SERVICE_UNAVAILABLE, "of {limit} bytes");
    }
    demo.limit(UNLIMITED);
    assert_eq!((demo.ready().await, demo.register(1_000).await), (StatusCode::OK, StatusCode::OK));
    let (status, _) = demo.server.stop();
    assert!(status.success());
}
