//! Claim and reclaim (`docs/protocol.md`, claim and reclaim).

pub(crate) mod claim;
pub(crate) mod reclaim;
