//! `GET /api/audit/devices/{deviceId}/state`.

use axum::{Json, extract::State};
use deed_domain::{
    device::{Device, Registered},
    ids::{CustomerId, DeviceId, Epoch, Position, ProfileId, Sequence},
    ports::{RecordedEvent, Scope},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MOST_POSITION, log_reader::LogReader, require_device, unreadable};
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::Shared,
    wire::{AcquiredJson, ClaimKeyJson},
};

const PAGE: usize = 1_000;

/// A device as it was at a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceState)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateJson {
    /// The device.
    #[schema(value_type = uuid::Uuid)]
    device_id: DeviceId,
    /// The time, milliseconds since the epoch.
    #[schema(value_type = i64)]
    at: Timestamp,
    /// The last event until then; 0 before the first.
    #[schema(value_type = u64)]
    position: Position,
    /// How many events there were until then.
    #[schema(value_type = u64)]
    sequence: Sequence,
    /// `unregistered`, `registered` or `removed`.
    #[schema(example = "registered")]
    state: &'static str,
    /// The device, while it is registered.
    device: Option<RegisteredJson>,
}

/// A registered device as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredDevice)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisteredJson {
    /// Its name.
    name: String,
    /// The name of its profile.
    #[serde(rename = "type")]
    device_type: String,
    /// A free text for people.
    label: Option<String>,
    /// Its profile.
    #[schema(value_type = uuid::Uuid)]
    profile_id: ProfileId,
    /// When it was registered, milliseconds since the epoch.
    #[schema(value_type = i64)]
    registered_at: Timestamp,
    /// 1 after the registration, one more for each save and each change of owner.
    version: u32,
    /// The owner, if it has one.
    owner: Option<OwnerJson>,
    /// The switch `claimingAllowed`; null if it does not stand there.
    claiming_allowed: Option<bool>,
    /// The keys that claim it then or later.
    claim_keys: Vec<ClaimKeyJson>,
}

/// Who owns a device since when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceOwner)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerJson {
    /// The customer.
    #[schema(value_type = uuid::Uuid)]
    customer_id: CustomerId,
    /// Since when, milliseconds since the epoch.
    #[schema(value_type = i64)]
    since: Timestamp,
    /// Which ownership of the device this is: 1, 2, 3 …
    #[schema(value_type = u32)]
    epoch: Epoch,
    /// How it came to be.
    acquired: AcquiredJson,
}

/// Read a device as it was
///
/// Folded from its events up to and including that time or position. Events of one millisecond are told apart by position
/// alone.
#[utoipa::path(
    get, path = "/api/audit/devices/{deviceId}/state", tag = "audit",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("at" = Option<i64>, Query, description = "The time, milliseconds since the epoch; now if missing."),
        ("position" = Option<u64>, Query, description = "Instead of `at`: the position of the last event that counts. The time \
         is that of the last one that does, 0 if none does."),
    ),
    responses(
        (status = 200, description = "The device as it was.", body = StateJson),
        (status = 400, description = "A parameter is malformed, or there are both `at` and `position`."),
        (status = 404, description = "The tenant never had such a device."),
    )
)]
pub(crate) async fn device_state(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<StateJson>, ApiError> {
    let id = path.id("deviceId")?;
    let until = Until::read(&query)?;
    let is_later = |event: &RecordedEvent| until.is_before(event);
    require_device(&state, reader, id).await?;
    let mut events = LogReader::begin(&state.feed, Scope::Device(id), Position(0)).await?;
    let mut fold = Fold::default();
    loop {
        let page = events.next(PAGE).await?;
        let is_over = page.is_empty() || page.last().is_some_and(is_later);
        page.iter().filter(|event| !is_later(event)).try_for_each(|event| fold.apply(event))?;
        if is_over {
            let at = match until {
                Until::Time(time) => time,
                Until::Position(_) => fold.recorded_at,
                Until::Now => state.clock.now().max(fold.recorded_at),
            };
            return Ok(Json(fold.into_json(id, at)));
        }
    }
}

/// Which events count.
enum Until {
    /// All of them, also one that the log dates later than this machine's clock.
    Now,
    /// Those that were recorded at that time at the latest.
    Time(Timestamp),
    /// Those up to that one.
    Position(Position),
}

impl Until {
    fn read(query: &QueryParams) -> Result<Self, ApiError> {
        match (query.number("at", i64::MIN..=i64::MAX)?, query.number("position", 0..=MOST_POSITION)?) {
            (Some(_), Some(_)) => Err(ApiError::malformed("There can be 'at' or 'position', not both")),
            (Some(time), None) => Ok(Self::Time(Timestamp(time))),
            (None, Some(position)) => Ok(Self::Position(Position(position))),
            (None, None) => Ok(Self::Now),
        }
    }

    fn is_before(&self, event: &RecordedEvent) -> bool {
        match *self {
            Self::Now => false,
            Self::Time(time) => event.recorded_at > time,
            Self::Position(position) => event.position > position,
        }
    }
}

#[derive(Default)]
struct Fold {
    device: Device,
    position: Position,
    sequence: Sequence,
    recorded_at: Timestamp,
}

impl Fold {
    fn apply(&mut self, event: &RecordedEvent) -> Result<(), ApiError> {
        if event.sequence != self.sequence.next() {
            let missing = format!("an event of the device before position {} is missing", event.position);
            return Err(ApiError::Unreadable(missing));
        }
        self.device.evolve(&event.decode().map_err(|error| unreadable(event.position, &error))?);
        self.position = event.position;
        self.sequence = event.sequence;
        self.recorded_at = event.recorded_at;
        Ok(())
    }

    fn into_json(self, device_id: DeviceId, at: Timestamp) -> StateJson {
        let state = match &self.device {
            Device::Unregistered => "unregistered",
            Device::Registered(_) => "registered",
            Device::Removed => "removed",
        };
        let device = self.device.registered().map(|device| RegisteredJson::of(device, at));
        StateJson { device_id, at, position: self.position, sequence: self.sequence, state, device }
    }
}

impl RegisteredJson {
    fn of(device: &Registered, at: Timestamp) -> Self {
        let owner = device.owner.as_ref().map(|owner| OwnerJson {
            customer_id: owner.customer_id,
            since: owner.since,
            epoch: owner.epoch,
            acquired: AcquiredJson::from(&owner.acquired),
        });
        Self {
            name: device.name.clone(),
            device_type: device.device_type.clone(),
            label: device.label.clone(),
            profile_id: device.profile_id,
            registered_at: device.registered_at,
            version: device.version,
            owner,
            claiming_allowed: device.switch.map(|switch| switch.allowed),
            claim_keys: device.keys.iter().filter(|key| !key.is_expired_at(at)).map(ClaimKeyJson::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        claim_key::{KeyDigest, PepperId},
        codec,
        device::{DeviceEvent, KeyOrigin, KeySlot, RevokeReason},
        ids::{KeyId, TenantId, UserId},
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(1);

    fn recorded(position: u64, event: &DeviceEvent) -> RecordedEvent {
        RecordedEvent {
            position: Position(position),
            device_id: DeviceId(ID),
            sequence: Sequence(position),
            recorded_at: event.at(),
            event_type: codec::event_type(event).into(),
            event_version: codec::current_version(event).into(),
            payload: codec::encode(event).unwrap(),
            metadata: String::new(),
        }
    }

    #[test]
    fn the_state_shows_owner_and_keys_and_no_digest() {
        let digest = KeyDigest::new(PepperId("p1".into()), [0xab; 32]);
        let issued = |key: u128, expires_at| DeviceEvent::ClaimIssued {
            at: Timestamp(2),
            key_id: KeyId(Uuid::from_u128(key)),
            origin: KeyOrigin::Admin,
            slot: KeySlot::Additional,
            digest: digest.clone(),
            empty: false,
            not_before: None,
            expires_at: Timestamp(expires_at),
        };
        let events = [
            DeviceEvent::DeviceRegistered {
                at: Timestamp(1),
                tenant_id: TenantId(ID),
                name: "D".into(),
                device_type: "default".into(),
                label: None,
                profile_id: ProfileId(ID),
            },
            issued(7, 100),
            issued(8, 3),
            DeviceEvent::DeviceClaimed {
                at: Timestamp(4),
                customer_id: CustomerId(ID),
                user_id: UserId(ID),
                key_id: KeyId(Uuid::from_u128(7)),
                epoch: Epoch(1),
                version: 2,
            },
            DeviceEvent::ClaimRevoked {
                at: Timestamp(4),
                key_id: KeyId(Uuid::from_u128(7)),
                reason: RevokeReason::Used,
            },
        ];
        let mut fold = Fold::default();
        for (position, event) in (1..).zip(&events) {
            fold.apply(&recorded(position, event)).unwrap();
        }
        let shown = serde_json::to_value(fold.into_json(DeviceId(ID), Timestamp(5))).unwrap();
        let key = Uuid::from_u128(7);
        assert_eq!(shown["device"]["owner"]["acquired"], json!({"by": "claim", "userId": ID, "keyId": key}));
        assert_eq!(shown["device"]["claimKeys"], json!([]));
        assert_eq!((&shown["state"], &shown["sequence"]), (&json!("registered"), &json!(5)));
        assert!(!shown.to_string().contains("abab"), "{shown}");
    }

    #[test]
    fn before_the_first_event_there_is_nothing() {
        let shown = Fold::default().into_json(DeviceId(ID), Timestamp(0));
        assert_eq!((shown.state, shown.device.is_none()), ("unregistered", true));
    }
}
