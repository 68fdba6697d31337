//! How long a file of labels takes and how much memory, with the data in a file and on PostgreSQL.

use std::path::Path;

use deed_adapters::conformance::PostgresServer;
use hyper::StatusCode;
use serde_json::json;

use crate::{
    Failure,
    client::Connection,
    phase::{now, sign_in},
    postgres::nodes,
    seed,
    server::Server,
};

/// What is asked for: the format, and whether there are to be keys.
const FILES: [(&str, &str); 4] = [("pdf", "none"), ("pdf", "new"), ("zpl", "none"), ("zpl", "new")];

/// Prints the table for so many labels in a file.
pub(crate) async fn measure(program: &Path, labels: usize) -> Result<(), Failure> {
    println!("| {labels} labels, the data on | format | keys | seconds | MB | more memory than before, at most, MB |");
    println!("|---|---|---|---|---|---|");
    let mut server = Server::prepare(program)?;
    seed::devices(server.database(), labels).await?;
    server.start()?;
    print(&server, "SQLite", labels).await?;
    server.stop()?;
    let postgres = PostgresServer::start_durable();
    postgres.ready().await;
    let url = nodes::seeded(&postgres, program, labels).await?;
    print(&nodes::start(program, &url)?, "PostgreSQL", labels).await
}

async fn print(server: &Server, store: &str, labels: usize) -> Result<(), Failure> {
    let token = sign_in(&server.address(), "tenant@thingsboard.org", "tenant").await?;
    let mut connection = Connection::open(&server.address()).await?;
    for (format, keys) in FILES {
        let body = json!({"textSearch": "load-", "format": format, "keys": keys});
        let before = server.begin_peak()?;
        let began = now();
        let (status, file) = connection.post("/api/devices/labels", Some(&token), body.to_string()).await?;
        let seconds = began.elapsed().as_secs_f64();
        let more = server.peak_bytes()?.saturating_sub(before);
        let written = if format == "zpl" { file.windows(3).filter(|end| end == b"^XZ").count() } else { labels };
        if status != StatusCode::OK || written != labels {
            return Err(format!("{format}: {status}, {written} labels").into());
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes of a benchmark")]
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let size = mb(file.len() as u64);
        println!("| {store} | {format} | {keys} | {seconds:.2} | {size:.1} | {:.1} |", mb(more));
    }
    Ok(())
}
