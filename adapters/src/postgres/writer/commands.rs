//! Commands that their callers named: carried out once, answered the same for a day.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use deed_domain::{
    device::Refusal,
    ids::{CommandId, DeviceId},
    time::{DAY, Timestamp},
};
use uuid::Uuid;

use crate::postgres::{
    error::SqlError,
    values::{Column, execute, query},
};

/// Old answers that are forgotten for each new one that is kept.
const FORGOTTEN_AT_ONCE: usize = 16;

/// What a command was answered.
pub(super) struct Answer {
    pub(super) device_id: DeviceId,
    pub(super) at: Timestamp,
    pub(super) result: Result<(), Refusal>,
}

/// The answers that these commands got before.
pub(super) async fn answered(
    client: &impl GenericClient,
    commands: &[CommandId],
) -> Result<HashMap<CommandId, Answer>, SqlError> {
    if commands.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = commands.iter().map(|id| id.0).collect();
    let sql = "SELECT command_id, device_id, refusal, answered_at FROM commands WHERE command_id = ANY($1)";
    let column = |name, index| Column::new("commands", name, index);
    let rows = query(client, sql, &[&ids]).await?;
    let read = |row: &tokio_postgres::Row| {
        let refusal = column("refusal", 2).optional_word(row, |json| serde_json::from_str(json).ok())?;
        let answer = Answer {
            device_id: column("device_id", 1).id(row)?,
            at: Timestamp(column("answered_at", 3).get(row)?),
            result: refusal.map_or(Ok(()), Err),
        };
        Ok((CommandId(column("command_id", 0).get(row)?), answer))
    };
    rows.iter().map(read).collect()
}

/// Answers that are to be kept.
#[derive(Default)]
pub(super) struct NewAnswers {
    commands: Vec<Uuid>,
    devices: Vec<Uuid>,
    refusals: Vec<Option<String>>,
}

impl NewAnswers {
    pub(super) fn push(
        &mut self,
        command: CommandId,
        device_id: DeviceId,
        result: &Result<(), Refusal>,
    ) -> Result<(), serde_json::Error> {
        self.refusals.push(result.as_ref().err().map(serde_json::to_string).transpose()?);
        self.commands.push(command.0);
        self.devices.push(device_id.0);
        Ok(())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Keeps them, and forgets a few that are older than a day.
    pub(super) async fn insert(&self, tx: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
        let forgotten = i64::try_from(self.commands.len() * FORGOTTEN_AT_ONCE).unwrap_or(i64::MAX);
        execute(
            tx,
            "DELETE FROM commands WHERE command_id IN
             (SELECT command_id FROM commands WHERE answered_at < $1 ORDER BY answered_at LIMIT $2)",
            &[&now.plus(-DAY).0, &forgotten],
        )
        .await?;
        execute(
            tx,
            "INSERT INTO commands (command_id, device_id, answered_at, refusal)
             SELECT command_id, device_id, $1, refusal
             FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS new (command_id, device_id, refusal)",
            &[&now.0, &self.commands, &self.devices, &self.refusals],
        )
        .await
        .map(drop)
    }
}
