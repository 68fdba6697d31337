//! What a device can ask about itself: whether somebody can claim it now.

use std::time::Duration;

use deed_domain::{
    claims::Failure,
    device::{Device, KeySlot, Refusal, Registered},
    ports::{AppendError, DeviceIdentity, Scope},
    time::Timestamp,
};
use serde::Serialize;

use super::DeviceProtocol;

/// How it stands with claiming a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimState {
    /// How it stands.
    pub state: ClaimStateKind,
    /// Open: the last millisecond in which it can be claimed. Expired: the one that was the last.
    pub expires_at: Option<Timestamp>,
}

/// How it stands with claiming a device, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimStateKind {
    /// A key claims it.
    Open,
    /// It has an owner.
    Claimed,
    /// The last key ran out.
    Expired,
    /// The owner's time ended, and no key was issued since.
    Reclaimed,
    /// No key was issued yet, or the last one was taken back.
    None,
}

impl ClaimState {
    /// How it stands at that time. The time of the device's own key counts, as it is the one on the display; without
    /// one, that of the key that lasts longest.
    pub fn of(device: &Registered, now: Timestamp) -> Self {
        let state = |state, expires_at| Self { state, expires_at };
        if device.owner.is_some() {
            return state(ClaimStateKind::Claimed, None);
        }
        let own = device.valid_keys(now).find(|key| key.slot == KeySlot::Device);
        let open = own.or_else(|| device.valid_keys(now).max_by_key(|key| key.expires_at));
        if let Some(key) = open {
            return state(ClaimStateKind::Open, Some(key.expires_at));
        }
        let unrecorded = device.keys.iter().filter(|key| key.is_expired_at(now));
        let expired = device.expired.iter().chain(unrecorded).map(|key| key.expires_at).max();
        match expired {
            Some(at) => state(ClaimStateKind::Expired, Some(at)),
            None if device.epoch.0 > 0 => state(ClaimStateKind::Reclaimed, None),
            None => state(ClaimStateKind::None, None),
        }
    }
}

impl DeviceProtocol {
    /// How it stands with claiming the device now.
    ///
    /// # Errors
    /// [`Refusal::DeviceNotFound`] if it was deleted meanwhile; [`Failure::NotAppended`] if it cannot be read.
    pub async fn claim_state(&self, device: DeviceIdentity) -> Result<ClaimState, Failure> {
        let (device, _) = self.store.load(device.device_id).await.map_err(AppendError::from)?;
        let Device::Registered(device) = device else { return Err(Refusal::DeviceNotFound.into()) };
        Ok(ClaimState::of(&device, self.clock.now()))
    }

    /// How it stands with claiming the device as soon as that is otherwise than now; after `patience` how it stands
    /// then.
    ///
    /// # Errors
    /// As [`DeviceProtocol::claim_state`].
    pub async fn claim_state_changed(&self, device: DeviceIdentity, patience: Duration) -> Result<ClaimState, Failure> {
        let head = self.feed.head().await.map_err(AppendError::from)?;
        let before = self.claim_state(device).await?;
        let mut events = self.feed.subscribe(Scope::Device(device.device_id), head);
        let changed = async {
            loop {
                events.next().await.map_err(AppendError::from)?;
                let state = self.claim_state(device).await?;
                if state != before {
                    return Ok(state);
                }
            }
        };
        match tokio::time::timeout(patience, changed).await {
            Ok(state) => state,
            Err(_) => self.claim_state(device).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        claim_key::{KeyDigest, PepperId},
        device::{DeviceEvent, KeyOrigin, RevokeReason},
        ids::{CustomerId, Epoch, KeyId, ProfileId, TenantId},
    };
    use uuid::Uuid;

    use super::*;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(2));

    const fn key(id: u128) -> KeyId {
        KeyId(Uuid::from_u128(id))
    }

    fn issued(id: u128, slot: KeySlot, expires_at: i64) -> DeviceEvent {
        DeviceEvent::ClaimIssued {
            at: Timestamp(10),
            key_id: key(id),
            origin: KeyOrigin::Device,
            slot,
            digest: KeyDigest::new(PepperId("p".into()), [7; 32]),
            empty: false,
            not_before: None,
            expires_at: Timestamp(expires_at),
        }
    }

    fn assigned() -> DeviceEvent {
        let at = Timestamp(20);
        DeviceEvent::DeviceAssigned { at, customer_id: CUSTOMER, previous: None, epoch: Epoch(1), version: 2 }
    }

    /// The state at 100, after these events.
    fn after(events: &[DeviceEvent]) -> (ClaimStateKind, Option<i64>) {
        let mut device = Device::default();
        device.evolve(&DeviceEvent::DeviceRegistered {
            at: Timestamp(1),
            tenant_id: TENANT,
            name: "D1".into(),
            device_type: "default".into(),
            label: None,
            profile_id: ProfileId(Uuid::from_u128(3)),
        });
        events.iter().for_each(|event| device.evolve(event));
        let state = ClaimState::of(device.registered().unwrap(), Timestamp(100));
        (state.state, state.expires_at.map(|at| at.0))
    }

    #[test]
    fn a_device_without_a_key_is_not_open() {
        let revoked = DeviceEvent::ClaimRevoked { at: Timestamp(11), key_id: key(1), reason: RevokeReason::Withdrawn };
        assert_eq!(after(&[]), (ClaimStateKind::None, None));
        assert_eq!(after(&[issued(1, KeySlot::Device, 200), revoked]), (ClaimStateKind::None, None));
    }

    #[test]
    fn the_devices_own_key_tells_how_long_it_is_open() {
        let (own, other) = (issued(1, KeySlot::Device, 100), issued(2, KeySlot::Additional, 900));
        assert_eq!(after(&[other.clone(), own]), (ClaimStateKind::Open, Some(100)));
        assert_eq!(
            after(&[issued(3, KeySlot::AttributeText, 300), other, issued(1, KeySlot::Device, 99)]),
            (ClaimStateKind::Open, Some(900)),
        );
    }

    #[test]
    fn a_key_is_expired_whether_or_not_that_is_recorded_yet() {
        let recorded = DeviceEvent::ClaimExpired { at: Timestamp(99), key_id: key(1) };
        assert_eq!(after(&[issued(1, KeySlot::Device, 99)]), (ClaimStateKind::Expired, Some(99)));
        assert_eq!(after(&[issued(1, KeySlot::Device, 98), recorded]), (ClaimStateKind::Expired, Some(98)));
    }

    #[test]
    fn an_owner_comes_and_goes() {
        let reclaimed = DeviceEvent::DeviceReclaimed { at: Timestamp(30), customer_id: CUSTOMER, version: 3 };
        assert_eq!(after(&[issued(1, KeySlot::Device, 50), assigned()]), (ClaimStateKind::Claimed, None));
        assert_eq!(after(&[assigned(), reclaimed.clone()]), (ClaimStateKind::Reclaimed, None));
        let again = issued(1, KeySlot::Device, 200);
        assert_eq!(after(&[assigned(), reclaimed, again]), (ClaimStateKind::Open, Some(200)));
    }

    #[test]
    fn the_wire_form_is_the_documented_one() {
        let state = ClaimState { state: ClaimStateKind::Open, expires_at: Some(Timestamp(5)) };
        assert_eq!(serde_json::to_string(&state).unwrap(), r#"{"state":"open","expiresAt":5}"#);
        let state = ClaimState { state: ClaimStateKind::None, expires_at: None };
        assert_eq!(serde_json::to_string(&state).unwrap(), r#"{"state":"none","expiresAt":null}"#);
    }
}
