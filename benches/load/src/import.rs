//! Bulk import: files of devices through the REST endpoint, beside the same rows written straight into SQLite.

use std::path::Path;

use rusqlite::{Connection as Database, types::Value};
use serde_json::{Value as Json, json};

use crate::{
    Failure,
    baseline::{Straight, open, write_commands},
    client::Connection,
    phase::{now, sign_in},
};

/// Devices in a file.
pub(crate) const LINES: usize = 10_000;
/// Files, one after another.
const FILES: usize = 3;

/// The statements that write a device, each with the values of its row.
type Rows = Vec<(String, Vec<Value>)>;

/// How an import went.
pub(crate) struct Imported {
    pub(crate) per_second: f64,
    /// The position before the first of its events.
    after: i64,
}

/// Imports the files, each when the one before it is done.
pub(crate) async fn run(address: &str, database: &Path) -> Result<Imported, Failure> {
    let token = sign_in(address, "tenant@thingsboard.org", "tenant").await?;
    let mut connection = Connection::open(address).await?;
    let after = crate::baseline::head(database)?;
    let bodies: Vec<_> = (0..FILES).map(body).collect();
    let started = now();
    for body in bodies {
        let (status, answer) = connection.post("/api/device/bulk_import", Some(&token), body).await?;
        let answer: Json = serde_json::from_slice(&answer)?;
        if answer["created"] != LINES {
            return Err(format!("bulk import: {status} {answer}").into());
        }
    }
    let devices = FILES * LINES;
    #[expect(clippy::cast_precision_loss, reason = "a number of devices")]
    Ok(Imported { per_second: devices as f64 / started.elapsed().as_secs_f64(), after })
}

/// A device has a name, a type, a label, a claim key and an attribute; its token is made.
fn body(file: usize) -> String {
    let mut text = "name,type,label,claimingData,serial\n".to_owned();
    for line in 0..LINES {
        let number = file * LINES + line;
        let key = format!(r#"{{""secretKey"":""IMPORTED-{number:07}"",""expirationTime"":4102444800000}}"#);
        text.push_str(&format!("import-{number:07},default,Shelf {line},\"{key}\",SN-{number:07}\n"));
    }
    let column = |kind: &str| json!({ "type": kind });
    let attribute = |key: &str| json!({ "type": "SERVER_ATTRIBUTE", "key": key });
    let columns = [column("NAME"), column("TYPE"), column("LABEL"), attribute("claimingData"), attribute("serial")];
    json!({"file": text, "mapping": {"columns": columns, "delimiter": ",", "update": false, "header": true}})
        .to_string()
}

/// The tables in which a device has rows, and the column that names it.
const TABLES: [(&str, &str); 7] = [
    ("events", "aggregate_id"),
    ("claim_history", "device_id"),
    ("device_list", "device_id"),
    ("active_keys", "device_id"),
    ("device_credentials", "device_id"),
    ("device_registry", "device_id"),
    ("attributes", "entity_id"),
];

impl Imported {
    /// Writes the rows of the imported devices again, straight.
    pub(crate) fn write_again(&self, database: &Path) -> Result<Straight, Failure> {
        let devices = self.rows(&Database::open(database)?)?;
        let copy = tempfile::tempdir()?;
        let straight = |batch: usize, most: usize| -> Result<f64, Failure> {
            let path = copy.path().join(format!("copy-{batch}.db"));
            Database::open(database)?.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
            let connection = open(&path)?;
            connection.execute(
                "CREATE TEMP TABLE imported AS SELECT DISTINCT aggregate_id AS id FROM events WHERE position > ?1",
                [self.after],
            )?;
            for (table, column) in TABLES {
                connection.execute(&format!("DELETE FROM {table} WHERE {column} IN (SELECT id FROM imported)"), [])?;
            }
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
            write_commands(connection, &devices[..most.min(devices.len())], batch)
        };
        Ok(Straight { batched: straight(256, usize::MAX)?, single: straight(1, 5_000)? })
    }

    /// For each device, the statements with the values of its rows.
    fn rows(&self, connection: &Database) -> Result<Vec<Rows>, Failure> {
        let mut ids = connection.prepare("SELECT DISTINCT aggregate_id FROM events WHERE position > ?1")?;
        let ids = ids.query_map([self.after], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut devices: Vec<Rows> = vec![Vec::new(); ids.len()];
        for (table, column) in TABLES {
            let mut rows = connection.prepare(&format!("SELECT * FROM {table} WHERE {column} = ?1"))?;
            let columns = rows.column_count();
            let marks = (1..=columns).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
            for (id, device) in ids.iter().zip(&mut devices) {
                let found =
                    rows.query_map([id], |row| (0..columns).map(|i| row.get(i)).collect::<Result<Vec<_>, _>>())?;
                for values in found {
                    device.push((format!("INSERT INTO {table} VALUES ({marks})"), values?));
                }
            }
        }
        Ok(devices)
    }
}
