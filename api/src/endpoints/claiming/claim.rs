//! `POST /api/customer/device/{deviceName}/claim`.

use std::collections::BTreeMap;

use axum::{Json, body::Bytes, extract::State};
use deed_domain::{claim_key::ClaimKey, claims::Failure, ports::Appended};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    authentication::{Claimant, CustomerUser, Only},
    endpoints::devices,
    error::{ApiError, ErrorBody},
    extract::{CommandContext, PathParams, QueryParams, RawBody, uuid},
    state::{ApiState, Shared},
    wire::DeviceJson,
};

/// A claim key.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ClaimRequest {
    /// The key as it is shown; missing or null is the empty key. Numbers and booleans stand for their text.
    #[schema(value_type = Option<String>, example = "7KQM-2WXR-HT4P-9BDE")]
    secret_key: ClaimKey,
}

/// The body of a refusal, for the document.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "refusals are written in `error`; this tells what they look like")]
pub(crate) enum ClaimRefusal {
    /// `"FAILURE"` or `"CLAIMED"`.
    Word(String),
    /// A malformed request.
    Malformed(ErrorBody),
}

impl ClaimRequest {
    /// Reads the body: an object, `null` or nothing. A number keeps its spelling: `1.50` is another key than `1.5`.
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        let malformed = || ApiError::malformed("Malformed claim request");
        if body.is_empty() {
            return Ok(Self { secret_key: ClaimKey::new("") });
        }
        let members: Option<BTreeMap<String, Box<RawValue>>> = serde_json::from_slice(body).map_err(|_| malformed())?;
        let key = members.as_ref().and_then(|members| members.get("secretKey"));
        let secret_key = key.map_or_else(|| Some(ClaimKey::new("")), |key| ClaimKey::from_json(key));
        secret_key.map(|secret_key| Self { secret_key }).ok_or_else(malformed)
    }
}

/// The claimed device: its members at the top, as the documentation of the claim has them, and in `device`, as clients
/// read them.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimResponse {
    #[serde(flatten)]
    members: DeviceJson,
    /// The same device.
    device: DeviceJson,
    /// `SUCCESS`.
    #[schema(example = "SUCCESS")]
    response: &'static str,
}

/// Claim a device
///
/// Any active key of the device makes the caller's customer its owner and ends every key. The owner that presents the
/// same key again gets the same answer, and nothing happens. The `Content-Type` does not matter.
#[utoipa::path(
    post, path = "/api/customer/device/{deviceName}/claim", tag = "claiming",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceName" = String, Path, description = "The exact name, percent-encoded."),
        ("subCustomerId" = Option<uuid::Uuid>, Query, description = "The caller's own customer; no other is accepted."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = Option<ClaimRequest>,
    responses(
        (status = 200, description = "The caller's customer owns the device.", body = ClaimResponse),
        (status = 400, description = "By default one of two bare JSON strings: `\"FAILURE\"` for a wrong, expired or missing \
                                      key, `\"CLAIMED\"` for a device that has an owner. As a problem, `code` is \
                                      `claim_failed`, `key_expired` (to the holder of the expired key) or \
                                      `already_claimed`. A malformed request has the usual body.", body = ClaimRefusal, content_type = "application/json"),
        (status = 404, description = "The tenant has no device of that name."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
        (status = 429, description = "This customer presented too many wrong keys, or has sent as much as it or its tenant may. `Retry-After` says how long to wait."),
    )
)]
pub(crate) async fn claim(
    State(state): State<Shared>,
    Only(claimant): Only<Claimant>,
    command: CommandContext,
    path: PathParams,
    query: QueryParams,
    RawBody(body): RawBody,
) -> Result<Json<ClaimResponse>, ApiError> {
    let customer = match claimant {
        Claimant::Customer(customer) => customer,
        Claimant::Public(nobody) => return Err(refused(&state, command, nobody, path.text("deviceName")?).await),
    };
    if let Some(sub_customer) = query.text("subCustomerId").filter(|id| !id.is_empty())
        && uuid(sub_customer)? != customer.customer_id.0
    {
        return Err(ApiError::Forbidden);
    }
    let name = path.text("deviceName")?;
    let key = ClaimRequest::read(&body)?.secret_key;
    let caller = command.caller(customer.user_id);
    let CustomerUser { user_id, tenant_id, customer_id } = customer;
    let result = state.claims.claim(&caller, tenant_id, name, customer_id, user_id, key).await;
    count(&result);
    claimed(&state, result.map_err(ApiError::ClaimFailed)?).await.map(Json)
}

/// The answer to the public customer, the same for every device and every name. What it tried is in the device's log.
async fn refused(state: &ApiState, command: CommandContext, nobody: CustomerUser, device_name: &str) -> ApiError {
    let CustomerUser { user_id, tenant_id, customer_id } = nobody;
    let caller = command.caller(user_id);
    let failure = state.claims.refuse_claim(&caller, tenant_id, device_name, customer_id, user_id).await;
    let result = Err(failure);
    count(&result);
    match result {
        Err(Failure::NotAppended(error)) => ApiError::from(Failure::NotAppended(error)),
        _ => ApiError::Forbidden,
    }
}

async fn claimed(state: &ApiState, appended: Appended) -> Result<ClaimResponse, ApiError> {
    let device = devices::left(state, &appended).await?;
    Ok(ClaimResponse { members: device.clone(), device, response: "SUCCESS" })
}

fn count(result: &Result<Appended, Failure>) {
    let (outcome, reason) = match result {
        Ok(appended) if appended.events.is_empty() => ("repeated", "none"),
        Ok(_) => ("claimed", "none"),
        Err(Failure::Refused(refusal)) => ("refused", refusal.code()),
        Err(Failure::NotAppended(_)) => ("failed", "not_appended"),
    };
    metrics::counter!("deed_claims_total", "outcome" => outcome, "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn key(body: &str) -> Option<String> {
        let request = ClaimRequest::read(&Bytes::copy_from_slice(body.as_bytes()));
        request.ok().map(|request| request.secret_key.expose().to_owned())
    }

    #[test]
    fn no_key_is_the_empty_key() {
        for body in ["", "null", "{}", r#"{"secretKey":null}"#, r#"{"secretKey":""}"#, r#"{"other":1}"#] {
            assert_eq!(key(body).as_deref(), Some(""), "{body}");
        }
    }

    #[test]
    fn scalars_stand_for_their_text_as_it_is_spelt() {
        for (body, expected) in [
            (r#"{"secretKey":5}"#, "5"),
            (r#"{"secretKey":1.50}"#, "1.50"),
            (r#"{"secretKey":true}"#, "true"),
            (r#"{"secretKey":"schlüssel \ud83d\udd11"}"#, "schlüssel 🔑"),
            (r#"{"secretKey":"a","x":{},"secretKey":"b"}"#, "b"),
        ] {
            assert_eq!(key(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        let deep = format!(r#"{{"secretKey":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for body in ["{rubbish", "[]", "\"K\"", "1", " ", r#"{"secretKey":{"a":1}}"#, r#"{"secretKey":[]}"#, &deep] {
            assert_eq!(key(body), None, "{body}");
        }
    }

    #[test]
    fn messages_and_debug_output_show_no_key() {
        let error = ClaimRequest::read(&Bytes::from(r#"{"secretKey":"S3CR3T""#)).unwrap_err();
        assert!(!error.to_string().contains("S3CR3T"));
        let request = ClaimRequest::read(&Bytes::from(r#"{"secretKey":"S3CR3T"}"#)).unwrap();
        assert!(!format!("{request:?}").contains("S3CR3T"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = ClaimRequest::read(&Bytes::from(bytes));
        }

        #[test]
        fn every_text_is_read_as_it_is(text: String) {
            let body = json!({"secretKey": text}).to_string();
            prop_assert_eq!(key(&body), Some(text));
        }
    }
}
