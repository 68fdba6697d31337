//! Counts beside the log: refusals without an event of their own, and a claimant's wrong keys over all devices.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::GenericClient;
use deed_domain::{
    device::{GuessWindow, RefusalKind},
    ids::{CustomerId, DeviceId},
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::{
    error::SqlError,
    values::{Column, execute, query},
};

/// Refusals on these devices that have no event of their own.
pub(super) async fn suppressed(
    client: &impl GenericClient,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, HashMap<RefusalKind, u32>>, SqlError> {
    let mut found: HashMap<DeviceId, HashMap<RefusalKind, u32>> = HashMap::new();
    if devices.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = devices.iter().map(|id| id.0).collect();
    let column = |name, index| Column::new("suppressed_refusals", name, index);
    let sql = "SELECT device_id, kind, count FROM suppressed_refusals WHERE device_id = ANY($1)";
    for row in &query(client, sql, &[&ids]).await? {
        let kind = column("kind", 1).word(row, |json| serde_json::from_str(json).ok())?;
        let of_device = found.entry(column("device_id", 0).id(row)?).or_default();
        of_device.insert(kind, column("count", 2).unsigned(row)?);
    }
    Ok(found)
}

/// The wrong keys of these customers.
pub(super) async fn guesses(
    client: &impl GenericClient,
    customers: &[CustomerId],
) -> Result<HashMap<CustomerId, GuessWindow>, SqlError> {
    if customers.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = customers.iter().map(|id| id.0).collect();
    let column = |name, index| Column::new("claimant_guesses", name, index);
    let sql = "SELECT customer_id, since, count FROM claimant_guesses WHERE customer_id = ANY($1)";
    let rows = query(client, sql, &[&ids]).await?;
    let read = |row: &tokio_postgres::Row| {
        let since = Timestamp(column("since", 1).get(row)?);
        Ok((column("customer_id", 0).id(row)?, GuessWindow { since, count: column("count", 2).unsigned(row)? }))
    };
    rows.iter().map(read).collect()
}

/// Counts that are to be written, as they are after the batch.
#[derive(Default)]
pub(super) struct NewCounts {
    forgotten: BTreeSet<DeviceId>,
    suppressed: BTreeMap<(DeviceId, RefusalKind), u32>,
    guesses: BTreeMap<CustomerId, GuessWindow>,
}

impl NewCounts {
    pub(super) fn suppress(&mut self, device_id: DeviceId, kind: RefusalKind, count: u32) {
        self.suppressed.insert((device_id, kind), count);
    }

    pub(super) fn guess(&mut self, customer_id: CustomerId, window: GuessWindow) {
        self.guesses.insert(customer_id, window);
    }

    /// Forgets what was counted on a device that is gone.
    pub(super) fn forget(&mut self, device_id: DeviceId) {
        self.suppressed.retain(|(of, _), _| *of != device_id);
        self.forgotten.insert(device_id);
    }

    pub(super) async fn write(&self, tx: &impl GenericClient) -> Result<(), SqlError> {
        if !self.forgotten.is_empty() {
            let ids: Vec<Uuid> = self.forgotten.iter().map(|id| id.0).collect();
            execute(tx, "DELETE FROM suppressed_refusals WHERE device_id = ANY($1)", &[&ids]).await?;
        }
        let zero = |count: &u32| *count == 0;
        self.write_suppressed(
            tx,
            zero,
            "DELETE FROM suppressed_refusals AS old USING new
             WHERE old.device_id = new.device_id AND old.kind = new.kind",
        )
        .await?;
        self.write_suppressed(
            tx,
            |count| !zero(count),
            "INSERT INTO suppressed_refusals (device_id, kind, count)
             SELECT device_id, kind, count FROM new
             ON CONFLICT (device_id, kind) DO UPDATE SET count = excluded.count",
        )
        .await?;
        if self.guesses.is_empty() {
            return Ok(());
        }
        let customers: Vec<Uuid> = self.guesses.keys().map(|id| id.0).collect();
        let since: Vec<i64> = self.guesses.values().map(|window| window.since.0).collect();
        let counts: Vec<i64> = self.guesses.values().map(|window| window.count.into()).collect();
        execute(
            tx,
            "INSERT INTO claimant_guesses (customer_id, since, count)
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
             ON CONFLICT (customer_id) DO UPDATE SET since = excluded.since, count = excluded.count",
            &[&customers, &since, &counts],
        )
        .await
        .map(drop)
    }

    async fn write_suppressed(
        &self,
        tx: &impl GenericClient,
        which: impl Fn(&u32) -> bool,
        statement: &str,
    ) -> Result<(), SqlError> {
        let (mut devices, mut kinds, mut counts) = (Vec::<Uuid>::new(), Vec::<String>::new(), Vec::<i64>::new());
        for ((device_id, kind), count) in self.suppressed.iter().filter(|(_, count)| which(count)) {
            devices.push(device_id.0);
            kinds.push(serde_json::to_string(kind).unwrap_or_default());
            counts.push(i64::from(*count));
        }
        if devices.is_empty() {
            return Ok(());
        }
        let new =
            "WITH new AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t (device_id, kind, count))";
        execute(tx, &format!("{new} {statement}"), &[&devices, &kinds, &counts]).await.map(drop)
    }
}
