//! A user as a client wants to save it, read and checked.

use deed_domain::{
    ids::{CustomerId, TenantId, UserId},
    people::{NewUser, UserChange, UserRefusal},
    ports::Authority,
};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    endpoints::devices::has_markup,
    error::ApiError,
    extract::{JsonObject, email},
    wire::ACCOUNT_MEMBERS,
};

const LONGEST: usize = 255;

/// A user to save. Further members of a user are accepted and mean nothing.
#[derive(Debug, ToSchema)]
#[schema(as = UserToSave, rename_all = "camelCase")]
pub(super) struct Draft {
    /// The user to change; missing or null makes a new one.
    #[schema(value_type = Option<UserDraftId>)]
    pub(super) id: Option<UserId>,
    /// The version that the client saw; missing or null overwrites.
    pub(super) version: Option<u32>,
    /// Operators only: the tenant of an administrator.
    #[schema(value_type = Option<UserDraftId>)]
    tenant_id: Option<TenantId>,
    /// The customer of a customer's user.
    #[schema(value_type = Option<UserDraftId>)]
    customer_id: Option<CustomerId>,
    /// `SYS_ADMIN`, `TENANT_ADMIN` or `CUSTOMER_USER`; a user that is changed keeps its own.
    #[schema(value_type = String, example = "CUSTOMER_USER")]
    authority: Option<Authority>,
    /// What the person signs in with; unique over all users, in whatever case.
    #[schema(example = "anna@example.org", max_length = 255)]
    email: String,
    /// Given name.
    #[schema(max_length = 255)]
    first_name: Option<String>,
    /// Family name.
    #[schema(max_length = 255)]
    last_name: Option<String>,
    /// Telephone number.
    #[schema(max_length = 255)]
    phone: Option<String>,
    /// Whatever clients keep there. `userCredentialsEnabled`, `userActivated` and `lastLoginTs` are left out of it.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
}

/// An entity id; the type may be left out.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; ids are read by `JsonObject::entity_id`")]
pub(super) struct UserDraftId {
    entity_type: Option<String>,
    id: Uuid,
}

impl Draft {
    pub(super) fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let authority = members.text("authority")?;
        let version = members.integer("version")?;
        let text = |name: &str| {
            let text = members.text(name)?;
            text.as_deref().map_or(Ok(()), |text| check(name, text))?;
            Ok::<_, ApiError>(text)
        };
        Ok(Self {
            id: members.entity_id("id", "USER")?.map(UserId),
            tenant_id: members.entity_id("tenantId", "TENANT")?.map(TenantId),
            customer_id: members.entity_id("customerId", "CUSTOMER")?.map(CustomerId),
            authority: authority.map(|word| parse_authority(&word)).transpose()?,
            email: match members.text("email")?.filter(|text| !text.trim().is_empty()) {
                Some(text) => email(&text)?,
                None => return Err(ApiError::invalid("User email should be specified!")),
            },
            first_name: text("firstName")?,
            last_name: text("lastName")?,
            phone: text("phone")?,
            additional_info: members.object("additionalInfo")?.and_then(without_account),
            // A version that no user can have is not the user's.
            version: match version {
                Some(version) => Some(u32::try_from(version).map_err(|_| UserRefusal::VersionConflict)?),
                None => None,
            },
        })
    }

    /// The user itself.
    pub(super) fn into_user(self) -> NewUser {
        let Self { tenant_id, customer_id, authority, email, first_name, last_name, phone, additional_info, .. } = self;
        let details = UserChange { email, first_name, last_name, phone, additional_info };
        NewUser { tenant_id, customer_id, authority, details }
    }
}

fn parse_authority(word: &str) -> Result<Authority, ApiError> {
    let wrong = "JSON parse error: member 'authority' must be SYS_ADMIN, TENANT_ADMIN or CUSTOMER_USER";
    Authority::parse(word).ok_or_else(|| ApiError::malformed(wrong))
}

/// What a client keeps: not what it was only shown there. Nothing, if nothing else was in it.
fn without_account(mut info: Value) -> Option<Value> {
    let members = info.as_object_mut()?;
    let before = members.len();
    ACCOUNT_MEMBERS.iter().for_each(|name| drop(members.remove(*name)));
    let was_only_shown = members.is_empty() && before > 0;
    (!was_only_shown).then_some(info)
}

fn check(member: &str, text: &str) -> Result<(), ApiError> {
    let why = if text.chars().count() > LONGEST {
        "length must be equal or less than 255"
    } else if has_markup(text) {
        "is malformed"
    } else if text.chars().any(|c| c.is_ascii_control()) {
        "must not contain control characters"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(format!("Validation error: {member} {why}")))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::wire::NULL_UUID;

    fn read(value: &Value) -> Result<Draft, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Draft::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_only_shown_is_not_kept() {
        let info = |info: Value| read(&json!({"email": "a@b.org", "additionalInfo": info})).unwrap().additional_info;
        let shown = json!({"userCredentialsEnabled": true, "userActivated": true, "lastLoginTs": 5});
        assert_eq!(info(shown), None);
        assert_eq!(info(json!({"userActivated": true, "lang": "de"})), Some(json!({"lang": "de"})));
        assert_eq!(info(json!({})), Some(json!({})));
        assert_eq!(info(json!(null)), None);
    }

    #[test]
    fn a_user_has_an_email_and_known_words() {
        for value in [json!({}), json!({"email": null}), json!({"email": " "})] {
            assert_eq!(read(&value).unwrap_err(), "User email should be specified!");
        }
        let refused = |member: &str, value: Value| {
            let mut draft = json!({"email": "a@b.org"});
            draft[member] = value;
            read(&draft).unwrap_err()
        };
        assert_eq!(refused("email", json!("rubbish")), "Invalid email address format 'rubbish'!");
        assert!(refused("authority", json!("NOBODY")).starts_with("JSON parse error: member 'authority'"));
        assert_eq!(refused("version", json!(-1)), "User was already changed by someone else");
        assert_eq!(refused("firstName", json!("<b>")), "Validation error: firstName is malformed");
        let long = "x".repeat(256);
        assert_eq!(refused("phone", json!(long)), "Validation error: phone length must be equal or less than 255");
        assert!(refused("lastName", json!("a\nb")).ends_with("control characters"));
    }

    #[test]
    fn the_null_uuid_is_no_customer() {
        let draft = read(&json!({"email": "a@b.org", "customerId": {"id": NULL_UUID}})).unwrap();
        assert_eq!((draft.customer_id, draft.authority, draft.version), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let _ = read(&json!({"email": "a@b.org", "firstName": text}));
        }
    }
}
