//! `POST /api/apiKey`.

use axum::{Json, body::Bytes, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{ApiKey, ApiKeyValue},
    time::Timestamp,
};
use utoipa::ToSchema;

use super::{ApiKeyJson, check_description, owner};
use crate::{
    authentication::{Only, Person},
    error::{ApiError, Unauthenticated},
    extract::{JsonBody, JsonObject},
    state::{ApiState, Shared},
    wire::EntityId,
};

/// An API key to make.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewApiKey {
    /// For whom it acts; missing = the caller.
    #[schema(value_type = Option<EntityId>)]
    user_id: Option<UserId>,
    /// What it is for, 1 to 255 characters.
    description: String,
    /// Whether it may be used; missing = yes.
    #[schema(value_type = Option<bool>)]
    enabled: bool,
    /// It may be used before this time, milliseconds since the epoch; missing or 0 = always.
    #[schema(value_type = Option<i64>)]
    expiration_time: Option<Timestamp>,
}

impl NewApiKey {
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        let members = JsonObject::parse(body)?;
        let description = members.text("description")?.unwrap_or_default();
        check_description(&description)?;
        Ok(Self {
            user_id: members.entity_id("userId", "USER")?.map(UserId),
            description,
            enabled: members.flag("enabled")?.unwrap_or(true),
            expiration_time: members.integer("expirationTime")?.filter(|at| *at != 0).map(Timestamp),
        })
    }
}

/// Make an API key
///
/// A program sends it as `X-Authorization: ApiKey <value>` and acts as the user. The value is shown this once; stored is
/// a digest of it.
#[utoipa::path(
    post, path = "/api/apiKey", tag = "api keys", security(("bearer" = []), ("x-authorization" = [])),
    request_body = NewApiKey,
    responses(
        (status = 200, description = "The key, with its value.", body = ApiKeyJson),
        (status = 400, description = "The request is malformed, or the description is missing or too long."),
        (status = 404, description = "There is no such user."),
    )
)]
pub(crate) async fn create_api_key(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    JsonBody(body): JsonBody,
) -> Result<Json<ApiKeyJson>, ApiError> {
    let new = NewApiKey::read(&body)?;
    let user = owner(&state, &caller, new.user_id.unwrap_or(caller.user_id)).await?;
    let now = state.clock.now();
    let key = ApiKey {
        id: ApiKeyId(state.entropy.new_id(now)),
        user_id: user.id,
        description: new.description,
        enabled: new.enabled,
        expires_at: new.expiration_time,
        created_at: now,
    };
    let value = new_value(&state);
    if !state.accounts.add_api_key(key.clone(), value.clone()).await? {
        return Err(Unauthenticated::BadCredentials.into());
    }
    Ok(Json(ApiKeyJson::new(key, &user, now, Some(value.expose().to_owned()))))
}

/// A value that nobody can guess.
fn new_value(state: &ApiState) -> ApiKeyValue {
    let mut bytes = vec![0; state.settings.api_key_bytes];
    state.entropy.fill(&mut bytes);
    ApiKeyValue::new(format!("{}{}", state.settings.api_key_prefix, URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<NewApiKey, String> {
        NewApiKey::read(&Bytes::copy_from_slice(body.as_bytes())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_enabled_and_lasts_unless_it_is_said_otherwise() {
        let key = read(r#"{"description":"d"}"#).unwrap();
        assert!(key.enabled && key.expiration_time.is_none() && key.user_id.is_none());
        let key = read(r#"{"description":"d","enabled":false,"expirationTime":7}"#).unwrap();
        assert!(!key.enabled && key.expiration_time == Some(Timestamp(7)));
        assert!(read(r#"{"description":"d","expirationTime":0}"#).unwrap().expiration_time.is_none());
    }

    #[test]
    fn a_description_is_needed() {
        for body in ["{}", r#"{"description":" "}"#, r#"{"description":null}"#] {
            assert_eq!(read(body).unwrap_err(), "API key description should be specified!", "{body}");
        }
        assert!(read(&format!(r#"{{"description":"{}"}}"#, "x".repeat(256))).is_err());
        assert!(read(r#"{"description":"d","enabled":"perhaps"}"#).is_err());
    }
}
