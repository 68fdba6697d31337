//! `POST /api/apiKey`: makes a key, or saves one.

use axum::{Json, body::Bytes, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{ApiKey, ApiKeyValue, Principal},
    time::Timestamp,
};
use utoipa::ToSchema;

use super::{ApiKeyJson, check_description, find, no_key, owner};
use crate::{
    authentication::{Only, Person},
    endpoints::devices::DraftId,
    error::{ApiError, Unauthenticated},
    extract::{JsonBody, JsonObject},
    state::{ApiState, Shared},
    wire::EntityId,
};

/// An API key to make or to save.
#[derive(Debug, ToSchema)]
#[schema(as = ApiKeyToSave, rename_all = "camelCase")]
pub(crate) struct ApiKeyDraft {
    /// The key to save; missing or null makes a new one.
    #[schema(value_type = Option<DraftId>)]
    id: Option<ApiKeyId>,
    /// For whom it acts; missing = the caller, for a new one. It stays the same for life.
    #[schema(value_type = Option<EntityId>)]
    user_id: Option<UserId>,
    /// What it is for, 1 to 255 characters.
    description: String,
    /// Whether it may be used; missing = yes, or as it was.
    enabled: Option<bool>,
    /// It may be used before this time, milliseconds since the epoch; 0 = always, and so is missing for a new one. It stays
    /// the same for life.
    expiration_time: Option<i64>,
}

impl ApiKeyDraft {
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        let members = JsonObject::parse(body)?;
        let description = members.text("description")?.unwrap_or_default();
        check_description(&description)?;
        Ok(Self {
            id: members.entity_id("id", "API_KEY")?.map(ApiKeyId),
            user_id: members.entity_id("userId", "USER")?.map(UserId),
            description,
            enabled: members.flag("enabled")?,
            expiration_time: members.integer("expirationTime")?,
        })
    }
}

/// Make or save an API key
///
/// A program sends it as `X-Authorization: ApiKey <value>` and acts as the user. The value of a new one is shown this once;
/// stored is a digest of it. Of one that is there, `description` and `enabled` are saved, and the value stays.
#[utoipa::path(
    post, path = "/api/apiKey", tag = "api keys", security(("bearer" = []), ("x-authorization" = [])),
    request_body = ApiKeyDraft,
    responses(
        (status = 200, description = "The key; a new one with its value.", body = ApiKeyJson),
        (status = 400, description = "The request is malformed, the description is missing, too long or no plain text, or it would change \
                                      the user or the time of a key."),
        (status = 404, description = "There is no such user, or no such key."),
    )
)]
pub(crate) async fn create_api_key(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    JsonBody(body): JsonBody,
) -> Result<Json<ApiKeyJson>, ApiError> {
    let draft = ApiKeyDraft::read(&body)?;
    let key = match draft.id {
        Some(id) => save(&state, &caller, id, draft).await,
        None => make(&state, &caller, draft).await,
    };
    key.map(Json)
}

async fn make(state: &ApiState, caller: &Principal, draft: ApiKeyDraft) -> Result<ApiKeyJson, ApiError> {
    let user = owner(state, caller, draft.user_id.unwrap_or(caller.user_id)).await?;
    let now = state.clock.now();
    let key = ApiKey {
        id: ApiKeyId(state.entropy.new_id(now)),
        user_id: user.id,
        description: draft.description,
        enabled: draft.enabled.unwrap_or(true),
        expires_at: draft.expiration_time.filter(|at| *at != 0).map(Timestamp),
        created_at: now,
    };
    let value = new_value(state);
    if !state.accounts.add_api_key(key.clone(), value.clone()).await? {
        return Err(Unauthenticated::BadCredentials.into());
    }
    Ok(ApiKeyJson::new(key, &user, now, Some(value.expose().to_owned())))
}

async fn save(state: &ApiState, caller: &Principal, id: ApiKeyId, draft: ApiKeyDraft) -> Result<ApiKeyJson, ApiError> {
    let (stored, user) = find(state, caller, id).await?;
    if draft.user_id.is_some_and(|user_id| user_id != stored.user_id) {
        return Err(ApiError::invalid("Cannot update API key user id!"));
    }
    if draft.expiration_time.is_some_and(|at| at != stored.expires_at.map_or(0, |stored| stored.0)) {
        return Err(ApiError::invalid("Cannot update API key expiration time!"));
    }
    let enabled = draft.enabled.unwrap_or(stored.enabled);
    let key = ApiKey { description: draft.description, enabled, ..stored };
    if !state.accounts.save_api_key(key.clone()).await? {
        return Err(no_key(id));
    }
    Ok(ApiKeyJson::new(key, &user, state.clock.now(), None))
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

    fn read(body: &str) -> Result<ApiKeyDraft, String> {
        ApiKeyDraft::read(&Bytes::copy_from_slice(body.as_bytes())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_description_is_enough() {
        let key = read(r#"{"description":"d"}"#).unwrap();
        assert_eq!((key.id, key.user_id, key.enabled, key.expiration_time), (None, None, None, None));
        let key = read(r#"{"description":"d","enabled":"False","expirationTime":7}"#).unwrap();
        assert_eq!((key.enabled, key.expiration_time), (Some(false), Some(7)));
    }

    #[test]
    fn a_description_is_needed() {
        for body in ["{}", r#"{"description":" "}"#, r#"{"description":null}"#] {
            assert_eq!(read(body).unwrap_err(), "API key description should be specified!", "{body}");
        }
        for text in [&*"x".repeat(256), r"a\u0000b", "<b>"] {
            assert!(read(&format!(r#"{{"description":"{text}"}}"#)).is_err(), "{text}");
        }
        assert!(read(r#"{"description":"d","enabled":"perhaps"}"#).is_err());
    }
}
