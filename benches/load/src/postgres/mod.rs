//! The same load with the data on PostgreSQL: nodes as processes and in this one, beside cqrs-es and `pgbench`.

mod in_process;
pub(crate) mod nodes;
mod straight;

use std::{path::Path, process::Command, sync::Arc};

use deed_adapters::{
    Store,
    conformance::PostgresServer,
    postgres::{PostgresOptions, PostgresStore},
};

use self::straight::Straight;
use crate::{Failure, phase::Kind};

/// Devices in each database: one for each command of the longest run of each kind.
const DEVICES: usize = 40_000;
/// Connections to PostgreSQL that cqrs-es has.
const CONNECTIONS: usize = 32;
/// Devices that cqrs-es has to deal with.
const FRAMEWORK_DEVICES: usize = 10_000;

/// Prints the table.
pub(crate) async fn measure(server: &Path, framework: &Path) -> Result<(), Failure> {
    let postgres = PostgresServer::start_durable();
    postgres.ready().await;
    println!(
        "| | at once | registrations per second | p50 ms | p99 ms | claims per second | p50 ms | p99 ms | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut ours = None;
    for (stores, at_once) in [(1, 1), (1, CONNECTIONS), (1, 256), (1, 1024), (3, CONNECTIONS), (3, 1024)] {
        let measured = in_process::measure(&postgres, server, stores, at_once).await?;
        println!("| in process, {} | {at_once} | {} |", counted(stores, "store"), row(&measured.kinds));
        if (stores, at_once) == (1, 256) {
            ours = Some(measured);
        }
    }
    for count in [1, 3] {
        for connections in [CONNECTIONS, 256] {
            let measured = nodes::measure(&postgres, server, count, connections).await?;
            println!("| over HTTP, {} | {connections} | {} |", counted(count, "node"), row(&measured));
        }
    }
    let framework = through_framework(&postgres, framework)?;
    println!("| cqrs-es with postgres-es | {CONNECTIONS} | {:.0} | | | {:.0} | | | 0 |", framework[0], framework[1]);
    let ours = ours.ok_or("nothing was measured")?;
    println!(
        "\n| the rows of | one a transaction, 32 clients | {batch} a transaction, 4 clients | {batch} a transaction, 1 client |",
        batch = straight::BATCH
    );
    println!("|---|---|---|---|");
    for (kind, rows) in [Kind::Registration, Kind::Claim].into_iter().zip(&ours.left) {
        let Straight { single, batched, batched_alone } = rows.write_again(&postgres)?;
        println!("| {kind} | {single:.0} per second | {batched:.0} per second | {batched_alone:.0} per second |");
    }
    Ok(())
}

async fn open(url: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(PostgresStore::open(PostgresOptions::new(url, 8), None).await?))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn row([registrations, claims]: &[crate::phase::Measured; 2]) -> String {
    let times = |measured: &crate::phase::Measured| {
        format!("{:.0} | {:.2} | {:.2}", measured.per_second, measured.p50_ms, measured.p99_ms)
    };
    format!("{} | {} | {}", times(registrations), times(claims), registrations.failed + claims.failed)
}

/// Registrations and claims per second of the program in `benches/cqrs-es/`.
fn through_framework(postgres: &PostgresServer, program: &Path) -> Result<[f64; 2], Failure> {
    let mut command = Command::new(program);
    command.arg(postgres.new_database()).arg(FRAMEWORK_DEVICES.to_string()).arg(CONNECTIONS.to_string());
    let told = String::from_utf8(succeed(&mut command)?)?;
    let rates = told.lines().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    rates.try_into().map_err(|_| "the program has said something else".into())
}

/// What a program that succeeds has printed.
fn succeed(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(output.stdout)
}
