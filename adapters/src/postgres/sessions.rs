//! Sessions of devices that began at one node, told to the others.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{DeviceId, DeviceSessionId},
    ports::StoreError,
    time::{DAY, Timestamp},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    PostgresStore,
    connection::CONNECTING,
    error::SqlError,
    values::{Column, commit, execute, query, query_one, signed, within},
};

/// How long those that begin one after another are gathered, to be written together.
const GATHER: Duration = Duration::from_millis(25);
/// Most that are written at once.
const MOST: usize = 4_096;
/// How long it is waited after what could not be written.
const PAUSE: Duration = Duration::from_millis(500);
/// Most that are heard at once.
const HEARD_AT_ONCE: i64 = 50_000;
/// Old rows that are forgotten at once.
const FORGOTTEN_AT_ONCE: i64 = 100_000;

/// Those that are still to be told: of each device the last one.
#[derive(Default)]
pub(in crate::postgres) struct NewSessions {
    waiting: Mutex<HashMap<DeviceId, DeviceSessionId>>,
    notify: Notify,
}

impl NewSessions {
    /// Has one told.
    pub(in crate::postgres) fn add(&self, device_id: DeviceId, session: DeviceSessionId) {
        self.waiting().insert(device_id, session);
        self.notify.notify_one();
    }

    fn take(&self) -> Vec<(DeviceId, DeviceSessionId)> {
        let mut waiting = self.waiting();
        let ids: Vec<DeviceId> = waiting.keys().take(MOST).copied().collect();
        ids.into_iter().filter_map(|id| waiting.remove_entry(&id)).collect()
    }

    fn put_back(&self, begun: Vec<(DeviceId, DeviceSessionId)>) {
        let mut waiting = self.waiting();
        for (device_id, session) in begun {
            if let Entry::Vacant(vacant) = waiting.entry(device_id) {
                vacant.insert(session);
            }
        }
        self.notify.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<DeviceId, DeviceSessionId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells again and again what has begun. Ends with the store.
pub(in crate::postgres) fn start(store: &PostgresStore) {
    let (stopping, begun) = (store.0.stopping.clone(), Arc::clone(&store.0.sessions));
    let store = Arc::downgrade(&store.0);
    let tell = async move {
        loop {
            begun.notify.notified().await;
            tokio::time::sleep(GATHER).await;
            loop {
                let batch = begun.take();
                let Some(store) = store.upgrade().map(PostgresStore) else { return };
                if batch.is_empty() {
                    break;
                }
                if let Err(error) = store.write_begun(&batch).await {
                    tracing::debug!(error = %StoreError::from(error), "other nodes are told of sessions later");
                    begun.put_back(batch);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::spawn(async move { stopping.run_until_cancelled(tell).await });
}

impl PostgresStore {
    async fn write_begun(&self, begun: &[(DeviceId, DeviceSessionId)]) -> Result<(), SqlError> {
        let mut client = self.connection().await?;
        let tx = within(CONNECTING, client.transaction()).await?;
        // Whoever holds the row numbers its own before the next one does.
        let count = signed(begun.len() as u64);
        let row = query_one(&tx, "UPDATE session_end SET number = number + $1 RETURNING number", &[&count]).await?;
        let end: i64 = Column::new("session_end", "number", 0).get(&row)?;
        let (devices, sessions): (Vec<Uuid>, Vec<Uuid>) =
            begun.iter().map(|(device_id, session)| (device_id.0, session.0)).unzip();
        execute(
            &tx,
            "INSERT INTO sessions (number, node, device_id, session, begun_at)
             SELECT $1::bigint + row_number() OVER (), $2::uuid, device_id, session, $3::bigint
             FROM unnest($4::uuid[], $5::uuid[]) AS new (device_id, session)",
            &[&(end - count), &self.node(), &self.now().0, &devices, &sessions],
        )
        .await?;
        commit(tx).await
    }
}

/// The number of the last one.
pub(in crate::postgres) async fn last(client: &impl GenericClient) -> Result<i64, SqlError> {
    Column::new("session_end", "number", 0).get(&query_one(client, "SELECT number FROM session_end", &[]).await?)
}

/// What began at other nodes after one number and up to another, and up to which number that is: a node that was cut off for
/// long looks several times.
pub(in crate::postgres) async fn of_others(
    client: &impl GenericClient,
    node: Uuid,
    after: i64,
    up_to: i64,
) -> Result<(Vec<(DeviceId, DeviceSessionId)>, i64), SqlError> {
    let up_to = up_to.min(after + HEARD_AT_ONCE);
    let sql = "SELECT number, device_id, session FROM sessions WHERE number > $1 AND number <= $2 AND node <> $3";
    let column = |name, index| Column::new("sessions", name, index);
    let rows = query(client, sql, &[&after, &up_to, &node]).await?;
    let began = rows.iter().map(|row| Ok((column("device_id", 1).id(row)?, column("session", 2).id(row)?)));
    Ok((began.collect::<Result<_, SqlError>>()?, up_to))
}

/// Forgets what is older than a day.
pub(in crate::postgres) async fn forget(client: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
    execute(
        client,
        "DELETE FROM sessions WHERE number IN
         (SELECT number FROM sessions WHERE begun_at < $1 ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED)",
        &[&now.plus(-DAY).0, &FORGOTTEN_AT_ONCE],
    )
    .await
    .map(drop)
}
