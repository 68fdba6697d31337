//! The messages of devices that write Protobuf, as `docs/protocol.md` (Protobuf) declares them: proto3, so that a member
//! that is missing has its default, of one that comes twice the last counts, and unknown ones are skipped. A known member
//! of another wire type makes the whole message unreadable.

use std::fmt;

use prost::Message;

/// A device registers a claim key.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct ClaimDevice {
    #[prost(string, tag = "1")]
    pub(super) secret_key: String,
    #[prost(int64, tag = "2")]
    pub(super) duration_ms: i64,
}

/// A gateway registers claim keys of devices behind it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GatewayClaimMsg {
    #[prost(message, repeated, tag = "1")]
    pub(super) msg: Vec<ClaimDeviceMsg>,
}

/// The key of one of them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ClaimDeviceMsg {
    #[prost(string, tag = "1")]
    pub(super) device_name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) claim_request: Option<ClaimDevice>,
}

/// A device connects through a gateway.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ConnectMsg {
    #[prost(string, tag = "1")]
    pub(super) device_name: String,
    #[prost(string, tag = "2")]
    pub(super) device_type: String,
}

/// A device behind a gateway is not connected any more.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DisconnectMsg {
    #[prost(string, tag = "1")]
    pub(super) device_name: String,
}

/// The key is secret.
impl fmt::Debug for ClaimDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimDevice").field("duration_ms", &self.duration_ms).finish_non_exhaustive()
    }
}
