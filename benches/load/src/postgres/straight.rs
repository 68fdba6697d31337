//! The ceiling: the rows that a load left in the database, written again by `pgbench`.
//!
//! They go into a copy of the database from which they were removed first, with the service's indexes, by one statement a
//! transaction that takes them from tables beside: nothing comes over the connection, nothing is decided or encoded, and no row
//! orders the transactions.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use deed_adapters::conformance::PostgresServer;
use tempfile::NamedTempFile;

use super::succeed;
use crate::Failure;

/// Commands in one transaction of the batched run.
pub(super) const BATCH: usize = 256;
/// Clients of `pgbench`, of each run.
const SINGLE_CLIENTS: usize = 32;
const BATCHED_CLIENTS: usize = 4;
/// As the service has one that writes.
const ALONE: usize = 1;

/// The rows of one load: a copy of the database in which they are.
pub(super) struct Rows {
    database: String,
    after: u64,
    up_to: u64,
    commands: usize,
}

/// Commands per second.
pub(super) struct Straight {
    pub(super) single: f64,
    pub(super) batched: f64,
    pub(super) batched_alone: f64,
}

/// Numbers the commands, puts their rows into tables of their own, and makes the database what it was before them. Each
/// device had one command.
const PREPARE: &str = "
    CREATE TABLE numbers AS
        SELECT aggregate_id, row_number() OVER (ORDER BY min(position)) - 1 AS command FROM events
        WHERE position > :after AND position <= :up_to GROUP BY aggregate_id;
    CREATE TABLE new_events (LIKE events);
    ALTER TABLE new_events ADD command bigint;
    INSERT INTO new_events SELECT event.*, command FROM events AS event JOIN numbers USING (aggregate_id)
        WHERE position > :after AND position <= :up_to ORDER BY command;
    CREATE TABLE new_history (LIKE claim_history);
    ALTER TABLE new_history ADD command bigint;
    INSERT INTO new_history SELECT step.*, command FROM claim_history AS step
        JOIN numbers ON aggregate_id = device_id::text WHERE position > :after AND position <= :up_to ORDER BY command;
    CREATE TABLE new_ownership (LIKE ownership);
    ALTER TABLE new_ownership ADD command bigint;
    INSERT INTO new_ownership SELECT span.*, command FROM ownership AS span
        JOIN numbers ON aggregate_id = device_id::text WHERE from_position > :after ORDER BY command;
    CREATE TABLE new_keys (LIKE active_keys);
    ALTER TABLE new_keys ADD command bigint;
    INSERT INTO new_keys SELECT active.*, command FROM active_keys AS active
        JOIN numbers ON aggregate_id = device_id::text ORDER BY command;
    CREATE TABLE new_owners AS
        SELECT device_id, customer_id, version, command FROM new_ownership
        JOIN device_list USING (device_id, customer_id) ORDER BY command;
    CREATE TABLE old_keys AS
        SELECT (payload->'ClaimRevoked'->>'keyId')::uuid AS key_id, aggregate_id::uuid AS device_id, tenant_id, recorded_at, command
        FROM new_events WHERE event_type = 'ClaimRevoked' ORDER BY command;
    CREATE INDEX ON new_events (command);
    CREATE INDEX ON new_history (command);
    CREATE INDEX ON new_ownership (command);
    CREATE INDEX ON new_keys (command);
    CREATE INDEX ON new_owners (command);
    CREATE INDEX ON old_keys (command);
    DELETE FROM events WHERE position > :after;
    DELETE FROM claim_history WHERE position > :after;
    DELETE FROM ownership WHERE from_position > :after;
    DELETE FROM active_keys USING new_keys WHERE active_keys.key_id = new_keys.key_id;
    UPDATE device_list SET customer_id = NULL FROM new_owners WHERE device_list.device_id = new_owners.device_id;
    INSERT INTO active_keys
        (key_id, device_id, tenant_id, origin, slot, pepper, empty, issued_at, expires_at)
        SELECT key_id, device_id, tenant_id, 'device', 'device', 'of-the-load', false, recorded_at, recorded_at FROM old_keys;
    VACUUM FULL ANALYZE;
    CHECKPOINT;";

/// One statement for all rows of the commands.
const WRITE: &str = "
    WITH events AS (INSERT INTO events SELECT {events} FROM new_events WHERE {these}),
        history AS (INSERT INTO claim_history SELECT {claim_history} FROM new_history WHERE {these}),
        spans AS (INSERT INTO ownership SELECT {ownership} FROM new_ownership WHERE {these}),
        keys AS (INSERT INTO active_keys SELECT {active_keys} FROM new_keys WHERE {these}),
        gone AS (DELETE FROM active_keys USING old_keys WHERE active_keys.device_id = old_keys.device_id
            AND active_keys.key_id = old_keys.key_id AND {these})
    UPDATE device_list SET customer_id = new_owners.customer_id, version = new_owners.version FROM new_owners
        WHERE device_list.device_id = new_owners.device_id AND {these};";

impl Rows {
    /// Keeps a copy of the database, with which nobody may be connected.
    pub(super) fn keep(
        postgres: &PostgresServer,
        url: &str,
        [after, up_to]: [u64; 2],
        commands: usize,
    ) -> Result<Self, Failure> {
        Ok(Self { database: copy(postgres, name(url)?)?, after, up_to, commands })
    }

    /// Writes them again, singly and batched.
    pub(super) fn write_again(&self, postgres: &PostgresServer) -> Result<Straight, Failure> {
        let url = postgres.url(&self.database);
        let mut prepare = Command::new(postgres.program("psql"));
        prepare.args(["--quiet", "-v", "ON_ERROR_STOP=1", "-v"]).arg(format!("after={}", self.after));
        prepare.arg("-v").arg(format!("up_to={}", self.up_to));
        let mut script = NamedTempFile::new()?;
        script.write_all(PREPARE.as_bytes())?;
        succeed(prepare.arg("-f").arg(script.path()).arg(&url))?;
        let numbered: usize = self.ask(postgres, "SELECT count(*) FROM numbers")?.parse()?;
        if numbered != self.commands {
            return Err(format!("{} commands were sent, {numbered} left rows", self.commands).into());
        }
        let write = self.statement(postgres)?;
        let single = write.replace("{these}", "command = :number");
        let batched =
            write.replace("{these}", &format!("command >= :number * {BATCH} AND command < (:number + 1) * {BATCH}"));
        let (beside, alone) = (copy(postgres, &self.database)?, copy(postgres, &self.database)?);
        let single = run(postgres, &self.database, &single, SINGLE_CLIENTS, self.commands)?;
        #[expect(clippy::cast_precision_loss, reason = "a number of commands")]
        let batches = |database: &str, clients| {
            run(postgres, database, &batched, clients, self.commands / BATCH).map(|rate| rate * BATCH as f64)
        };
        Ok(Straight { single, batched: batches(&beside, BATCHED_CLIENTS)?, batched_alone: batches(&alone, ALONE)? })
    }

    /// With the columns of the tables in their order.
    fn statement(&self, postgres: &PostgresServer) -> Result<String, Failure> {
        let mut statement = WRITE.split_whitespace().collect::<Vec<_>>().join(" ");
        for table in ["events", "claim_history", "ownership", "active_keys"] {
            let columns = self.ask(
                postgres,
                &format!(
                    "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
                     WHERE table_name = '{table}'"
                ),
            )?;
            statement = statement.replace(&format!("{{{table}}}"), &columns);
        }
        Ok(statement)
    }

    fn ask(&self, postgres: &PostgresServer, sql: &str) -> Result<String, Failure> {
        let mut psql = Command::new(postgres.program("psql"));
        let told = succeed(psql.args(["-tAc", sql]).arg(postgres.url(&self.database)))?;
        Ok(String::from_utf8(told)?.trim().to_owned())
    }
}

/// Transactions per second.
fn run(
    postgres: &PostgresServer,
    database: &str,
    statement: &str,
    clients: usize,
    transactions: usize,
) -> Result<f64, Failure> {
    let each = transactions / clients;
    let mut script = NamedTempFile::new()?;
    writeln!(script, "\\set i :i + 1\n\\set number :client_id * {each} + :i\n{statement}")?;
    let mut pgbench = Command::new(postgres.program("pgbench"));
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-D", "i=-1", "-c"]).arg(clients.to_string());
    pgbench.arg("-t").arg(each.to_string()).arg("-f").arg(script.path()).arg(postgres.url(database));
    let told = String::from_utf8(succeed(&mut pgbench)?)?;
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")).ok_or("pgbench says no rate")?;
    Ok(rate.split_whitespace().next().ok_or("pgbench says no rate")?.parse()?)
}

fn name(url: &str) -> Result<&str, Failure> {
    url.rsplit('/').next().ok_or_else(|| "no name of a database".into())
}

/// A copy of the database, with which nobody may be connected.
fn copy(postgres: &PostgresServer, database: &str) -> Result<String, Failure> {
    static COPIES: AtomicU32 = AtomicU32::new(0);
    let copy = format!("{database}_{}", COPIES.fetch_add(1, Ordering::Relaxed));
    let mut createdb = Command::new(postgres.program("createdb"));
    createdb.arg("--maintenance-db").arg(postgres.url("postgres")).args(["-T", database, &copy]);
    // Connections that were given up are closed a moment later.
    for _ in 0..50 {
        if createdb.stderr(Stdio::null()).status()?.success() {
            return Ok(copy);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{database} could not be copied").into())
}
