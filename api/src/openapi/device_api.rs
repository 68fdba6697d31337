//! What the document says of the device API (`docs/protocol.md`, device API).
//!
//! The routes are served by `deed-transports`, whose router is merged into the API's by the binary. They are described here,
//! and not beside their handlers, so that a transport needs nothing of HTTP's documentation, and the document is still made
//! by one crate. That both say the same is tested over real HTTP: `tests/device_http.rs` compares paths and methods,
//! `tests/schema.rs` statuses and bodies.

#![expect(dead_code, reason = "said of routes that another crate serves; nothing here is called")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

/// The paths of the device API.
#[derive(OpenApi)]
#[openapi(paths(
    register_claim,
    claim_state,
    attributes,
    publish_attributes,
    attribute_updates,
    publish_telemetry,
    wait_for_request,
    ask,
    reply,
    provision
))]
pub(super) struct DeviceApi;

/// A claim key of the device. No body at all is the empty key; null is refused.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ClaimRegistration {
    /// The key; numbers and booleans stand for their text. Missing, it is the empty key. Null is refused.
    #[schema(required = false)]
    secret_key: String,
    /// It works for so many milliseconds; missing, 0 or less is the default. Null is refused.
    #[schema(required = false)]
    duration_ms: i64,
}

/// How it stands with claiming the device.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ClaimState {
    /// How it stands.
    state: ClaimStateKind,
    /// Open: the last millisecond in which it can be claimed. Expired: the one that was the last.
    #[schema(required = true)]
    expires_at: Option<i64>,
}

/// How it stands with claiming the device, in a word.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum ClaimStateKind {
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

/// Attributes by their keys; a scope without any is left out.
#[derive(ToSchema)]
struct DeviceAttributes {
    /// The device's own.
    #[schema(required = false)]
    client: BTreeMap<String, Value>,
    /// Those that people share with it.
    #[schema(required = false)]
    shared: BTreeMap<String, Value>,
}

/// A request of the device.
#[derive(ToSchema)]
struct DeviceRequest {
    /// `getSessionLimits`; nothing else is supported.
    #[schema(example = "getSessionLimits")]
    method: String,
    /// Not looked at.
    params: Option<Value>,
}

/// What is answered to a request of the device.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum DeviceAnswer {
    Limits(SessionLimits),
    Unsupported(UnsupportedMethod),
}

/// How much the device may send.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionLimits {
    /// Most bytes of a message.
    max_payload_size: u64,
    /// Most messages that were not answered yet.
    max_inflight_messages: u32,
    rate_limits: MessageLimits,
}

/// Limits of messages, such as `10:1,300:60`: 10 in a second and 300 in a minute; null is no limit.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageLimits {
    #[schema(required = true)]
    messages: Option<String>,
    #[schema(required = true)]
    telemetry_messages: Option<String>,
    #[schema(required = true)]
    telemetry_data_points: Option<String>,
}

/// The service does not know the method.
#[derive(Serialize, ToSchema)]
struct UnsupportedMethod {
    #[schema(example = "unsupported")]
    error: String,
}

/// A device that adds itself, or fetches the credentials that were prepared for it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ProvisionRequest {
    /// The key of a profile.
    provision_device_key: String,
    /// Its secret.
    provision_device_secret: String,
    /// What the device is called. Missing or empty, a new device gets a name.
    #[schema(max_length = 255)]
    device_name: Option<String>,
    /// `ACCESS_TOKEN`, which is what counts without it, `MQTT_BASIC` or `X509_CERTIFICATE`.
    #[schema(example = "ACCESS_TOKEN")]
    credentials_type: Option<String>,
    /// With `ACCESS_TOKEN`: the token. Missing, one is made.
    token: Option<String>,
    /// With `MQTT_BASIC`: the user name.
    username: Option<String>,
    /// With `MQTT_BASIC`: the password.
    password: Option<String>,
    /// With `MQTT_BASIC`: the client id.
    client_id: Option<String>,
    /// With `X509_CERTIFICATE`: the certificate.
    hash: Option<String>,
    /// Whether a new device is a gateway.
    gateway: Option<bool>,
}

/// Register a claim key
///
/// It takes the place of the device's earlier one. The body is read as bytes, whatever its `Content-Type`, and may be left out.
#[utoipa::path(
    post, path = "/api/v1/{token}/claim", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = ClaimRegistration,
    responses(
        (status = 200, description = "The key is active, and durably recorded. No body. With `security.claim.legacyAck` also \
                                      where it would be `403` or `409`."),
        (status = 400, description = "The body is no such object, or `Idempotency-Key` is none."),
        (status = 403, description = "Claiming is not allowed for this device."),
        (status = 409, description = "The device has an owner, or was changed at the same time."),
    )
)]
fn register_claim() {}

/// How it stands with claiming the device
#[utoipa::path(
    get, path = "/api/v1/{token}/claim", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("timeout" = Option<u64>, Query, description = "Waits so many milliseconds for another state; missing or 0 does not wait."),
    ),
    responses(
        (status = 200, description = "How it stands.", body = ClaimState),
        (status = 400, description = "`timeout` is no number of milliseconds."),
    )
)]
fn claim_state() {}

/// Read attributes
///
/// The device's own, and those that people share with it; all of them where no key is named. Those of the server are never
/// told.
#[utoipa::path(
    get, path = "/api/v1/{token}/attributes", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("clientKeys" = Option<String>, Query, description = "Keys of its own, separated by commas."),
        ("sharedKeys" = Option<String>, Query, description = "Keys of shared ones, separated by commas."),
    ),
    responses(
        (status = 200, description = "What is there of these.", body = DeviceAttributes),
        (status = 400, description = "A parameter stands there twice."),
    )
)]
fn attributes() {}

/// Publish attributes
///
/// Each member of the object is one of the device's own attributes. The body is read as bytes, whatever its `Content-Type`.
#[utoipa::path(
    post, path = "/api/v1/{token}/attributes", tag = "device API",
    params(("token" = String, Path, description = "The device's access token.")),
    request_body = BTreeMap<String, Value>,
    responses(
        (status = 200, description = "They are stored. No body."),
        (status = 400, description = "The body is no object of attributes."),
        (status = 403, description = "The device's own attributes would take more than they may; none of these is stored."),
    )
)]
fn publish_attributes() {}

/// Wait for changes of shared attributes
#[utoipa::path(
    get, path = "/api/v1/{token}/attributes/updates", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("timeout" = Option<u64>, Query, description = "Milliseconds to wait; missing or 0 is as long as requests may wait."),
    ),
    responses(
        (status = 200, description = "Each attribute that changed under its key, with its value; deleted keys in a list under \
                                      `deleted`.", body = BTreeMap<String, Value>),
        (status = 400, description = "`timeout` is no number of milliseconds."),
        (status = 408, description = "None has changed in this time. No body."),
    )
)]
fn attribute_updates() {}

/// Publish telemetry
///
/// It is understood and dropped. The body is an object or an array of objects, read as bytes, whatever its `Content-Type`.
#[utoipa::path(
    post, path = "/api/v1/{token}/telemetry", tag = "device API",
    params(("token" = String, Path, description = "The device's access token.")),
    request_body = Value,
    responses(
        (status = 200, description = "It was understood. No body."),
        (status = 400, description = "The body is no telemetry."),
    )
)]
fn publish_telemetry() {}

/// Wait for a request to the device
///
/// Nobody asks anything of a device.
#[utoipa::path(
    get, path = "/api/v1/{token}/rpc", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("timeout" = Option<u64>, Query, description = "Milliseconds to wait; missing or 0 is as long as requests may wait."),
    ),
    responses(
        (status = 400, description = "`timeout` is no number of milliseconds."),
        (status = 408, description = "Nothing was asked in this time. No body."),
    )
)]
fn wait_for_request() {}

/// Ask the service
#[utoipa::path(
    post, path = "/api/v1/{token}/rpc", tag = "device API",
    params(("token" = String, Path, description = "The device's access token.")),
    request_body = DeviceRequest,
    responses(
        (status = 200, description = "The limits of a session, or that the method is not supported.", body = DeviceAnswer),
        (status = 400, description = "The body is no request."),
    )
)]
fn ask() {}

/// Answer a request
///
/// Nobody made one; the answer is dropped.
#[utoipa::path(
    post, path = "/api/v1/{token}/rpc/{requestId}", tag = "device API",
    params(
        ("token" = String, Path, description = "The device's access token."),
        ("requestId" = String, Path, description = "Names the request."),
    ),
    request_body = Option<Value>,
    responses((status = 200, description = "It was read. No body."))
)]
fn reply() {}

/// Provision a device
///
/// A device adds itself with the key and the secret of its profile, or fetches the credentials that were prepared for it. The
/// body is read as bytes, whatever its `Content-Type`.
#[utoipa::path(
    post, path = "/api/v1/provision", tag = "device API",
    request_body = ProvisionRequest,
    responses(
        (status = 200, description = "A text with JSON in it: `credentialsValue`, `credentialsType` and `status`, which is \
                                      `SUCCESS`; or `errorMsg` and `status`, which is `NOT_FOUND` where no profile has this \
                                      key and secret, and `FAILURE` where the profile does not allow it for this device.",
         body = String, content_type = "text/plain"),
        (status = 400, description = "The body is no such object."),
    )
)]
fn provision() {}
