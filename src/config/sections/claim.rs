//! `security.claim`: the rules of claiming.

use deed_domain::{claim_key::KeyPolicy, device::ClaimPolicy};

use crate::config::{
    kind::{Boolean, Choice, Only, Optional, Whole},
    setting::section,
};

/// What a reclaim answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReclaimBody {
    /// A JSON object.
    Result,
    /// Nothing.
    Empty,
}

const PERMISSIONS: Only =
    Only { position: false, why: "there are no roles and permissions yet, so nobody could be permitted to claim" };

section! {
    /// Claiming
    pub(crate) struct ClaimSettings {
        /// Whether a device may register claim keys without the server attribute `claimingAllowed`. ThingsBoard's
        /// default is `true`.
        allow_by_default: bool = Boolean => {
            key: "security.claim.allowClaimingByDefault",
            variable: "SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT",
            default: "false",
        }
        /// Life of a device-side key whose registration names none.
        duration_ms: i64 = Whole::milliseconds() => {
            key: "security.claim.duration",
            aliases: ["device.claim.duration", "claim.duration"],
            variable: "SECURITY_CLAIM_DURATION",
            default: "86400000",
        }
        /// Longest life of a device-side key, in minutes, where `security.claim.maxDurationMs` is not set. Longer ones
        /// are cut to it.
        time_to_live_minutes: i64 = Whole::minutes() => {
            key: "cache.specs.claimDevices.timeToLiveInMinutes",
            aliases: ["caffeine.specs.claimDevices.timeToLiveInMinutes"],
            variable: "CACHE_SPECS_CLAIM_DEVICES_TTL",
            default: "1440",
        }
        /// Longest life of a device-side key. Longer ones are cut to it.
        max_duration_ms: Option<i64> = Optional(Whole::milliseconds()) => {
            key: "security.claim.maxDurationMs",
            variable: "SECURITY_CLAIM_MAX_DURATION_MS",
            default: "" = "`cache.specs.claimDevices.timeToLiveInMinutes`",
        }
        /// Longest life of an empty device-side key, with which everybody in the tenant who knows the device's name
        /// can claim it.
        empty_key_max_duration_ms: i64 = Whole::milliseconds() => {
            key: "security.claim.emptyKeyMaxDurationMs",
            variable: "SECURITY_CLAIM_EMPTY_KEY_MAX_DURATION_MS",
            default: "3600000",
        }
        /// Whether a device whose registration is refused is told success all the same, as ThingsBoard does.
        legacy_ack: bool = Boolean => {
            key: "security.claim.legacyAck",
            variable: "SECURITY_CLAIM_LEGACY_ACK",
            default: "false",
        }
        /// Whether the server attribute `expirationTime` shows when the device's own key runs out, while there is one.
        expiration_time_attribute: bool = Boolean => {
            key: "security.claim.expirationTimeAttribute",
            variable: "SECURITY_CLAIM_EXPIRATION_TIME_ATTRIBUTE",
            default: "true",
        }
        /// What a reclaim answers: a JSON object, or nothing.
        reclaim_body: ReclaimBody = Choice(&[("result", ReclaimBody::Result), ("empty", ReclaimBody::Empty)]) => {
            key: "security.claim.reclaimBody",
            variable: "SECURITY_CLAIM_RECLAIM_BODY",
            default: "result",
        }
        /// Whether a customer's user needs a permission to claim.
        _require_permission: () = PERMISSIONS => {
            key: "security.claim.requirePermission",
            variable: "SECURITY_CLAIM_REQUIRE_PERMISSION",
            default: "false",
        }
        /// Wrong keys of one customer on one device before that customer has to wait; 0 = never.
        guess_limit: u32 = Whole::count() => {
            key: "security.claim.guessLimit",
            variable: "SECURITY_CLAIM_GUESS_LIMIT",
            default: "5",
        }
        /// Wrong keys of one customer over all devices within an hour before that customer has to wait; 0 = never.
        guess_limit_overall: u32 = Whole::count() => {
            key: "security.claim.guessLimitOverall",
            variable: "SECURITY_CLAIM_GUESS_LIMIT_OVERALL",
            default: "50",
        }
        /// Wrong keys on one device over all customers within an hour that raise an alert to the tenant; 0 = never.
        alert_threshold: u32 = Whole::count() => {
            key: "security.claim.alertThreshold",
            variable: "SECURITY_CLAIM_ALERT_THRESHOLD",
            default: "20",
        }
        /// Least number of characters of a key that an administrator sets; 0 = no limit.
        admin_key_min_length: u32 = Whole::count() => {
            key: "security.claim.adminKeys.minLength",
            variable: "SECURITY_CLAIM_ADMIN_KEYS_MIN_LENGTH",
            default: "0",
        }
        /// Whether keys are refused that an administrator sets and anybody would try first: fewer than five different letters and
        /// digits, a run such as `12345678`, a text repeated, or a well-known word. The device's name is not compared.
        refuse_trivial_admin_keys: bool = Boolean => {
            key: "security.claim.adminKeys.refuseTrivial",
            variable: "SECURITY_CLAIM_ADMIN_KEYS_REFUSE_TRIVIAL",
            default: "false",
        }
    }
}

impl ClaimSettings {
    /// The rules as decisions take them.
    pub(crate) fn policy(&self) -> ClaimPolicy {
        ClaimPolicy {
            allow_by_default: self.allow_by_default,
            default_duration_ms: self.duration_ms,
            max_duration_ms: self.max_duration_ms.unwrap_or(self.time_to_live_minutes * 60_000),
            empty_key_max_duration_ms: self.empty_key_max_duration_ms,
            guess_limit: self.guess_limit,
            guess_limit_overall: self.guess_limit_overall,
            alert_threshold: self.alert_threshold,
            admin_keys: KeyPolicy {
                min_length: self.admin_key_min_length as usize,
                refuse_trivial: self.refuse_trivial_admin_keys,
            },
        }
    }
}
