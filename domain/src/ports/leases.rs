//! Work that one node does at a time.

use std::time::Duration;

use async_trait::async_trait;

use crate::ports::StoreError;

/// How long work is a node's before it has to be asked for again. One that dies is followed by another after this time.
pub const LEASE: Duration = Duration::from_secs(6);

/// Whose turn it is, among the nodes on one database. Where one process serves alone, it is always its own.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Makes the work this node's for [`LEASE`] from the call on, unless it is another's; says whether it is this node's.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be found out; what was said before goes on to hold.
    async fn hold(&self, _work: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Leaves it to others.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be told; the time will tell them.
    async fn release(&self, _work: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
