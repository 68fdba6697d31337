//! The steps that lead from an empty database to the present schema, and which programs can work with it
//! (`docs/adr/0019-rolling-upgrades.md`). A step that has been released is never edited.

use std::time::Duration;

use deadpool_postgres::{Client, GenericClient, Pool, Transaction};
use tokio_postgres::error::SqlState;

use super::{
    error::{OpenError, SqlError},
    log_end,
    values::{execute, query_one, query_opt},
};

const STEPS: &[Step] = &[
    Step::expand("the log", include_str!("migrations/0001_event_log.sql")),
    Step::expand("the registry", include_str!("migrations/0002_registry.sql")),
];

/// Held while the schema changes, so that of many who begin at once one does it: a number that nobody else uses.
const LOCK: i64 = 0x6465_6564;
/// How long a step waits for a table that is being used: whoever uses it next waits behind the step.
const LOCK_TIMEOUT: &str = "3s";
/// From PostgreSQL 14 on, the server undoes the step of somebody who has gone, and does not finish it first.
const UNLESS_CUT_OFF: &str =
    "SELECT set_config(name, '2s', true) FROM pg_settings WHERE name = 'client_connection_check_interval'";
/// How often a step is tried again where a table is in use, and how long it is waited in between.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// A step from one version of the schema to the next: the first one leads to version 1.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    name: &'static str,
    sql: &'static str,
    needs: i32,
}

impl Step {
    /// A step that only adds (tables, indexes, columns that have a default), so that programs that do not know of it go on.
    pub const fn expand(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, needs: 0 }
    }

    /// A step after which only programs go on that know version `needs` of the schema: it takes away what older ones use.
    #[cfg(any(test, feature = "testing"))]
    pub const fn contract(name: &'static str, sql: &'static str, needs: i32) -> Self {
        Self { name, sql, needs }
    }
}

/// The schema as this program knows it.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Schema(Vec<Step>);

impl Default for Schema {
    fn default() -> Self {
        Self(STEPS.to_vec())
    }
}

/// The schema as it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    version: i32,
    /// Which version a program has to know at least.
    needs: i32,
}

impl Schema {
    #[cfg(feature = "testing")]
    pub(in crate::postgres) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// The latest version that this program knows.
    pub(in crate::postgres) fn known(&self) -> i32 {
        i32::try_from(self.0.len()).unwrap_or(i32::MAX)
    }

    /// Makes the schema in an empty database; any other one has to be as this program needs it.
    pub(in crate::postgres) async fn make_or_expect(&self, pool: &Pool) -> Result<(), OpenError> {
        let mut client = pool.get().await.map_err(SqlError::from)?;
        if self.found(&client).await?.version == 0 {
            let tx = client.transaction().await?;
            lock(&tx).await?;
            if self.found(&tx).await?.version == 0 {
                for number in 1..=self.known() {
                    self.make(&tx, number).await?;
                }
            }
            tx.commit().await?;
        }
        self.expect(&client).await
    }

    /// Checks that this program can work with the schema.
    ///
    /// # Errors
    /// [`OpenError::TooNew`], [`OpenError::TooOld`]; [`OpenError::Missing`] if there is none.
    pub(in crate::postgres) async fn expect(&self, client: &impl GenericClient) -> Result<(), OpenError> {
        match self.found(client).await?.version {
            0 => Err(OpenError::Missing),
            found if found < self.known() => Err(OpenError::TooOld { found, known: self.known() }),
            _ => Ok(()),
        }
    }

    /// The steps that are still to be made, by number and name.
    pub(in crate::postgres) async fn missing(&self, client: &impl GenericClient) -> Result<Vec<String>, OpenError> {
        let found = self.found(client).await?.version;
        Ok((found + 1..=self.known()).map(|number| self.told(number)).collect())
    }

    /// Makes the next step that is missing, in a transaction of its own, so that one that is cut off is made anew; of several
    /// who do this at once, one makes it. Gives the step that was made; none is left where it gives none.
    pub(in crate::postgres) async fn make_next(&self, client: &mut Client) -> Result<Option<String>, OpenError> {
        let mut attempts = 1;
        loop {
            match self.try_next(client).await {
                Err(OpenError::InUse) if attempts < ATTEMPTS => {
                    attempts += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                made => return made,
            }
        }
    }

    async fn try_next(&self, client: &mut Client) -> Result<Option<String>, OpenError> {
        let tx = client.transaction().await?;
        lock(&tx).await?;
        let number = self.found(&tx).await?.version + 1;
        if number > self.known() {
            return Ok(None);
        }
        tx.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; {UNLESS_CUT_OFF}")).await?;
        let made = async {
            if number > 1 {
                // First, as everybody takes it first; and so nobody appends who has not seen what the step asks for.
                log_end::lock(&tx).await?;
            }
            self.make(&tx, number).await
        };
        match made.await {
            Ok(()) => {}
            Err(SqlError::Postgres(error)) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                return Err(OpenError::InUse);
            }
            Err(error) => return Err(error.into()),
        }
        tx.commit().await?;
        Ok(Some(self.told(number)))
    }

    async fn make(&self, tx: &Transaction<'_>, number: i32) -> Result<(), SqlError> {
        let step = self.step(number);
        tx.batch_execute(step.map_or("", |step| step.sql)).await?;
        if number == 1 {
            execute(tx, "INSERT INTO schema_version (version, needs) VALUES (0, 0)", &[]).await?;
        }
        let needs = step.map_or(0, |step| step.needs);
        let sql = "UPDATE schema_version SET version = $1, needs = greatest(needs, $2)";
        execute(tx, sql, &[&number, &needs]).await.map(drop)
    }

    fn step(&self, number: i32) -> Option<&Step> {
        usize::try_from(number - 1).ok().and_then(|index| self.0.get(index))
    }

    fn told(&self, number: i32) -> String {
        format!("schema version {number}: {}", self.step(number).map_or("", |step| step.name))
    }

    /// Nothing is version 0.
    async fn found(&self, client: &impl GenericClient) -> Result<Found, OpenError> {
        let sql = "SELECT to_regclass('schema_version') IS NOT NULL, current_setting('server_encoding')";
        let seen = query_one(client, sql, &[]).await?;
        if seen.get::<_, &str>(1) != "UTF8" {
            return Err(OpenError::Encoding(seen.get(1)));
        }
        let mut found = Found { version: 0, needs: 0 };
        if seen.get(0)
            && let Some(row) = query_opt(client, "SELECT version, needs FROM schema_version", &[]).await?
        {
            found = Found { version: row.get(0), needs: row.get(1) };
        }
        match found.needs > self.known() {
            true => Err(OpenError::TooNew { found: found.version, needs: found.needs, known: self.known() }),
            false => Ok(found),
        }
    }
}

async fn lock(tx: &Transaction<'_>) -> Result<(), SqlError> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    // Also so that the server looks anew whether it is there: it may remember that it was not.
    let table = "CREATE TABLE IF NOT EXISTS schema_version (version int NOT NULL, needs int NOT NULL)";
    Ok(tx.batch_execute(table).await?)
}
