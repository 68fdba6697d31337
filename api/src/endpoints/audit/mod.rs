//! What happened, for administrators and auditors of a tenant (`docs/protocol.md`, native endpoints). Devices that were
//! deleted keep their history.

pub(crate) mod add_auditor;
pub(crate) mod device_claim_history;
pub(crate) mod device_events;
pub(crate) mod device_names;
pub(crate) mod device_ownership;
pub(crate) mod device_state;
pub(crate) mod devices;
mod event;
mod live;
mod log_reader;
pub(crate) mod tenant_events;

pub(super) use log_reader::LogReader;

use deed_domain::{
    ids::{DeviceId, Position},
    ports::Scope,
};

use crate::{authentication::HistoryReader, error::ApiError, extract::QueryParams, state::ApiState};

const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1_000;
/// Positions fit into 63 bits in every store.
const MOST_POSITION: u64 = u64::MAX / 2;

/// Which part of a history is asked for.
struct Slice {
    after: Position,
    limit: usize,
}

impl Slice {
    fn read(query: &QueryParams) -> Result<Self, ApiError> {
        Ok(Self { after: after(query)?.unwrap_or(Position(0)), limit: limit(query)? })
    }
}

/// The position after which to read.
fn after(query: &QueryParams) -> Result<Option<Position>, ApiError> {
    Ok(query.number("after", 0..=MOST_POSITION)?.map(Position))
}

/// How many events an array has.
fn limit(query: &QueryParams) -> Result<usize, ApiError> {
    Ok(query.number("limit", 1..=MOST)?.unwrap_or(DEFAULT_LIMIT))
}

/// Refuses unless the device is or was one of the reader's tenant.
async fn require_device(state: &ApiState, reader: HistoryReader, id: DeviceId) -> Result<(), ApiError> {
    let first = state.feed.read_after(Scope::Device(id), Position(0), 1).await?;
    let Some(first) = first.events.first() else { return Err(ApiError::no_device(id)) };
    let metadata = first.decode_metadata().map_err(|error| unreadable(first.position, &error))?;
    if metadata.tenant_id == reader.tenant_id { Ok(()) } else { Err(ApiError::no_device(id)) }
}

pub(super) fn unreadable(position: Position, why: &dyn std::error::Error) -> ApiError {
    ApiError::Unreadable(format!("the event at position {position} cannot be read: {why}"))
}
