//! `POST /api/devices/{deviceId}/claim-keys`.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use deed_domain::{
    claim_key::ClaimKey,
    claims::{IssuedKey, NewKey},
    device::KeyEnd,
    ids::KeyId,
    ports::DeviceIdentity,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{Only, TenantAdmin},
    endpoints::devices::failure,
    error::ApiError,
    extract::{CommandContext, JsonObject, PathParams, RawBody},
    state::Shared,
};

/// A claim key to add. Nothing at all makes a key with the default life.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewKeyRequest {
    /// The key; missing or null makes one.
    #[schema(value_type = Option<String>)]
    secret_key: Option<ClaimKey>,
    /// It works from this time on, milliseconds since the epoch; missing or null = at once.
    #[schema(value_type = Option<i64>)]
    not_before: Option<Timestamp>,
    /// It works up to and including this millisecond since the epoch. Excludes `durationMs`.
    #[schema(value_type = Option<i64>)]
    expiration_time: Option<Timestamp>,
    /// It works for so many milliseconds, from `notBefore` or from now. Excludes `expirationTime`; without both, the
    /// default duration counts.
    #[schema(minimum = 1)]
    duration_ms: Option<i64>,
}

impl NewKeyRequest {
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self { secret_key: None, not_before: None, expiration_time: None, duration_ms: None });
        }
        // A number keeps its spelling: `1.50` is another key than `1.5`.
        let (members, secret_key) = JsonObject::parse_with_spelling(body, "secretKey")?;
        let secret_key = secret_key.filter(|spelt| spelt.get() != "null").map(|spelt| ClaimKey::from_json(&spelt));
        let request = Self {
            secret_key: secret_key
                .map(|key| key.ok_or_else(|| ApiError::malformed("'secretKey' must be a text")))
                .transpose()?,
            not_before: members.integer("notBefore")?.map(Timestamp),
            expiration_time: members.integer("expirationTime")?.map(Timestamp),
            duration_ms: members.integer("durationMs")?,
        };
        let fault = if request.secret_key.as_ref().is_some_and(ClaimKey::is_empty) {
            "secretKey must not be empty; leave it out to have one made"
        } else if request.expiration_time.is_some() && request.duration_ms.is_some() {
            "expirationTime and durationMs exclude each other"
        } else if request.duration_ms.is_some_and(|duration| duration < 1) {
            "durationMs must be at least 1"
        } else {
            return Ok(request);
        };
        Err(ApiError::invalid(fault))
    }

    fn into_key(self, default_duration_ms: i64) -> NewKey {
        let lasts = || KeyEnd::After(self.duration_ms.unwrap_or(default_duration_ms));
        let ends = self.expiration_time.map_or_else(lasts, KeyEnd::At);
        NewKey { key: self.secret_key, not_before: self.not_before, ends }
    }
}

/// A key that was added.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKeyResponse {
    /// Names the key; says nothing about its text.
    #[schema(value_type = uuid::Uuid)]
    key_id: KeyId,
    /// The key, if the service made it. It is shown this once; a repeated request does not show it again.
    #[schema(example = "7KQM-2WXR-HT4P-9BDE")]
    secret_key: Option<String>,
    /// When it was issued, milliseconds since the epoch.
    #[schema(value_type = i64)]
    issued_at: Timestamp,
    /// It works up to and including this millisecond since the epoch.
    #[schema(value_type = i64)]
    expiration_time: Timestamp,
}

impl From<IssuedKey> for NewKeyResponse {
    fn from(issued: IssuedKey) -> Self {
        Self {
            key_id: issued.key_id,
            secret_key: issued.made.map(|key| key.expose().to_owned()),
            issued_at: issued.issued_at,
            expiration_time: issued.expires_at,
        }
    }
}

/// Add a claim key
///
/// Beside those that the device has. Any active key claims the device. The body may be left out.
#[utoipa::path(
    post, path = "/api/devices/{deviceId}/claim-keys", tag = "claiming",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = NewKeyRequest,
    responses(
        (status = 201, description = "The key is active from `notBefore` on.", body = NewKeyResponse),
        (status = 400, description = "The request is malformed, the key breaks the key policy or would never be valid, or \
                                      the device holds the most keys it may."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn add_key(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<NewKeyResponse>), ApiError> {
    let id = path.id("deviceId")?;
    let default_duration_ms = state.claims.policy().default_duration_ms;
    let key = NewKeyRequest::read(&body)?.into_key(default_duration_ms);
    let device = DeviceIdentity::new(admin.tenant_id, id);
    let caller = command.caller(admin.user_id);
    let issued = state.claims.add_key(&caller, device, key).await.map_err(failure(id))?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn key(body: &Value) -> Result<NewKey, String> {
        let request = NewKeyRequest::read(&Bytes::from(body.to_string())).map_err(|error| error.to_string())?;
        Ok(request.into_key(500))
    }

    #[test]
    fn nothing_makes_a_key_with_the_default_life() {
        let made = NewKeyRequest::read(&Bytes::new()).unwrap().into_key(500);
        assert!(made.key.is_none() && made.not_before.is_none());
        assert_eq!(made.ends, KeyEnd::After(500));
        assert_eq!(key(&json!({"secretKey": null})).unwrap().ends, KeyEnd::After(500));
    }

    #[test]
    fn a_duration_begins_with_the_key() {
        let later = key(&json!({"notBefore": 9_000, "durationMs": 10})).unwrap();
        assert_eq!((later.not_before, later.ends), (Some(Timestamp(9_000)), KeyEnd::After(10)));
        let until = key(&json!({"expirationTime": 7})).unwrap();
        assert_eq!(until.ends, KeyEnd::At(Timestamp(7)));
    }

    #[test]
    fn a_number_is_the_key_that_it_spells() {
        let request = NewKeyRequest::read(&Bytes::from(r#"{"secretKey":1.50,"durationMs":7}"#)).unwrap();
        assert_eq!((request.secret_key.unwrap().expose(), request.duration_ms), ("1.50", Some(7)));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for body in [
            json!(null),
            json!([]),
            json!({"secretKey": ""}),
            json!({"expirationTime": 5, "durationMs": 5}),
            json!({"durationMs": 0}),
            json!({"durationMs": -1}),
            json!({"durationMs": 1.5}),
            json!({"notBefore": "soon"}),
            json!({"secretKey": {"a": "S3CR3T"}}),
        ] {
            let error = key(&body).err().unwrap();
            assert!(!error.contains("S3CR3T"), "{error}");
        }
    }
}
