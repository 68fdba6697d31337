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
    /// The administrator writes `claimingAllowed`.
    Allow(bool),
    /// The administrator reads owner and version.
    ReadOwner,
    /// The device asks how it stands.
    ReadState,
    /// The administrator reads `claimingAllowed`.
    ReadSwitch,
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
    Switch(Option<bool>),
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Device {
    version: u64,
    owner: Option<Customer>,
    /// The key that made the owner the owner.
    won_with: Option<Key>,
    key: Option<Key>,
    switch: Option<bool>,
    had_owner: bool,
}

impl Device {
    /// One that was registered, and may not be claimed by default.
    pub(crate) const fn new() -> Self {
        Self { version: 1, owner: None, won_with: None, key: None, switch: None, had_owner: false }
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
            Operation::Claim(customer, key) if self.owner == Some(customer) && self.won_with == Some(key) => {
                Outcome::Done
            }
            Operation::Claim(..) if self.owner.is_some() => Outcome::Claimed,
            Operation::Claim(customer, key) if self.key == Some(key) => {
                self.change_owner(Some(customer));
                self.won_with = Some(key);
                self.switch = None;
                Outcome::Done
            }
            Operation::Claim(..) => Outcome::Refused,
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
                self.switch = Some(allowed);
                Outcome::Done
            }
            Operation::ReadOwner => Outcome::Owner(self.owner, self.version),
            Operation::ReadState => Outcome::State(match (self.owner, self.key) {
                (Some(_), _) => "claimed",
                (None, Some(_)) => "open",
                (None, None) if self.had_owner => "reclaimed",
                (None, None) => "none",
            }),
            Operation::ReadSwitch => Outcome::Switch(self.switch),
        }
    }

    /// Every change of owner ends every key.
    fn change_owner(&mut self, owner: Option<Customer>) {
        self.version += 1;
        self.had_owner |= owner.is_some();
        (self.owner, self.won_with, self.key) = (owner, None, None);
    }
}
