//! Counts beside the log: refusals without an event of their own, and a claimant's wrong keys over all devices.

use deed_domain::{
    device::{ClaimantCounts, CountChange, GuessWindow, RefusalKind, Suppressed},
    ids::{CustomerId, DeviceId},
    ports::Counted,
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::sqlite::{
    error::SqlError,
    registry,
    values::{Column, IdText},
};

/// The counts that a command asks for.
pub(super) fn load(tx: &Connection, counted: &Counted, device_id: DeviceId) -> Result<ClaimantCounts, SqlError> {
    Ok(match counted {
        Counted::Nothing => ClaimantCounts::default(),
        Counted::Refusals => ClaimantCounts { suppressed: suppressed(tx, device_id)?, ..ClaimantCounts::default() },
        Counted::Claimant(customer_id) => ClaimantCounts {
            suppressed: suppressed(tx, device_id)?,
            guesses: guesses(tx, *customer_id)?,
            ..ClaimantCounts::default()
        },
        Counted::OwnAttributes(keys) => {
            ClaimantCounts { attributes: registry::own_attributes(tx, device_id, keys)?, ..ClaimantCounts::default() }
        }
    })
}

fn suppressed(tx: &Connection, device_id: DeviceId) -> Result<Suppressed, SqlError> {
    let column = |name, index| Column::new("suppressed_refusals", name, index);
    tx.prepare_cached("SELECT device_id, kind, count FROM suppressed_refusals WHERE device_id = ?1")?
        .query_and_then([IdText::new(device_id.0)], |row| {
            let kind: RefusalKind = column("kind", 1).word(row, |json| serde_json::from_str(json).ok())?;
            Ok((kind, column("count", 2).unsigned(row)?))
        })?
        .collect::<Result<_, SqlError>>()
        .map(Suppressed)
}

fn guesses(tx: &Connection, customer_id: CustomerId) -> Result<GuessWindow, SqlError> {
    let mut statement =
        tx.prepare_cached("SELECT customer_id, since, count FROM claimant_guesses WHERE customer_id = ?1")?;
    let mut rows = statement.query([IdText::new(customer_id.0)])?;
    let Some(row) = rows.next()? else { return Ok(GuessWindow::default()) };
    Ok(GuessWindow { since: Timestamp(row.get(1)?), count: Column::new("claimant_guesses", "count", 2).unsigned(row)? })
}

/// Writes the counts that a decision changed.
pub(super) fn save(tx: &Connection, device_id: DeviceId, changes: &[CountChange]) -> Result<(), SqlError> {
    for change in changes {
        match change {
            CountChange::Suppressed(kind, count) => {
                let kind = serde_json::to_string(kind);
                let kind = kind.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
                if *count == 0 {
                    tx.prepare_cached("DELETE FROM suppressed_refusals WHERE device_id = ?1 AND kind = ?2")?
                        .execute(params![IdText::new(device_id.0), kind])?;
                } else {
                    tx.prepare_cached(
                        "INSERT INTO suppressed_refusals (device_id, kind, count) VALUES (?1, ?2, ?3)
                         ON CONFLICT (device_id, kind) DO UPDATE SET count = excluded.count",
                    )?
                    .execute(params![IdText::new(device_id.0), kind, count])?;
                }
            }
            CountChange::Guesses(customer_id, window) => {
                tx.prepare_cached(
                    "INSERT INTO claimant_guesses (customer_id, since, count) VALUES (?1, ?2, ?3)
                     ON CONFLICT (customer_id) DO UPDATE SET since = excluded.since, count = excluded.count",
                )?
                .execute(params![IdText::new(customer_id.0), window.since.0, window.count])?;
            }
        }
    }
    Ok(())
}

/// Forgets what was counted on a device that is gone.
pub(super) fn forget(tx: &Connection, device_id: DeviceId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM suppressed_refusals WHERE device_id = ?1")?.execute([IdText::new(device_id.0)])?;
    Ok(())
}
