//! State + command → events, or a refusal. Pure: everything that is not in the state comes in with [`Facts`].

mod claim;
mod issue;
mod limits;
mod ownership;
mod registry;

use crate::{
    device::{
        command::DeviceCommand,
        event::DeviceEvent,
        policy::ClaimPolicy,
        refusal::Refusal,
        state::{Device, RefusalKind, Registered},
    },
    ids::CustomerId,
    time::Timestamp,
};

/// What a decision depends on besides the device's state.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The time of the append: never before that of any recorded event.
    pub now: Timestamp,
    /// The installation's rules.
    pub policy: ClaimPolicy,
    /// What was counted beside the log.
    pub counts: ClaimantCounts,
}

/// Counts that one device's events cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimantCounts {
    /// Refusals on this device that have no event of their own yet.
    pub suppressed: Suppressed,
    /// The claimant's wrong keys over all devices.
    pub guesses: GuessWindow,
    /// What the device's own attributes take.
    pub attributes: OwnAttributes,
}

/// What a device's own attributes take, before some of them are written: bytes of their keys, and of their values as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnAttributes {
    /// All of them.
    pub all: u64,
    /// Those that are not written.
    pub others: u64,
}

/// Refusals without an event of their own, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed(pub Vec<(RefusalKind, u32)>);

impl Suppressed {
    fn of(&self, kind: RefusalKind) -> u32 {
        self.0.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count)
    }
}

/// A claimant's wrong keys over all devices, within the hour that began at `since`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuessWindow {
    /// The first wrong key of the window.
    pub since: Timestamp,
    /// How many there were.
    pub count: u32,
}

/// A count to write in the append's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountChange {
    /// So many refusals of that kind on this device have no event of their own; 0 forgets them.
    Suppressed(RefusalKind, u32),
    /// The claimant's wrong keys over all devices.
    Guesses(CustomerId, GuessWindow),
}

/// The answer to a command: what happened, and whether it is what was asked for. A refusal can leave events, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// To be appended.
    pub events: Vec<DeviceEvent>,
    /// To be counted.
    pub counts: Vec<CountChange>,
    /// Whether the command was carried out.
    pub result: Result<(), Refusal>,
}

impl Decision {
    const fn accept(events: Vec<DeviceEvent>) -> Self {
        Self { events, counts: Vec::new(), result: Ok(()) }
    }

    const fn refuse(refusal: Refusal) -> Self {
        Self { events: Vec::new(), counts: Vec::new(), result: Err(refusal) }
    }
}

impl From<Result<Vec<DeviceEvent>, Refusal>> for Decision {
    fn from(result: Result<Vec<DeviceEvent>, Refusal>) -> Self {
        match result {
            Ok(events) => Self::accept(events),
            Err(refusal) => Self::refuse(refusal),
        }
    }
}

/// Decides one command.
pub fn decide(device: &Device, command: &DeviceCommand, facts: &Facts) -> Decision {
    let now = facts.now;
    let device = match (device, command) {
        (Device::Registered(device), _) => &**device,
        (Device::Unregistered, DeviceCommand::RegisterDevice { .. }) => {
            return Decision::accept(registry::register(command, now));
        }
        (Device::Unregistered | Device::Removed, _) => return Decision::refuse(Refusal::DeviceNotFound),
    };
    match command {
        DeviceCommand::RegisterDevice { .. } => Decision::refuse(Refusal::VersionConflict),
        DeviceCommand::ChangeDevice { .. } => registry::change(device, command, now).into(),
        DeviceCommand::RemoveDevice => Decision::accept(registry::remove(device, now)),
        DeviceCommand::AllowClaiming => Decision::accept(vec![DeviceEvent::ClaimingAllowed { at: now }]),
        DeviceCommand::DisallowClaiming => {
            Decision::accept(vec![DeviceEvent::ClaimingDisallowed { at: now, explicit: true }])
        }
        DeviceCommand::ClearClaimingSwitch => Decision::accept(ownership::clear_switch(device, now)),
        DeviceCommand::IssueFromDevice { key_id, origin, key, duration_ms } => {
            issue::from_device(device, *key_id, *origin, key, *duration_ms, facts)
        }
        DeviceCommand::PutOwnAttributes { bytes, most } => {
            let OwnAttributes { all, others } = facts.counts.attributes;
            let then = others.saturating_add(*bytes);
            // What takes more than that already may shrink.
            if then > *most && then > all {
                return Decision::refuse(Refusal::AttributesFull { most: *most });
            }
            Decision::accept(Vec::new())
        }
        DeviceCommand::RefuseGateway => issue::refuse_gateway(device, facts),
        DeviceCommand::IssueFromAdmin { .. } => issue::from_admin(device, command, facts).into(),
        DeviceCommand::RefuseClaimingData { key_id } => {
            Decision::accept(issue::refuse_claiming_data(device, *key_id, now))
        }
        DeviceCommand::ClearClaimingData => Decision::accept(issue::clear_attribute(device, now)),
        DeviceCommand::RevokeKey { key_id } => issue::revoke(device, *key_id, now).into(),
        DeviceCommand::ExpireKeys => Decision::accept(issue::expire(device, now)),
        DeviceCommand::ClaimDevice { customer_id, user_id, key } => {
            claim::claim(device, *customer_id, *user_id, key, facts)
        }
        DeviceCommand::RefuseClaim { customer_id, user_id } => claim::refuse(device, *customer_id, *user_id, facts),
        DeviceCommand::ReclaimDevice { by } => ownership::reclaim(device, *by, facts).into(),
        DeviceCommand::AssignDevice { customer_id } => {
            Decision::accept(ownership::assign(device, *customer_id, device.version + 1, now))
        }
        DeviceCommand::UnassignDevice { reason, only_from } => {
            ownership::unassign(device, *reason, *only_from, device.version + 1, now).into()
        }
    }
}

/// Decides several commands in turn, each on what the ones before it made of the device. Either all are carried out,
/// or the first refusal is the answer and nothing else happens.
pub fn decide_all(device: &Device, commands: &[DeviceCommand], facts: &Facts) -> Decision {
    if let [command] = commands {
        return decide(device, command, facts);
    }
    let begins = matches!(commands.first(), Some(DeviceCommand::RegisterDevice { .. }));
    if device.registered().is_none() && !begins {
        return Decision::refuse(Refusal::DeviceNotFound);
    }
    let mut state = device.clone();
    let mut all = Decision::accept(Vec::new());
    for command in commands {
        let decision = decide(&state, command, facts);
        if let Err(refusal) = decision.result {
            return Decision::refuse(refusal);
        }
        decision.events.iter().for_each(|event| state.evolve(event));
        all.events.extend(decision.events);
        all.counts.extend(decision.counts);
    }
    all
}

/// Ends every key of the device: those whose time ran out have expired, the others are revoked.
fn retire_keys(device: &Registered, reason: super::RevokeReason, now: Timestamp) -> impl Iterator<Item = DeviceEvent> {
    device.keys.iter().map(move |key| retire(key, reason, now))
}

fn retire(key: &super::ActiveKey, reason: super::RevokeReason, at: Timestamp) -> DeviceEvent {
    if key.is_expired_at(at) {
        DeviceEvent::ClaimExpired { at, key_id: key.key_id }
    } else {
        DeviceEvent::ClaimRevoked { at, key_id: key.key_id, reason }
    }
}
