//! Commands that their callers named: carried out once, answered the same for a day.

use deed_domain::{
    device::Refusal,
    ids::DeviceId,
    ports::CommandName,
    time::{DAY, Timestamp},
};
use rusqlite::{Connection, params};

use crate::sqlite::{
    error::SqlError,
    values::{Column, IdText},
};

/// Old answers that are forgotten whenever a new one is kept.
const FORGOTTEN_AT_ONCE: u32 = 16;

/// What a command was answered.
pub(super) struct Answer {
    pub(super) device_id: DeviceId,
    pub(super) at: Timestamp,
    pub(super) result: Result<(), Refusal>,
}

/// The answer that this command got before, if it did.
pub(super) fn answered(tx: &Connection, command: CommandName) -> Result<Option<Answer>, SqlError> {
    let CommandName::Once(id) = command else { return Ok(None) };
    let mut statement =
        tx.prepare_cached("SELECT command_id, device_id, refusal, answered_at FROM commands WHERE command_id = ?1")?;
    let mut rows = statement.query([IdText::new(id.0)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let column = |name, index| Column::new("commands", name, index);
    let refusal = column("refusal", 2).optional_word(row, |json| serde_json::from_str(json).ok())?;
    let at = Timestamp(row.get(3)?);
    Ok(Some(Answer { device_id: column("device_id", 1).id(row)?, at, result: refusal.map_or(Ok(()), Err) }))
}

/// Keeps the answer, and forgets a few that are older than a day.
pub(super) fn record(
    tx: &Connection,
    command: CommandName,
    device_id: DeviceId,
    result: &Result<(), Refusal>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let CommandName::Once(id) = command else { return Ok(()) };
    let refusal = result.as_ref().err().map(serde_json::to_string).transpose();
    let refusal = refusal.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    tx.prepare_cached(
        "DELETE FROM commands WHERE command_id IN
         (SELECT command_id FROM commands WHERE answered_at < ?1 ORDER BY answered_at LIMIT ?2)",
    )?
    .execute(params![now.plus(-DAY).0, FORGOTTEN_AT_ONCE])?;
    tx.prepare_cached("INSERT INTO commands (command_id, device_id, answered_at, refusal) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![IdText::new(id.0), IdText::new(device_id.0), now.0, refusal])?;
    Ok(())
}
