//! Records the keys whose time ran out. No rule waits for it: a key stops working by itself; this makes the log tell it.

use std::{borrow::Cow, collections::HashSet, sync::Arc, time::Duration};

use deed_domain::{
    claims::{Claims, Failure},
    ids::DeviceId,
    metadata::{Actor, Caller, Transport},
    ports::{AppendError, Clock, DeviceIdentity, Feed, Scope, StoreError},
    time::Timestamp,
};
use deed_projections::{DueDevice, ReadModels};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Devices that are looked up at once.
const BATCH: usize = 256;
/// However much happens, the next expiry is looked up no more often than this.
const RECHECK: Duration = Duration::from_secs(1);
/// However little happens, it is looked up this often, as the wall clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Appends `ClaimExpired` for keys whose time ran out, also for those that ran out while the service was down.
pub(crate) struct ExpiryWorker {
    claims: Claims,
    keys: Arc<dyn ReadModels>,
    feed: Arc<dyn Feed>,
    clock: Arc<dyn Clock>,
    /// Devices whose history cannot be read. They are told once, and left alone until the service starts anew.
    damaged: HashSet<DeviceId>,
}

impl ExpiryWorker {
    /// A worker over these.
    pub(crate) fn new(claims: Claims, keys: Arc<dyn ReadModels>, feed: Arc<dyn Feed>, clock: Arc<dyn Clock>) -> Self {
        Self { claims, keys, feed, clock, damaged: HashSet::new() }
    }

    /// Works until it is told to stop. A store that does not answer is asked again.
    pub(crate) async fn run(mut self, stopping: CancellationToken) {
        tokio::select! {
            () = self.work() => {}
            () = stopping.cancelled() => {}
        }
    }

    async fn work(&mut self) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "expired keys could not be recorded; trying again");
                tokio::time::sleep(RECHECK).await;
            }
        }
    }

    /// Records what is due, then sleeps until there may be more.
    async fn round(&mut self) -> Result<(), StoreError> {
        let all_recorded = self.record_due().await?;
        let head = self.feed.head().await?;
        let next = self.keys.next_expiry().await?;
        // What is due all the same, another node has taken.
        let is_due = next.is_some_and(|next| next < self.clock.now());
        let until_next = if all_recorded && !is_due { self.until(next) } else { RECHECK };
        tokio::select! {
            () = tokio::time::sleep(until_next) => Ok(()),
            // Something was appended, perhaps a key that expires earlier.
            noticed = async { self.feed.subscribe(Scope::All, head).next().await } => {
                noticed?;
                tokio::time::sleep(until_next.min(RECHECK)).await;
                Ok(())
            }
        }
    }

    /// Records what is due; false if something stays due, which must not be tried again at once.
    async fn record_due(&mut self) -> Result<bool, StoreError> {
        loop {
            let mut due = self.keys.take_due(self.clock.now(), BATCH + self.damaged.len()).await?;
            due.retain(|device| !self.damaged.contains(&device.device_id));
            if due.is_empty() {
                return Ok(true);
            }
            let caller = caller(self.clock.now());
            // All at once, so that they share a transaction.
            let mut expiring = JoinSet::new();
            for DueDevice { tenant_id, device_id } in due {
                let (claims, caller) = (self.claims.clone(), caller.clone());
                expiring.spawn(async move {
                    (device_id, claims.expire(&caller, DeviceIdentity { device_id, tenant_id }).await)
                });
            }
            let mut recorded = 0;
            let mut unavailable = Ok(());
            for (device_id, expired) in expiring.join_all().await {
                match expired {
                    Ok(keys) => recorded += keys,
                    Err(Failure::NotAppended(AppendError::Store(error @ StoreError::Unavailable(_)))) => {
                        unavailable = Err(error);
                    }
                    Err(Failure::NotAppended(AppendError::Store(error))) => {
                        tracing::error!(%error, %device_id, "expired keys cannot be recorded; run `deed check`");
                        self.damaged.insert(device_id);
                    }
                    Err(error) => tracing::warn!(%error, %device_id, "an expired key could not be recorded"),
                }
            }
            metrics::counter!("deed_expired_keys_total").increment(recorded as u64);
            unavailable?;
            if recorded == 0 {
                return Ok(false);
            }
        }
    }

    /// How long it is until the first millisecond in which the key does not work any more.
    fn until(&self, next: Option<Timestamp>) -> Duration {
        let Some(next) = next else { return LONGEST_SLEEP };
        let milliseconds = next.plus(1).since(self.clock.now());
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)).min(LONGEST_SLEEP)
    }
}

fn caller(now: Timestamp) -> Caller {
    let correlation_id = Cow::Owned(format!("expiry-{now}"));
    Caller { actor: Actor::System, transport: Transport::Internal, correlation_id, command_id: None }
}

#[cfg(test)]
mod tests;
