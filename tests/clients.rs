//! Published clients, unmodified, do with the service what they do with ThingsBoard.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "clients/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
#[path = "clients/gateway.rs"]
mod gateway;
mod python;

use std::{collections::BTreeSet, fs};

use tempfile::TempDir;

use self::{
    certificates::Certificates,
    deed::{MARK, Server, world::serve},
};

#[test]
fn tb_rest_client() {
    drive("tb-rest-client", "drive_rest_client.py", &[]);
}

#[test]
fn tb_ce_client() {
    drive("tb-ce-client", "drive_generated_client.py", &["--edition", "ce"]);
}

#[test]
fn tb_pe_client() {
    drive("tb-pe-client", "drive_generated_client.py", &["--edition", "pe"]);
}

#[test]
fn thingsboard_cli() {
    drive("thingsboard-cli", "drive_cli.py", &[]);
}

#[test]
fn tb_mqtt_client() {
    let data = TempDir::new().unwrap();
    let server = serve(&data, &[]);
    drive_at(&server, "tb-mqtt-client", "drive_mqtt_client.py", &["--mqtt", &server.mqtt]);
}

#[test]
fn aiocoap() {
    let data = TempDir::new().unwrap();
    let server = serve(&data, &[]);
    drive_at(&server, "aiocoap", "drive_aiocoap.py", &["--coap", &server.coap]);
}

#[test]
fn paho_mqtt() {
    let (data, certificates) = (TempDir::new().unwrap(), Certificates::make());
    let environment = certificates.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = serve(&data, &environment);
    let paths = ["--mqtt", &server.mqtt, "--tls", &server.mqtt_tls, "--certificates", certificates.path()];
    drive_in("python-paho", &server, "paho-mqtt", "drive_paho.py", &paths);
}

#[tokio::test]
async fn thingsboard_gateway() {
    gateway::brings_devices_to_be_claimed().await;
    is_documented("thingsboard-gateway", "python-gateway", &gateway::DRIVEN.into_iter().collect());
}

fn drive(client: &str, driver: &str, arguments: &[&str]) {
    let data = TempDir::new().unwrap();
    drive_at(&serve(&data, &[]), client, driver, arguments);
}

fn drive_at(server: &Server, client: &str, driver: &str, arguments: &[&str]) {
    drive_in("python", server, client, driver, arguments);
}

fn drive_in(environment: &str, server: &Server, client: &str, driver: &str, arguments: &[&str]) {
    let mut driving = python::program(environment, "python");
    driving.arg(format!("tests/clients/{driver}")).args(["--url", &server.url, "--mark", MARK]).args(arguments);
    let printed = python::run(&mut driving);
    let driven: BTreeSet<_> = printed.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    is_documented(client, environment, &driven);
}

/// The client's row on the page names what was driven, and the version that is installed.
fn is_documented(client: &str, environment: &str, driven: &BTreeSet<&str>) {
    let page = fs::read_to_string("docs/compatibility.md").unwrap();
    let (version, calls) = documented(&page, client);
    assert_eq!(*driven, calls, "calls of {client} that were driven, and those that docs/compatibility.md lists");
    let installed = fs::read_to_string(format!("tests/python/{environment}.txt")).unwrap();
    assert!(
        installed.lines().any(|line| line == format!("{client}=={version}")),
        "{client} {version} is not installed"
    );
}

/// The client's version and calls as its row on the page has them.
fn documented<'page>(page: &'page str, client: &str) -> (&'page str, BTreeSet<&'page str>) {
    let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {client} | "))).unwrap();
    let (version, row) = row.split_once(" | ").unwrap();
    let (calls, _) = row.split_once(" | ").unwrap();
    (version, calls.split('`').skip(1).step_by(2).collect())
}
