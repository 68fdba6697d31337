//! The settings that decisions depend on. They come in with each command.

use crate::{
    claim_key::KeyPolicy,
    time::{DAY, HOUR},
};

/// The installation's rules for claiming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimPolicy {
    /// Whether a device may issue a key without the switch `claimingAllowed`.
    pub allow_by_default: bool,
    /// Life of a device-side key that asks for none, milliseconds.
    pub default_duration_ms: i64,
    /// Longest life of a device-side key, milliseconds.
    pub max_duration_ms: i64,
    /// Longest life of an empty key, milliseconds.
    pub empty_key_max_duration_ms: i64,
    /// Wrong keys of one claimant on one device before it has to wait; 0 = never.
    pub guess_limit: u32,
    /// Wrong keys of one claimant over all devices within an hour before it has to wait; 0 = never.
    pub guess_limit_overall: u32,
    /// Wrong keys on one device over all claimants within an hour that raise an alert; 0 = never.
    pub alert_threshold: u32,
    /// Which keys an administrator may set.
    pub admin_keys: KeyPolicy,
}

impl ClaimPolicy {
    /// The first lock of a claimant, milliseconds; each further one is twice as long.
    pub const FIRST_LOCK_MS: i64 = 60_000;
    /// The longest lock of a claimant, milliseconds.
    pub const LONGEST_LOCK_MS: i64 = HOUR;
    /// Refusal events per device, actor and reason within [`ClaimPolicy::REFUSAL_WINDOW_MS`].
    pub const REFUSAL_EVENTS: usize = 5;
    /// The time over which refusal events and guesses are limited, milliseconds.
    pub const REFUSAL_WINDOW_MS: i64 = HOUR;
    /// After this long without a wrong key a claimant's record on a device is forgotten, milliseconds.
    pub const FORGET_GUESSES_MS: i64 = DAY;
    /// Most additional keys that one device holds at once.
    pub const MAX_ADDITIONAL_KEYS: usize = 32;
}

impl Default for ClaimPolicy {
    fn default() -> Self {
        Self {
            allow_by_default: false,
            default_duration_ms: DAY,
            max_duration_ms: DAY,
            empty_key_max_duration_ms: HOUR,
            guess_limit: 5,
            guess_limit_overall: 50,
            alert_threshold: 20,
            admin_keys: KeyPolicy::default(),
        }
    }
}
