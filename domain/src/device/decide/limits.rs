//! Refusals as events, within limits, so that failures are on record and nobody can grow the log with them; and the
//! limits on guessing, which only ever stop the one who guesses.

use super::{CountChange, Decision, Facts, GuessWindow};
use crate::{
    device::{
        event::{ClaimRefusedReason, DeviceEvent, IssueRefusedReason, KeyOrigin, LockScope},
        policy::ClaimPolicy,
        refusal::Refusal,
        state::{RefusalKind, Registered, WrongKeys},
    },
    ids::{CustomerId, UserId},
    time::Timestamp,
};

/// One claimant's try at one device.
pub(super) struct Attempt<'a> {
    pub(super) device: &'a Registered,
    pub(super) customer_id: CustomerId,
    pub(super) user_id: UserId,
    pub(super) facts: &'a Facts,
}

impl Attempt<'_> {
    /// Until when the claimant has to wait, if it has to.
    pub(super) fn locked_until(&self) -> Option<Timestamp> {
        let Facts { now, policy, counts } = self.facts;
        let here = self
            .device
            .guesses_of(self.customer_id)
            .filter(|_| policy.guess_limit > 0)
            .map(|record| record.locked_until);
        let everywhere = (policy.guess_limit_overall > 0 && counts.guesses.count >= policy.guess_limit_overall)
            .then(|| counts.guesses.since.plus(ClaimPolicy::REFUSAL_WINDOW_MS));
        here.max(everywhere).filter(|until| now < until)
    }

    pub(super) fn refuse_locked(&self, until: Timestamp) -> Decision {
        Decision {
            result: Err(Refusal::ClaimantLocked { until }),
            ..self.record(ClaimRefusedReason::Locked, 0, None, false)
        }
    }

    /// Refuses without counting a guess.
    pub(super) fn refuse(&self, reason: ClaimRefusedReason) -> Decision {
        Decision { result: Err(refusal_for(reason)), ..self.record(reason, 0, None, false) }
    }

    /// Refuses and counts: the claimant on this device, the claimant over all devices, the device over all claimants.
    pub(super) fn refuse_wrong_key(&self) -> Decision {
        let Facts { now, policy, counts } = self.facts;
        let at = *now;
        let record = self.device.guesses_of(self.customer_id).filter(|record| !record.is_forgotten_at(at));
        // What waits to be told from before the record began does not count any more.
        let suppressed = counts.suppressed.of(self.kind(ClaimRefusedReason::WrongKey));
        let failures =
            record.map_or(0, |record| record.failures.saturating_add(suppressed.saturating_sub(record.untold)));
        let failures = failures.saturating_add(1);

        let lock = (policy.guess_limit > 0 && failures >= policy.guess_limit).then(|| {
            let doublings = record.map_or(0, |record| record.locks).min(16);
            let until = at.plus((ClaimPolicy::FIRST_LOCK_MS << doublings).min(ClaimPolicy::LONGEST_LOCK_MS));
            (until, LockScope::Device)
        });
        let guesses = counts.guesses.one_more(at);
        let lock_everywhere = (policy.guess_limit_overall > 0 && guesses.count == policy.guess_limit_overall)
            .then(|| (guesses.since.plus(ClaimPolicy::REFUSAL_WINDOW_MS), LockScope::AllDevices));
        let locks: Vec<_> = lock.into_iter().chain(lock_everywhere).collect();

        let wrong_keys = self.device.wrong_keys.at(at);
        let on_device = wrong_keys.count.saturating_add(self.untold_within(wrong_keys)).saturating_add(1);
        let alert = (policy.alert_threshold > 0 && !wrong_keys.alerted && on_device >= policy.alert_threshold)
            .then_some(on_device);

        // The first of a record is always told, or there would be no record to count on.
        let mut decision = self.record(ClaimRefusedReason::WrongKey, failures, alert, record.is_none());
        decision.events.extend(locks.into_iter().map(|(until, scope)| DeviceEvent::ClaimantLocked {
            at,
            customer_id: self.customer_id,
            until,
            failures,
            scope,
        }));
        decision.counts.push(CountChange::Guesses(self.customer_id, guesses));
        Decision { result: Err(Refusal::WrongKey), ..decision }
    }

    /// Wrong keys of all claimants within that window that have no event of their own.
    fn untold_within(&self, window: WrongKeys) -> u32 {
        let counted = |kind: &RefusalKind| match kind {
            RefusalKind::Claim(claimant, ClaimRefusedReason::WrongKey) => self.device.guessed_within(*claimant, window),
            RefusalKind::Claim(..) | RefusalKind::Issue(..) => false,
        };
        let suppressed = &self.facts.counts.suppressed.0;
        suppressed.iter().filter(|(kind, _)| counted(kind)).fold(0, |sum: u32, (_, count)| sum.saturating_add(*count))
    }

    /// The refusal's event, or, past the limit, its count for the next one. An alert is always told; a lock
    /// has an event of its own.
    fn record(&self, reason: ClaimRefusedReason, failures: u32, alert: Option<u32>, always: bool) -> Decision {
        let (customer_id, user_id) = (self.customer_id, self.user_id);
        let at = self.facts.now;
        limited(self.device, self.kind(reason), always || alert.is_some(), self.facts, |suppressed| {
            DeviceEvent::ClaimRefused { at, customer_id, user_id, reason, failures, suppressed, alert }
        })
    }

    const fn kind(&self, reason: ClaimRefusedReason) -> RefusalKind {
        RefusalKind::Claim(self.customer_id, reason)
    }
}

pub(super) fn refuse_issue(
    device: &Registered,
    origin: KeyOrigin,
    reason: IssueRefusedReason,
    facts: &Facts,
) -> Decision {
    let at = facts.now;
    let refusal = match reason {
        IssueRefusedReason::AlreadyClaimed => Refusal::AlreadyClaimed,
        IssueRefusedReason::OtherGateway => Refusal::NotItsGateway,
        IssueRefusedReason::NotAllowed | IssueRefusedReason::Undecodable => Refusal::ClaimingNotAllowed,
    };
    let decision = limited(device, RefusalKind::Issue(origin, reason), false, facts, |suppressed| {
        DeviceEvent::IssueRefused { at, origin, reason, key_id: None, suppressed }
    });
    Decision { result: Err(refusal), ..decision }
}

fn limited(
    device: &Registered,
    kind: RefusalKind,
    always: bool,
    facts: &Facts,
    event: impl FnOnce(u32) -> DeviceEvent,
) -> Decision {
    let suppressed = facts.counts.suppressed.of(kind);
    if !always && device.recorded_refusals(kind, facts.now) >= ClaimPolicy::REFUSAL_EVENTS {
        let counts = vec![CountChange::Suppressed(kind, suppressed.saturating_add(1))];
        return Decision { counts, ..Decision::accept(Vec::new()) };
    }
    let counts = if suppressed > 0 { vec![CountChange::Suppressed(kind, 0)] } else { Vec::new() };
    Decision { counts, ..Decision::accept(vec![event(suppressed)]) }
}

impl Registered {
    fn recorded_refusals(&self, kind: RefusalKind, now: Timestamp) -> usize {
        let recent = |time: &&Timestamp| now.since(**time) < ClaimPolicy::REFUSAL_WINDOW_MS;
        self.refusals
            .iter()
            .find(|record| record.kind == kind)
            .map_or(0, |record| record.times.iter().filter(recent).count())
    }
}

impl GuessWindow {
    fn one_more(self, now: Timestamp) -> Self {
        if self.count > 0 && now.since(self.since) < ClaimPolicy::REFUSAL_WINDOW_MS {
            Self { count: self.count.saturating_add(1), ..self }
        } else {
            Self { since: now, count: 1 }
        }
    }
}

const fn refusal_for(reason: ClaimRefusedReason) -> Refusal {
    match reason {
        ClaimRefusedReason::WrongKey => Refusal::WrongKey,
        ClaimRefusedReason::Expired => Refusal::KeyExpired,
        ClaimRefusedReason::NothingToClaim => Refusal::NothingToClaim,
        ClaimRefusedReason::NotAllowed => Refusal::ClaimingNotAllowed,
        ClaimRefusedReason::AlreadyClaimed => Refusal::AlreadyClaimed,
        ClaimRefusedReason::Locked => Refusal::ClaimantLocked { until: Timestamp::MAX },
    }
}
