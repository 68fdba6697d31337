//! ThingsBoard's published Python clients, unmodified, do with the service what they do with ThingsBoard.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
mod python;

use tempfile::TempDir;

use self::deed::{MARK, world::serve};

#[test]
fn tb_rest_client() {
    drive("drive_rest_client.py");
}

#[test]
fn tb_ce_client() {
    drive("drive_ce_client.py");
}

#[test]
fn thingsboard_cli() {
    drive("drive_cli.py");
}

fn drive(driver: &str) {
    let data = TempDir::new().unwrap();
    let server = serve(&data, &[]);
    let mut client = python::program("python");
    client.arg(format!("tests/clients/{driver}")).args(["--url", &server.url, "--mark", MARK]);
    let printed = python::run(&mut client);
    assert!(printed.lines().count() > 5, "the driver has lost its steps:\n{printed}");
}
