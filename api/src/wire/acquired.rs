//! How an owner came by a device.

use deed_domain::{
    device::Acquired,
    ids::{KeyId, UserId},
};
use deed_projections::SpanStart;
use serde::Serialize;
use utoipa::ToSchema;

/// How an owner came by a device.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(tag = "by", rename_all = "camelCase")]
pub(crate) enum AcquiredJson {
    /// With a claim key.
    // Not `rename_all_fields`, which the OpenAPI document would not know of.
    #[serde(rename_all = "camelCase")]
    Claim {
        /// The person who claimed.
        #[schema(value_type = uuid::Uuid)]
        user_id: UserId,
        /// The key.
        #[schema(value_type = uuid::Uuid)]
        key_id: KeyId,
    },
    /// From an administrator.
    Assignment,
}

impl From<SpanStart> for AcquiredJson {
    fn from(start: SpanStart) -> Self {
        match start {
            SpanStart::Claim { user_id, key_id } => Self::Claim { user_id, key_id },
            SpanStart::Assignment => Self::Assignment,
        }
    }
}

impl From<&Acquired> for AcquiredJson {
    fn from(acquired: &Acquired) -> Self {
        match acquired {
            Acquired::Claim { user_id, key_id, .. } => Self::Claim { user_id: *user_id, key_id: *key_id },
            Acquired::Assignment => Self::Assignment,
        }
    }
}
