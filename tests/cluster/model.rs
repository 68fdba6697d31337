//! What a device does when one thing happens after another, as `docs/protocol.md` promises it. Keys do not run out here.

/// A claim key; which one.
pub(crate) type Key = u8;
/// A customer; which one.
pub(crate) type Customer = usize;

/// What somebody asks of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// The device registers a key.
    Issue(Key),
    /// A customer presents one.
    Claim(Customer, Key),
    /// A customer gives it back, or an administrator takes it.
    Reclaim(Option<Customer>),
    Assign(Customer),
    Unassign,
    /// The administrator writes `claimingAllowed`, or deletes it.
    Allow(Option<bool>),
    /// The administrator writes a key into `claimingData`, or deletes it.
    Set(Option<Key>),
    /// The administrator reads owner and version.
    ReadOwner,
    /// The device asks how it stands.
    ReadState,
    /// The administrator reads `claimingAllowed`, and whether there is `claimingData`.
    ReadAttributes,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Done,
    /// The device may not be claimed, or the customer is not the owner, or there is none.
    Refused,
    /// It has an owner.
    Claimed,
    Owner(Option<Customer>, u64),
    State(&'static str),
    Attributes(Option<bool>, bool),
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Device {
    version: u64,
    owner: Option<Customer>,
    /// The key that made the owner the owner.
    won_with: Option<Key>,
    /// The key of the device's own side.
    key: Option<Key>,
    /// That in `claimingData`.
    data: Option<Key>,
    switch: Option<bool>,
    had_owner: bool,
}

impl Device {
    /// One that was registered, and may not be claimed by default.
    pub(crate) const fn new() -> Self {
        Self { version: 1, owner: None, won_with: None, key: None, data: None, switch: None, had_owner: false }
    }

    /// Does what is asked, and gives what is told.
    pub(crate) fn apply(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Issue(_) if self.owner.is_some() => Outcome::Claimed,
            Operation::Issue(_) if self.switch != Some(true) => Outcome::Refused,
            Operation::Issue(key) => {
                self.key = Some(key);
                Outcome::Done
            }
            Operation::Claim(customer, key) => self.claim(customer, key),
            Operation::Reclaim(by) => match self.owner {
                Some(owner) if by.is_none_or(|by| by == owner) => {
                    self.change_owner(None);
                    self.switch = Some(true);
                    Outcome::Done
                }
                Some(_) => Outcome::Refused,
                None => {
                    if by.is_none() {
                        self.key = None;
                    }
                    Outcome::Done
                }
            },
            Operation::Assign(customer) => {
                if self.owner != Some(customer) {
                    self.change_owner(Some(customer));
                }
                Outcome::Done
            }
            Operation::Unassign if self.owner.is_none() => Outcome::Refused,
            Operation::Unassign => {
                self.change_owner(None);
                Outcome::Done
            }
            Operation::Allow(allowed) => {
                self.switch = allowed;
                Outcome::Done
            }
            Operation::Set(key) => {
                self.data = key;
                Outcome::Done
            }
            Operation::ReadOwner => Outcome::Owner(self.owner, self.version),
            Operation::ReadState => Outcome::State(match (self.owner, self.key.or(self.data)) {
                (Some(_), _) => "claimed",
                (None, Some(_)) => "open",
                (None, None) if self.had_owner => "reclaimed",
                (None, None) => "none",
            }),
            Operation::ReadAttributes => Outcome::Attributes(self.switch, self.data.is_some()),
        }
    }

    /// Either key claims it. The owner may repeat its claim.
    fn claim(&mut self, customer: Customer, key: Key) -> Outcome {
        let fits = [self.key, self.data].contains(&Some(key));
        match self.owner {
            Some(owner) if owner == customer && self.won_with == Some(key) => Outcome::Done,
            Some(owner) if fits || owner == customer || (self.key, self.data) == (None, None) => Outcome::Claimed,
            None if fits => {
                self.change_owner(Some(customer));
                self.won_with = Some(key);
                self.switch = None;
                Outcome::Done
            }
            Some(_) | None => Outcome::Refused,
        }
    }

    /// Every change of owner ends every key.
    fn change_owner(&mut self, owner: Option<Customer>) {
        self.version += 1;
        self.had_owner |= owner.is_some();
        (self.owner, self.won_with, self.key, self.data) = (owner, None, None, None);
    }
}
