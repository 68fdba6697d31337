//! Through which gateway a device is reached. Pure: what the registry knows comes in.

use serde_json::Value;

use super::{Gateway, LAST_CONNECTED_GATEWAY};
use crate::{ids::DeviceId, ports::NamedDevice};

/// How a gateway reaches a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It is its own: made by it, named to be, or nobody's until now.
    Own,
    /// It belongs to a customer, and no gateway has it: it stays so.
    OfCustomer,
    /// Another gateway has it.
    OfAnother,
}

/// The gateways that are named for the device, other than this one. They have it as long as they are gateways.
pub(super) fn others(device: &NamedDevice, gateway: DeviceId) -> Vec<DeviceId> {
    let named = [device.gateway, last_connected(device)].into_iter().flatten();
    named.filter(|named| *named != gateway).collect()
}

/// How the gateway reaches the device; `has_rival` if another gateway is named for it.
pub(super) fn of(device: &NamedDevice, gateway: &Gateway, has_rival: bool) -> Reach {
    let named = [device.gateway, last_connected(device)].contains(&Some(gateway.id()));
    if named {
        Reach::Own
    } else if has_rival {
        Reach::OfAnother
    } else if device.owner.is_some() && device.owner != gateway.owner {
        Reach::OfCustomer
    } else {
        Reach::Own
    }
}

/// What has to be written so that the device is known as the gateway's: nothing, or the gateway beside the device and, if
/// clients keep an object there that does not say it, another `additionalInfo`.
#[expect(clippy::option_option, reason = "whether something is written, and what of the additional info")]
pub(super) fn mark(device: &NamedDevice, gateway: DeviceId) -> Option<Option<Value>> {
    let said = gateway.to_string();
    let info = match &device.additional_info {
        Some(Value::Object(members)) if members.get(LAST_CONNECTED_GATEWAY) != Some(&Value::from(said.as_str())) => {
            let mut members = members.clone();
            members.insert(LAST_CONNECTED_GATEWAY.to_owned(), said.into());
            Some(Value::Object(members))
        }
        Some(_) | None => None,
    };
    (info.is_some() || device.gateway != Some(gateway)).then_some(info)
}

/// The gateway that `additionalInfo` names.
fn last_connected(device: &NamedDevice) -> Option<DeviceId> {
    let named = device.additional_info.as_ref()?.get(LAST_CONNECTED_GATEWAY)?.as_str()?;
    named.parse().ok().map(DeviceId)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::{CustomerId, TenantId},
        ports::DeviceIdentity,
    };

    const OURS: DeviceId = DeviceId(Uuid::from_u128(1));
    const THEIRS: DeviceId = DeviceId(Uuid::from_u128(2));
    const ALICE: CustomerId = CustomerId(Uuid::from_u128(3));
    const BOB: CustomerId = CustomerId(Uuid::from_u128(4));

    fn gateway(owner: Option<CustomerId>) -> Gateway {
        Gateway { identity: DeviceIdentity::new(TenantId(Uuid::from_u128(9)), OURS), owner }
    }

    fn device(gateway: Option<DeviceId>, named: Option<DeviceId>, owner: Option<CustomerId>) -> NamedDevice {
        NamedDevice {
            device_id: DeviceId(Uuid::from_u128(7)),
            name: "D".to_owned(),
            device_type: "default".to_owned(),
            label: None,
            profile_id: Uuid::from_u128(8).into(),
            owner,
            version: 1,
            additional_info: named.map(|id| json!({LAST_CONNECTED_GATEWAY: id.to_string(), "x": 1})),
            gateway,
        }
    }

    #[test]
    fn what_nobody_has_is_reached_and_what_another_has_is_not() {
        for (beside, named, has_rival, expected) in [
            (None, None, false, Reach::Own),
            (Some(OURS), None, false, Reach::Own),
            (None, Some(OURS), false, Reach::Own),
            (Some(THEIRS), None, true, Reach::OfAnother),
            (None, Some(THEIRS), true, Reach::OfAnother),
            // The other one is no gateway any more.
            (Some(THEIRS), Some(THEIRS), false, Reach::Own),
            // The one that made it, and the one that the administrator named.
            (Some(OURS), Some(THEIRS), true, Reach::Own),
            (Some(THEIRS), Some(OURS), true, Reach::Own),
        ] {
            assert_eq!(of(&device(beside, named, None), &gateway(None), has_rival), expected, "{beside:?} {named:?}");
        }
    }

    #[test]
    fn a_customers_device_is_reached_by_its_own_gateway_alone() {
        for (owner, of_gateway, expected) in [
            (Some(ALICE), None, Reach::OfCustomer),
            (Some(ALICE), Some(BOB), Reach::OfCustomer),
            (Some(ALICE), Some(ALICE), Reach::Own),
            (None, Some(ALICE), Reach::Own),
        ] {
            assert_eq!(of(&device(None, None, owner), &gateway(of_gateway), false), expected, "{owner:?}");
        }
        assert_eq!(of(&device(Some(OURS), None, Some(ALICE)), &gateway(None), false), Reach::Own, "made before");
    }

    #[test]
    fn others_are_those_that_are_named_and_not_this_one() {
        assert_eq!(others(&device(Some(OURS), Some(OURS), None), OURS), []);
        assert_eq!(others(&device(Some(THEIRS), Some(OURS), None), OURS), [THEIRS]);
        assert_eq!(others(&device(None, Some(THEIRS), None), OURS), [THEIRS]);
        let mut odd = device(None, None, None);
        for info in [json!({LAST_CONNECTED_GATEWAY: 5}), json!({LAST_CONNECTED_GATEWAY: "x"}), json!([1])] {
            odd.additional_info = Some(info);
            assert_eq!(others(&odd, OURS), []);
        }
    }

    #[test]
    fn only_what_is_not_said_yet_is_written() {
        assert_eq!(mark(&device(Some(OURS), None, None), OURS), None);
        assert_eq!(mark(&device(Some(OURS), Some(OURS), None), OURS), None);
        assert_eq!(mark(&device(None, None, None), OURS), Some(None), "null stays null");
        let said = json!({LAST_CONNECTED_GATEWAY: OURS.to_string(), "x": 1});
        assert_eq!(mark(&device(None, Some(THEIRS), None), OURS), Some(Some(said.clone())));
        assert_eq!(mark(&device(Some(OURS), Some(THEIRS), None), OURS), Some(Some(said)));
    }
}
