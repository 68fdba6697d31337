//! Histories as the domain's own decisions make them.

use std::{collections::BTreeMap, fmt::Debug, str::FromStr};

use deed_domain::{
    claim_key::{KeyDigest, PepperId, PresentedKey},
    device::{
        ClaimPolicy, ClaimantCounts, CountChange, Device, DeviceCommand, Facts, KeyOrigin, KeySlot, Refusal,
        RefusalKind, Suppressed, decide,
    },
    ids::{CustomerId, DeviceId, KeyId, UserId},
    metadata::{Actor, Transport},
    time::Timestamp,
};
use deed_projections::testing::History;

/// Devices to which commands happen, one after another.
pub(crate) struct Story {
    pub(crate) history: History,
    now: Timestamp,
    devices: BTreeMap<DeviceId, Device>,
    suppressed: BTreeMap<(DeviceId, RefusalKind), u32>,
    keys: u64,
}

/// An id that shows in a snapshot what it is of.
pub(crate) fn id<T: FromStr<Err: Debug>>(n: u64) -> T {
    format!("01941f29-7c00-7000-8000-{n:012x}").parse().unwrap()
}

pub(crate) fn alice() -> CustomerId {
    id(0xa11ce)
}

pub(crate) fn bob() -> CustomerId {
    id(0xb0b)
}

/// The administrator of the tenant.
fn admin() -> Actor {
    Actor::User(id(0xad))
}

fn user_of(customer: CustomerId) -> UserId {
    UserId(customer.0)
}

fn key(text: &str) -> PresentedKey {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    PresentedKey::new(vec![KeyDigest::new(PepperId("p1".into()), bytes)], text.is_empty())
}

impl Story {
    pub(crate) fn begin() -> Self {
        Self {
            history: History::new(),
            now: Timestamp(1_735_689_600_000),
            devices: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            keys: 0,
        }
    }

    pub(crate) fn wait(mut self, milliseconds: i64) -> Self {
        self.now = self.now.plus(milliseconds);
        self
    }

    pub(crate) fn register(self, device: DeviceId, name: &str, owner: Option<CustomerId>) -> Self {
        let command = DeviceCommand::RegisterDevice {
            tenant_id: id(0x7e),
            name: name.into(),
            device_type: "default".into(),
            label: None,
            profile_id: id(0x9f),
            owner,
        };
        self.admin(device, command)
    }

    /// The tenant's administrator has something done, successfully.
    pub(crate) fn admin(mut self, device: DeviceId, command: DeviceCommand) -> Self {
        self.run(admin(), Transport::Rest, device, &command).unwrap();
        self
    }

    /// The expiry worker comes by.
    pub(crate) fn expire(mut self, device: DeviceId) -> Self {
        self.run(Actor::System, Transport::Internal, device, &DeviceCommand::ExpireKeys).unwrap();
        self
    }

    /// The device registers a key for some time; it may be refused.
    pub(crate) fn issue(mut self, device: DeviceId, text: &str, duration_ms: i64) -> Self {
        let (key_id, origin) = (self.next_key(), KeyOrigin::Device);
        let command = DeviceCommand::IssueFromDevice { key_id, origin, key: key(text), duration_ms };
        self.run(Actor::Device(device), Transport::Mqtt, device, &command).ok();
        self
    }

    /// The administrator adds a key that lasts some time from now.
    pub(crate) fn add_key(mut self, device: DeviceId, slot: KeySlot, text: &str, milliseconds: i64) -> Self {
        let (key_id, expires_at) = (self.next_key(), self.now.plus(milliseconds));
        let command =
            DeviceCommand::IssueFromAdmin { key_id, slot, key: key(text), not_before: None, ends: expires_at.into() };
        self.admin(device, command)
    }

    /// A customer presents a key; it may be refused.
    pub(crate) fn claim(mut self, customer_id: CustomerId, device: DeviceId, text: &str) -> Self {
        let user_id = user_of(customer_id);
        let command = DeviceCommand::ClaimDevice { customer_id, user_id, key: key(text) };
        self.run(Actor::User(user_id), Transport::Rest, device, &command).ok();
        self
    }

    fn next_key(&mut self) -> KeyId {
        self.keys += 1;
        id(0x1e00 + self.keys)
    }

    fn run(&mut self, by: Actor, over: Transport, id: DeviceId, command: &DeviceCommand) -> Result<(), Refusal> {
        let device = self.devices.entry(id).or_default();
        let of_device = self.suppressed.iter().filter(|((of, _), _)| *of == id);
        let suppressed = Suppressed(of_device.map(|((_, kind), count)| (*kind, *count)).collect());
        let counts = ClaimantCounts { suppressed, ..ClaimantCounts::default() };
        let decision = decide(device, command, &Facts { now: self.now, policy: ClaimPolicy::default(), counts });
        decision.events.iter().for_each(|event| device.evolve(event));
        for change in decision.counts {
            if let CountChange::Suppressed(kind, count) = change {
                self.suppressed.insert((id, kind), count);
            }
        }
        let history = std::mem::take(&mut self.history);
        self.history = history.by(by, over).then_all(id, decision.events);
        decision.result
    }
}
