//! Goes on with deletions of customers and tenants that were too large to be finished in their request, or were cut off.

use std::{borrow::Cow, sync::Arc, time::Duration};

use deed_domain::{
    deletions::Deletions,
    metadata::{Actor, Caller, Transport},
    ports::{Clock, Entropy},
};
use tokio_util::sync::CancellationToken;

/// How often marks are looked for; the look-up finds nothing most of the time, and finds that at once.
const EVERY: Duration = Duration::from_secs(1);

/// Finishes what is marked as being deleted.
#[derive(Clone)]
pub(crate) struct DeletionWorker {
    deletions: Deletions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl DeletionWorker {
    /// A worker over these.
    pub(crate) fn new(deletions: Deletions, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { deletions, clock, entropy }
    }

    /// Works until it is told to stop. What cannot be finished is tried again.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let work = async {
            loop {
                self.round().await;
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = stopping.cancelled() => {}
        }
    }

    async fn round(&self) {
        let correlation_id = Cow::Owned(format!("deletion-{}", self.entropy.new_id(self.clock.now())));
        let caller = Caller { actor: Actor::System, transport: Transport::Internal, correlation_id, command_id: None };
        match self.deletions.go_on(&caller).await {
            Ok(0) => {}
            Ok(finished) => tracing::info!(finished, "deletions of customers or tenants are finished"),
            Err(error) => tracing::warn!(%error, "a deletion could not be finished; trying again"),
        }
    }
}
