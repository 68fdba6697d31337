//! Claim keys, without their text.

use deed_domain::{device::ActiveKey, ids::KeyId, time::Timestamp};
use deed_projections::ActiveKeyRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A key that claims its device, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimKeyJson {
    /// Names the key; says nothing about its text.
    #[schema(value_type = uuid::Uuid)]
    key_id: KeyId,
    /// Who issued it: `device`, `gateway` or `admin`.
    #[schema(example = "admin")]
    origin: &'static str,
    /// The place it takes: `device`, `attribute-text`, `attribute-object` or `additional`.
    #[schema(example = "additional")]
    slot: &'static str,
    /// Whether it is the empty key, with which everybody who knows the name can claim.
    empty: bool,
    /// When it was issued, milliseconds since the epoch.
    #[schema(value_type = i64)]
    issued_at: Timestamp,
    /// It works from this time on.
    #[schema(value_type = Option<i64>)]
    not_before: Option<Timestamp>,
    /// It works up to and including this millisecond.
    #[schema(value_type = i64)]
    expiration_time: Timestamp,
}

impl From<ActiveKeyRow> for ClaimKeyJson {
    fn from(row: ActiveKeyRow) -> Self {
        Self {
            key_id: row.key_id,
            origin: row.origin.as_str(),
            slot: row.slot.as_str(),
            empty: row.empty,
            issued_at: row.issued_at,
            not_before: row.not_before,
            expiration_time: row.expires_at,
        }
    }
}

impl From<&ActiveKey> for ClaimKeyJson {
    fn from(key: &ActiveKey) -> Self {
        Self {
            key_id: key.key_id,
            origin: key.origin.as_str(),
            slot: key.slot.as_str(),
            empty: key.empty,
            issued_at: key.issued_at,
            not_before: key.not_before,
            expiration_time: key.expires_at,
        }
    }
}
