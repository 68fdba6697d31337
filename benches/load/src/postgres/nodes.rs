//! Nodes as processes, over HTTP.

use std::path::Path;

use deed_adapters::conformance::PostgresServer;

use super::{DEVICES, open};
use crate::{
    Failure,
    phase::{Kind, Load, Measured},
    seed,
    server::Server,
};

/// Requests of each kind for each connection; no more than there are devices.
const REQUESTS: usize = 200;

/// A new database with the demo's people in it.
pub(super) fn demo(postgres: &PostgresServer, program: &Path) -> Result<String, Failure> {
    let url = postgres.new_database();
    let mut server = Server::new(program, true, environment(&url))?;
    server.start()?;
    server.stop()?;
    Ok(url)
}

/// The same with so many devices.
pub(crate) async fn seeded(postgres: &PostgresServer, program: &Path, devices: usize) -> Result<String, Failure> {
    let url = demo(postgres, program)?;
    let store = open(&url).await?;
    seed::devices_in(&store, devices).await?;
    store.close().await;
    Ok(url)
}

/// A node on such a database.
pub(crate) fn start(program: &Path, url: &str) -> Result<Server, Failure> {
    let mut node = Server::new(program, false, environment(url))?;
    node.start()?;
    Ok(node)
}

/// Registrations and claims over so many nodes.
pub(super) async fn measure(
    postgres: &PostgresServer,
    program: &Path,
    count: usize,
    connections: usize,
) -> Result<[Measured; 2], Failure> {
    let url = seeded(postgres, program, DEVICES).await?;
    let nodes = (0..count).map(|_| start(program, &url)).collect::<Result<Vec<_>, _>>()?;
    let load = Load::on_nodes(nodes.iter().map(Server::address).collect()).await?;
    let requests = (connections * REQUESTS).clamp(10_000, DEVICES);
    let registrations = load.run(Kind::Registration, connections, 0, requests).await?;
    let claims = load.run(Kind::Claim, connections, 0, requests).await?;
    Ok([registrations, claims])
}

/// What every node has to have the same.
fn environment(url: &str) -> Vec<(&'static str, String)> {
    // 32 and 64 bytes in base64, for this load alone.
    let (pepper, key) = ("A".repeat(43) + "=", "A".repeat(86) + "==");
    vec![
        ("DEED_DATABASE", url.to_owned()),
        ("SECURITY_PEPPERS", format!("load:{pepper}")),
        ("JWT_TOKEN_SIGNING_KEY", key),
    ]
}
