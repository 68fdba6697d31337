//! A customer presents a key.

use super::{Decision, Facts, limits, retire};
use crate::{
    claim_key::PresentedKey,
    device::{
        event::{ClaimRefusedReason, DeviceEvent, RevokeReason},
        state::{Acquired, ActiveKey, Registered},
    },
    ids::{CustomerId, Epoch, UserId},
};

pub(super) fn claim(
    device: &Registered,
    customer_id: CustomerId,
    user_id: UserId,
    key: &PresentedKey,
    facts: &Facts,
) -> Decision {
    if is_repeated_by_owner(device, customer_id, key) {
        return Decision::accept(Vec::new());
    }
    let attempt = limits::Attempt { device, customer_id, user_id, facts };
    if let Some(until) = attempt.locked_until() {
        return attempt.refuse_locked(until);
    }
    let now = facts.now;
    // Every key is compared, so that the time taken does not tell which one was near.
    let matched = device.valid_keys(now).fold(None, |found, active| {
        let fits = key.matches(&active.digest);
        found.or(fits.then_some(active))
    });
    let has_active_key = device.valid_keys(now).next().is_some();
    match (&device.owner, matched) {
        (None, Some(used)) => {
            let mut events = vec![DeviceEvent::DeviceClaimed {
                at: now,
                customer_id,
                user_id,
                key_id: used.key_id,
                epoch: Epoch(device.epoch.0 + 1),
                version: device.version + 1,
            }];
            events.extend(device.keys.iter().map(|key| {
                let reason = if key.key_id == used.key_id { RevokeReason::Used } else { RevokeReason::Claimed };
                retire(key, reason, now)
            }));
            events.extend(super::ownership::clear_switch(device, now));
            Decision::accept(events)
        }
        (Some(_), Some(_)) => attempt.refuse(ClaimRefusedReason::AlreadyClaimed),
        (Some(owner), None) if owner.customer_id == customer_id => attempt.refuse(ClaimRefusedReason::AlreadyClaimed),
        (_, None) if has_active_key => attempt.refuse_wrong_key(),
        (_, None) if expired(device, facts).any(|expired| key.matches(&expired.digest)) => {
            attempt.refuse(ClaimRefusedReason::Expired)
        }
        // It may come again, so it must not be found out while it does not work (ADR 14).
        (_, None) if expired(device, facts).next().is_some() => attempt.refuse_wrong_key(),
        (Some(_), None) if device.attribute.is_some() => attempt.refuse(ClaimRefusedReason::NothingToClaim),
        (Some(_), None) => attempt.refuse(ClaimRefusedReason::AlreadyClaimed),
        (None, None) => attempt.refuse(ClaimRefusedReason::NothingToClaim),
    }
}

/// A claim by somebody who never may. No key was compared, so nothing was guessed.
pub(super) fn refuse(device: &Registered, customer_id: CustomerId, user_id: UserId, facts: &Facts) -> Decision {
    limits::Attempt { device, customer_id, user_id, facts }.refuse(ClaimRefusedReason::NotAllowed)
}

/// The retry of a claim whose answer was lost: the success it was.
fn is_repeated_by_owner(device: &Registered, customer_id: CustomerId, key: &PresentedKey) -> bool {
    let Some(owner) = &device.owner else { return false };
    match &owner.acquired {
        Acquired::Claim { digest: Some(digest), .. } => owner.customer_id == customer_id && key.matches(digest),
        Acquired::Claim { digest: None, .. } | Acquired::Assignment => false,
    }
}

/// Keys that were right once; their holder may know that their time ran out.
fn expired<'a>(device: &'a Registered, facts: &Facts) -> impl Iterator<Item = &'a ActiveKey> {
    let now = facts.now;
    device.expired.iter().chain(device.keys.iter().filter(move |active| active.is_expired_at(now)))
}
