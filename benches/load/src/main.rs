//! Load on a real server, beside the same rows written straight into SQLite in the same run.
//!
//! `./task bench` builds the server and this program optimised and prints a table. What the columns mean is said in
//! `docs/operations/performance.md`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

mod baseline;
mod client;
mod coap;
mod import;
mod labels;
mod lists;
mod mqtt;
mod phase;
mod postgres;
mod replay;
mod seed;
mod server;
mod transports;

use std::path::PathBuf;

use clap::Parser;
use deed_adapters::secrets::Argon2Cost;

use crate::{
    baseline::Rows,
    phase::{Kind, Load, Measured},
    server::Server,
};

/// Logins of each kind.
const LOGINS: usize = 300;

/// What goes wrong ends the run.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures registrations and claims per second over HTTP, beside what SQLite takes.
#[derive(Parser)]
struct Arguments {
    /// The server's program.
    #[arg(long, default_value = "target/release/deed")]
    server: PathBuf,
    /// Devices in the database, those included that the load is put on.
    #[arg(long, default_value_t = 100_000)]
    devices: usize,
    /// Connections, each with one request at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,256")]
    connections: Vec<usize>,
    /// Requests of each kind per connection count: this many for each connection, at least ten times and at most two
    /// hundred times.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Instead of all that: the claim's median with this many devices beside that with ten thousand.
    #[arg(long)]
    scale_to: Option<usize>,
    /// Instead of all that: pages of the device list with this many devices.
    #[arg(long, conflicts_with = "scale_to")]
    lists: Option<usize>,
    /// Instead of all that: files of so many labels, with the data on SQLite and on PostgreSQL.
    #[arg(long, conflicts_with_all = ["scale_to", "lists"])]
    labels: Option<usize>,
    /// Instead of all that: registrations over each protocol of devices. Opens 10,000 connections at once.
    #[arg(long, conflicts_with_all = ["scale_to", "lists", "labels"])]
    transports: bool,
    /// Instead of all that: the load with the data on PostgreSQL, by one node and by three, beside what this program of
    /// `benches/cqrs-es/` reaches, and `pgbench`.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["scale_to", "lists", "labels", "transports"])]
    postgres: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    if arguments.transports {
        return transports::measure(&arguments.server).await;
    }
    if let Some(framework) = &arguments.postgres {
        return postgres::measure(&arguments.server, framework).await;
    }
    if let Some(labels) = arguments.labels {
        return labels::measure(&arguments.server, labels).await;
    }
    match (arguments.scale_to, arguments.lists) {
        (Some(devices), _) => compare_sizes(&arguments, devices).await,
        (None, Some(devices)) => lists::measure(&mut Server::prepare(&arguments.server)?, devices).await,
        (None, None) => compare_with_sqlite(&arguments).await,
    }
}

async fn compare_with_sqlite(arguments: &Arguments) -> Result<(), Failure> {
    let mut server = Server::prepare(&arguments.server)?;
    seed::devices(server.database(), arguments.devices).await?;
    server.start()?;
    println!("| load | connections | per second | p50 ms | p99 ms | failed |");
    println!("|---|---|---|---|---|---|");
    let mut first = 0;
    let mut busiest: Vec<(Kind, Measured, Rows)> = Vec::new();
    let load = Load::sign_in(server.address()).await?;
    for connections in &arguments.connections {
        let count = (connections * arguments.requests).clamp(10 * arguments.requests, 200 * arguments.requests);
        if first + count > arguments.devices {
            return Err(format!("{} devices are too few", arguments.devices).into());
        }
        println!("| {} | {connections} | {} |", Kind::Bare, load.run(Kind::Bare, *connections, first, count).await?);
        for kind in [Kind::Registration, Kind::Claim] {
            let before = baseline::head(&server.database())?;
            let measured = load.run(kind, *connections, first, count).await?;
            let after = baseline::head(&server.database())?;
            println!("| {kind} | {connections} | {measured} |");
            busiest.retain(|(known, ..)| *known != kind);
            busiest.push((kind, measured, Rows::between(before, after)));
        }
        first += count;
    }
    for connections in [1, 16] {
        println!("| {} | {connections} | {} |", Kind::Login, load.run(Kind::Login, connections, 0, LOGINS).await?);
    }
    let imported = import::run(&server.address(), &server.database()).await?;
    println!("| bulk import, files of {} devices | 1 | {:.0} devices | | | 0 |", import::LINES, imported.per_second);
    let cost = Argon2Cost::default();
    println!(
        "\na login hashes the password once: argon2id with {} KiB, {} passes, {} lane",
        cost.memory_kib, cost.passes, cost.lanes
    );
    println!("\nresident memory of the server with {} devices: {} MB", arguments.devices, server.resident_mb()?);
    server.stop()?;
    println!(
        "\n| the rows of | straight into SQLite, 256 a transaction | one a transaction | over HTTP / batched | over HTTP / single |"
    );
    println!("|---|---|---|---|---|");
    for (kind, measured, rows) in busiest {
        let straight = rows.write_again(&server.database(), measured.count)?;
        println!(
            "| {kind} | {:.0} per second | {:.0} per second | {:.2} | {:.2} |",
            straight.batched,
            straight.single,
            measured.per_second / straight.batched,
            measured.per_second / straight.single
        );
    }
    let straight = imported.write_again(&server.database())?;
    println!(
        "| imported device | {:.0} per second | {:.0} per second | {:.2} | {:.2} |",
        straight.batched,
        straight.single,
        imported.per_second / straight.batched,
        imported.per_second / straight.single
    );
    println!("\n{}", replay::measure(server.database()).await?);
    Ok(())
}

async fn compare_sizes(arguments: &Arguments, large: usize) -> Result<(), Failure> {
    const CLAIMS: usize = 4_000;
    println!("| devices | claim p50 ms at 16 connections |");
    println!("|---|---|");
    let mut medians = Vec::new();
    for devices in [10_000, large] {
        let mut server = Server::prepare(&arguments.server)?;
        seed::devices(server.database(), devices).await?;
        server.start()?;
        let load = Load::sign_in(server.address()).await?;
        load.run(Kind::Registration, 16, 0, CLAIMS).await?;
        let measured = load.run(Kind::Claim, 16, 0, CLAIMS).await?;
        println!("| {devices} | {:.3} |", measured.p50_ms);
        medians.push(measured.p50_ms);
        server.stop()?;
    }
    if let [small, large] = medians[..] {
        println!("\nratio: {:.2}", large / small);
    }
    Ok(())
}
