//! Given these events, when this is asked, then that happens.

use deed_domain::{
    device::{
        ClaimPolicy, ClaimantCounts, CountChange, Decision, Device, DeviceCommand, DeviceEvent, Facts, GuessWindow,
        Refusal, RefusalKind, decide,
    },
    time::Timestamp,
};

use crate::people::START;

/// A device with a past.
pub(crate) struct Given {
    events: Vec<DeviceEvent>,
    facts: Facts,
}

/// What came of a command.
pub(crate) struct Then {
    decision: Decision,
    after: Device,
}

pub(crate) fn given(events: impl IntoIterator<Item = DeviceEvent>) -> Given {
    let facts = Facts { now: START, policy: ClaimPolicy::default(), counts: ClaimantCounts::default() };
    Given { events: events.into_iter().collect(), facts }
}

pub(crate) fn fold(events: &[DeviceEvent]) -> Device {
    let mut device = Device::default();
    events.iter().for_each(|event| device.evolve(event));
    device
}

impl Given {
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.facts.now = now;
        self
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut ClaimPolicy)) -> Self {
        change(&mut self.facts.policy);
        self
    }

    pub(crate) fn allowed_by_default(self) -> Self {
        self.policy(|policy| policy.allow_by_default = true)
    }

    pub(crate) fn suppressed(mut self, kind: RefusalKind, count: u32) -> Self {
        self.facts.counts.suppressed.0.push((kind, count));
        self
    }

    pub(crate) const fn guesses(mut self, since: Timestamp, count: u32) -> Self {
        self.facts.counts.guesses = GuessWindow { since, count };
        self
    }

    pub(crate) fn when(self, command: DeviceCommand) -> Then {
        let mut after = fold(&self.events);
        let decision = decide(&after, &command, &self.facts);
        decision.events.iter().for_each(|event| after.evolve(event));
        Then { decision, after }
    }
}

impl Then {
    /// It is carried out, and exactly this happens.
    #[track_caller]
    pub(crate) fn then_events(self, events: impl IntoIterator<Item = DeviceEvent>) -> Device {
        assert_eq!(self.decision.result, Ok(()));
        assert_eq!(self.decision.events, events.into_iter().collect::<Vec<_>>());
        self.after
    }

    /// It is carried out, whatever happens.
    #[track_caller]
    pub(crate) fn then_accepted(self) -> Device {
        assert_eq!(self.decision.result, Ok(()));
        self.after
    }

    /// It is carried out, and nothing happens.
    #[track_caller]
    pub(crate) fn then_nothing(self) {
        self.then_events([]);
    }

    /// It is refused without a trace.
    #[track_caller]
    pub(crate) fn then_refused(self, refusal: Refusal) {
        self.then_refused_with(refusal, []);
    }

    /// It is refused, and exactly this is recorded.
    #[track_caller]
    pub(crate) fn then_refused_with(self, refusal: Refusal, events: impl IntoIterator<Item = DeviceEvent>) {
        assert_eq!(self.decision.result, Err(refusal));
        assert_eq!(self.decision.events, events.into_iter().collect::<Vec<_>>());
    }

    /// What happened, for a test that looks at a part of it.
    pub(crate) fn events(&self) -> &[DeviceEvent] {
        &self.decision.events
    }

    /// Exactly this is counted beside the log.
    #[track_caller]
    pub(crate) fn and_counts(self, counts: impl IntoIterator<Item = CountChange>) -> Self {
        assert_eq!(self.decision.counts, counts.into_iter().collect::<Vec<_>>());
        self
    }
}
