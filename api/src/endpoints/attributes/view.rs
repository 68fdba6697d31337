//! Attributes as they read: the stored ones, and those that follow from the device's events.

use deed_domain::{
    device::{CLAIMING_DATA, EXPIRATION_TIME, Registered},
    ports::{Attribute, AttributeScope, Entity},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Target, failure};
use crate::{authentication::DeviceUser, error::ApiError, state::ApiState};

/// An attribute.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttributeJson {
    /// When it was last set, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    last_update_ts: Timestamp,
    /// Its name.
    #[schema(example = "claimingAllowed")]
    pub(super) key: String,
    /// Its value, in the type in which it was written.
    #[schema(value_type = Value, example = true)]
    value: Value,
}

/// The entity's attributes in one scope, or in all, that the user may see; by key.
pub(super) async fn visible(
    state: &ApiState,
    target: &Target,
    scope: Option<AttributeScope>,
) -> Result<Vec<AttributeJson>, ApiError> {
    let stored = state.attributes.of(target.entity, scope).await?;
    let shows_window = state.settings.expiration_time_attribute;
    let Entity::Device(id) = target.entity else { return Ok(merged(stored, None, target.user, shows_window)) };
    if scope.is_some_and(|scope| scope != AttributeScope::Server) {
        return Ok(merged(stored, None, target.user, shows_window));
    }
    let device = state.claims.device(target.user.tenant_id(), id).await.map_err(failure)?;
    Ok(merged(stored, device.registered(), target.user, shows_window))
}

fn merged(
    stored: Vec<Attribute>,
    device: Option<&Registered>,
    user: DeviceUser,
    shows_window: bool,
) -> Vec<AttributeJson> {
    let is_hidden = |key: &str| matches!(user, DeviceUser::Customer(_)) && key == CLAIMING_DATA;
    let mut derived = device.map(Registered::claiming_attributes).unwrap_or_default();
    derived.retain(|attribute| shows_window || attribute.key != EXPIRATION_TIME);
    let window_changed_at = device.and_then(|device| device.device_window_changed_at).filter(|_| shows_window);
    let is_derived = |attribute: &Attribute| {
        attribute.scope == AttributeScope::Server
            && (derived.iter().any(|derived| derived.key == attribute.key)
                || attribute.key == EXPIRATION_TIME && Some(attribute.last_update) <= window_changed_at)
    };
    let stored = stored.into_iter().filter(|attribute| !is_derived(attribute)).map(|attribute| AttributeJson {
        last_update_ts: attribute.last_update,
        key: attribute.key,
        value: attribute.value,
    });
    let shown = derived.iter().filter(|attribute| !is_hidden(attribute.key)).map(|attribute| AttributeJson {
        last_update_ts: attribute.last_update,
        key: attribute.key.to_owned(),
        value: attribute.value.clone(),
    });
    let mut all: Vec<_> = stored.chain(shown).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        claim_key::{KeyDigest, PepperId},
        device::{Device, DeviceEvent, KeyOrigin, KeySlot},
        ids::{CustomerId, KeyId, ProfileId, TenantId, UserId},
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::authentication::{CustomerUser, TenantAdmin};

    const ID: Uuid = Uuid::from_u128(1);
    const ADMIN: DeviceUser = DeviceUser::Admin(TenantAdmin { user_id: UserId(ID), tenant_id: TenantId(ID) });

    fn device() -> Device {
        let mut device = Device::default();
        let at = Timestamp(7);
        for event in [
            DeviceEvent::DeviceRegistered {
                at,
                tenant_id: TenantId(ID),
                name: "D".into(),
                device_type: "default".into(),
                label: None,
                profile_id: ProfileId(ID),
            },
            DeviceEvent::ClaimingAllowed { at },
            DeviceEvent::ClaimIssued {
                at,
                key_id: KeyId(ID),
                origin: KeyOrigin::Admin,
                slot: KeySlot::AttributeObject,
                digest: KeyDigest::new(PepperId("p".into()), [9; 32]),
                empty: false,
                not_before: None,
                expires_at: Timestamp(99),
            },
        ] {
            device.evolve(&event);
        }
        device
    }

    fn stored(key: &str, scope: AttributeScope) -> Attribute {
        Attribute { key: key.into(), scope, value: json!(1), last_update: Timestamp(3) }
    }

    fn keys(attributes: &[AttributeJson]) -> Vec<&str> {
        attributes.iter().map(|attribute| attribute.key.as_str()).collect()
    }

    #[test]
    fn an_administrator_sees_the_key_masked() {
        let device = device();
        let all = merged(vec![stored("z", AttributeScope::Server)], device.registered(), ADMIN, true);
        assert_eq!(keys(&all), ["claimingAllowed", "claimingData", "z"]);
        assert_eq!(all[1].value, json!({"secretKey": "***", "expirationTime": 99}));
    }

    #[test]
    fn a_customer_sees_no_claiming_data() {
        let user = CustomerUser { user_id: UserId(ID), tenant_id: TenantId(ID), customer_id: CustomerId(ID) };
        let device = device();
        assert_eq!(
            keys(&merged(Vec::new(), device.registered(), DeviceUser::Customer(user), true)),
            ["claimingAllowed"]
        );
    }

    #[test]
    fn what_is_derived_wins_over_what_is_stored_in_its_scope_only() {
        let device = device();
        let stored =
            vec![stored("claimingAllowed", AttributeScope::Server), stored("claimingAllowed", AttributeScope::Shared)];
        let all = merged(stored, device.registered(), ADMIN, true);
        let values: Vec<_> = all.iter().filter(|a| a.key == "claimingAllowed").map(|a| a.value.clone()).collect();
        assert_eq!(values, [json!(1), json!(true)]);
    }

    #[test]
    fn the_window_of_the_device_side_takes_the_place_of_what_stood_there() {
        let mut device = device();
        let ours = |at| Attribute { last_update: Timestamp(at), ..stored(EXPIRATION_TIME, AttributeScope::Server) };
        let shown = |device: &Device, at, shows_window| {
            let all = merged(vec![ours(at)], device.registered(), ADMIN, shows_window);
            all.iter().find(|one| one.key == EXPIRATION_TIME).map(|one| one.value.clone())
        };
        assert_eq!(shown(&device, 3, true), Some(json!(1)));
        device.evolve(&DeviceEvent::ClaimIssued {
            at: Timestamp(8),
            key_id: KeyId(Uuid::from_u128(2)),
            origin: KeyOrigin::Device,
            slot: KeySlot::Device,
            digest: KeyDigest::new(PepperId("p".into()), [9; 32]),
            empty: false,
            not_before: None,
            expires_at: Timestamp(20),
        });
        assert_eq!(shown(&device, 3, true), Some(json!(20)));
        assert_eq!(shown(&device, 3, false), Some(json!(1)));
        device.evolve(&DeviceEvent::ClaimExpired { at: Timestamp(21), key_id: KeyId(Uuid::from_u128(2)) });
        assert_eq!(shown(&device, 3, true), None);
        assert_eq!(shown(&device, 21, true), None);
        assert_eq!(shown(&device, 22, true), Some(json!(1)));
        assert_eq!(shown(&device, 3, false), Some(json!(1)));
    }
}
