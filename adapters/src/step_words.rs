//! The words in the history of claiming, read back.

use deed_domain::{
    codec,
    device::{ClaimRefusedReason, IssueRefusedReason, KeyOrigin, LockScope, RevokeReason, UnassignReason},
};

/// The word as the frozen name of an event.
pub(crate) fn step(word: &str) -> Option<&'static str> {
    codec::CURRENT.iter().map(|(name, _)| *name).find(|name| *name == word)
}

/// The word as one of those that events know.
pub(crate) fn reason(word: &str) -> Option<&'static str> {
    KeyOrigin::parse(word)
        .map(KeyOrigin::as_str)
        .or_else(|| RevokeReason::parse(word).map(RevokeReason::as_str))
        .or_else(|| IssueRefusedReason::parse(word).map(IssueRefusedReason::as_str))
        .or_else(|| ClaimRefusedReason::parse(word).map(ClaimRefusedReason::as_str))
        .or_else(|| LockScope::parse(word).map(LockScope::as_str))
        .or_else(|| UnassignReason::parse(word).map(UnassignReason::as_str))
}
