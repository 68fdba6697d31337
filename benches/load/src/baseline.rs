//! The ceiling: the rows that a load left in the database, written again straight into SQLite.
//!
//! The rows go into a copy of the same file from which they were removed first, with the server's own pragmas and
//! indexes, through prepared statements, from memory. What is left out is everything else that the server does: HTTP,
//! authentication, loading the device, deciding, encoding, answering.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params, types::Value};
use serde_json::Value as Json;

use crate::{Failure, phase::now};

/// Commands in one transaction of the batched run.
const BATCH: usize = 256;
/// Commands of the run with a transaction each.
const SINGLE: usize = 5_000;

/// What the rows of one load are: everything after one position up to another.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    after: i64,
    up_to: i64,
}

/// Commands per second.
pub(crate) struct Straight {
    pub(crate) batched: f64,
    pub(crate) single: f64,
}

/// The rows of one command: statements with their values.
type Command = Vec<(&'static str, Vec<Value>)>;

const EVENT: &str = "INSERT INTO events SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10";
const HISTORY: &str = "INSERT INTO claim_history SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10";
const KEY: &str = "INSERT INTO active_keys SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10";
const NO_KEY: &str = "DELETE FROM active_keys WHERE device_id = ?1 AND key_id = ?2";
const OWNER: &str = "INSERT INTO ownership (device_id, epoch, tenant_id, customer_id, user_id, key_id, from_position,
    from_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const DEVICE: &str = "UPDATE device_list SET customer_id = ?2, version = ?3 WHERE device_id = ?1";
const CHECKPOINT: &str = "UPDATE projections SET position = position + 1";

/// The position of the last event.
pub(crate) fn head(database: &Path) -> Result<i64, Failure> {
    Ok(Connection::open(database)?.query_row("SELECT ifnull(max(position), 0) FROM events", [], |row| row.get(0))?)
}

impl Rows {
    pub(crate) const fn between(after: i64, up_to: i64) -> Self {
        Self { after, up_to }
    }

    /// Writes the rows again, `commands` of them, batched and singly.
    pub(crate) fn write_again(self, database: &Path, commands: usize) -> Result<Straight, Failure> {
        let rows = self.read(&Connection::open(database)?)?;
        if rows.len() != commands {
            return Err(format!("{} commands were sent, {} left rows", commands, rows.len()).into());
        }
        let batched = self.run(database, &rows, BATCH)?;
        let single = self.run(database, &rows[..SINGLE.min(rows.len())], 1)?;
        Ok(Straight { batched, single })
    }

    fn run(self, database: &Path, rows: &[Command], batch: usize) -> Result<f64, Failure> {
        let copy = self.copy_without(database)?;
        write_commands(open(&copy.path().join("copy.db"))?, rows, batch)
    }

    /// A copy of the database as it was before these rows.
    fn copy_without(self, database: &Path) -> Result<tempfile::TempDir, Failure> {
        let folder = tempfile::tempdir()?;
        let path: PathBuf = folder.path().join("copy.db");
        Connection::open(database)?.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        let connection = open(&path)?;
        let range = params![self.after];
        for (device, key, issued) in revoked(&connection, self)? {
            connection.execute(
                "INSERT INTO active_keys SELECT ?1, ?2, tenant_id, 'device', 'device', 'pepper-1', 0, ?3, NULL, ?3
                 FROM device_list WHERE device_id = ?2",
                params![key, device, issued],
            )?;
            connection.execute("UPDATE device_list SET customer_id = NULL WHERE device_id = ?1", [device])?;
        }
        for (table, column) in [("events", "position"), ("claim_history", "position"), ("ownership", "from_position")] {
            connection.execute(&format!("DELETE FROM {table} WHERE {column} > ?1"), range)?;
        }
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(folder)
    }

    fn read(self, connection: &Connection) -> Result<Vec<Command>, Failure> {
        let mut events = connection.prepare("SELECT * FROM events WHERE position > ?1 AND position <= ?2")?;
        let mut history = connection.prepare("SELECT * FROM claim_history WHERE device_id = ?1 AND position = ?2")?;
        let mut rows = events.query(params![self.after, self.up_to])?;
        let mut commands: Vec<Command> = Vec::new();
        let mut last = String::new();
        while let Some(row) = rows.next()? {
            let values = (0..10).map(|i| row.get(i)).collect::<Result<Vec<Value>, _>>()?;
            let (position, device): (i64, String) = (row.get(0)?, row.get(2)?);
            let (kind, payload, metadata): (String, String, String) = (row.get(4)?, row.get(6)?, row.get(7)?);
            let (tenant, at): (String, i64) = (row.get(8)?, row.get(9)?);
            if metadata != last {
                commands.push(Vec::new());
                last = metadata;
            }
            let Some(command) = commands.last_mut() else { continue };
            command.push((EVENT, values));
            let step = history.query_row(params![device, position], |row| {
                (0..10).map(|i| row.get(i)).collect::<Result<Vec<Value>, _>>()
            })?;
            command.push((HISTORY, step));
            let payload: Json = serde_json::from_str(&payload)?;
            let member = |name: &str| text(&payload[&kind][name]);
            let number = |name: &str| Value::Integer(payload[&kind][name].as_i64().unwrap_or_default());
            let (device, tenant) = (Value::Text(device), Value::Text(tenant));
            match kind.as_str() {
                "ClaimIssued" => command.push((
                    KEY,
                    vec![
                        member("keyId"),
                        device,
                        tenant,
                        member("origin"),
                        member("slot"),
                        Value::Text("pepper-1".to_owned()),
                        Value::Integer(0),
                        Value::Integer(at),
                        Value::Null,
                        number("expiresAt"),
                    ],
                )),
                "ClaimRevoked" => command.push((NO_KEY, vec![device, member("keyId")])),
                "DeviceClaimed" => {
                    command.push((DEVICE, vec![device.clone(), member("customerId"), number("version")]));
                    command.push((
                        OWNER,
                        vec![
                            device,
                            number("epoch"),
                            tenant,
                            member("customerId"),
                            member("userId"),
                            member("keyId"),
                            Value::Integer(position),
                            Value::Integer(at),
                        ],
                    ));
                }
                _ => {}
            }
        }
        Ok(commands)
    }
}

/// Writes the rows of commands, so many commands in a transaction; says how many commands a second.
pub(crate) fn write_commands<S: AsRef<str>>(
    mut connection: Connection,
    commands: &[Vec<(S, Vec<Value>)>],
    batch: usize,
) -> Result<f64, Failure> {
    let started = now();
    for together in commands.chunks(batch) {
        let tx = connection.transaction()?;
        for (sql, values) in together.iter().flatten() {
            tx.prepare_cached(sql.as_ref())?.execute(rusqlite::params_from_iter(values))?;
        }
        tx.prepare_cached(CHECKPOINT)?.execute([])?;
        tx.commit()?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of commands")]
    Ok(commands.len() as f64 / started.elapsed().as_secs_f64())
}

/// Device, key and time of every key that these rows take away.
fn revoked(connection: &Connection, rows: Rows) -> Result<Vec<(String, String, i64)>, Failure> {
    let mut statement = connection.prepare(
        "SELECT aggregate_id, json_extract(payload, '$.ClaimRevoked.keyId'), recorded_at FROM events
         WHERE position > ?1 AND position <= ?2 AND event_type = 'ClaimRevoked'",
    )?;
    let found = statement.query_map([rows.after, rows.up_to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn text(value: &Json) -> Value {
    value.as_str().map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

/// With the settings of the server's writer.
pub(crate) fn open(path: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    Ok(connection)
}
