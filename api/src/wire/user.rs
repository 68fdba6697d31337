//! Users.

use deed_domain::{
    ports::{Account, ListedUser, User},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{EntityId, device::GroupJson};

/// What is told of an account, beside `additionalInfo` and in it: published clients look in either place.
pub(crate) const ACCOUNT_MEMBERS: [&str; 3] = ["userCredentialsEnabled", "userActivated", "lastLoginTs"];

/// A person who signs in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserJson {
    /// The person.
    id: EntityId,
    /// When the person was added, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// The tenant; the null UUID for the platform's operators.
    tenant_id: EntityId,
    /// The customer of a customer's user; the null UUID otherwise.
    customer_id: EntityId,
    /// What the person signs in with.
    #[schema(example = "auditor@example.org")]
    email: String,
    /// `SYS_ADMIN`, `TENANT_ADMIN`, `CUSTOMER_USER` or `AUDITOR`.
    #[schema(example = "AUDITOR")]
    authority: &'static str,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// One more for each save.
    version: u32,
    /// The e-mail.
    name: String,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
    /// Whether the person may sign in; only where one user is read or saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_credentials_enabled: Option<bool>,
    /// Whether the person has chosen a password; only where one user is read or saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_activated: Option<bool>,
    /// When the person last signed in, milliseconds since the epoch; null: never. Only where one user is read or saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    last_login_ts: Option<Option<Timestamp>>,
}

impl UserJson {
    /// A user, and how it stands with the account.
    pub(crate) fn with_account(user: User, account: Account) -> Self {
        let mut plain = Self::from(user);
        let mut info = match plain.additional_info.take() {
            Some(Value::Object(members)) => members,
            Some(_) | None => Map::new(),
        };
        let values = [json!(account.is_enabled), json!(account.is_activated), json!(account.last_login)];
        info.extend(ACCOUNT_MEMBERS.map(str::to_owned).into_iter().zip(values));
        Self {
            additional_info: Some(info.into()),
            user_credentials_enabled: Some(account.is_enabled),
            user_activated: Some(account.is_activated),
            last_login_ts: Some(account.last_login),
            ..plain
        }
    }
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        Self {
            id: EntityId::user(user.id),
            created_time: user.created_at,
            tenant_id: EntityId::tenant(user.tenant_id),
            customer_id: EntityId::customer(user.customer_id),
            name: user.email.clone(),
            email: user.email,
            authority: user.authority.as_str(),
            first_name: user.first_name,
            last_name: user.last_name,
            phone: user.phone,
            version: user.version,
            additional_info: user.additional_info,
            user_credentials_enabled: None,
            user_activated: None,
            last_login_ts: None,
        }
    }
}

/// A user and what people want to see beside it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserInfoJson {
    #[serde(flatten)]
    user: UserJson,
    /// The customer of a customer's user, or the tenant.
    owner_id: EntityId,
    /// The customer's title; null if the user is the tenant's.
    owner_name: Option<String>,
    /// Always empty.
    groups: Vec<GroupJson>,
}

impl From<ListedUser> for UserInfoJson {
    fn from(listed: ListedUser) -> Self {
        let user = listed.user;
        let owner_id = match user.customer_id {
            Some(_) => EntityId::customer(user.customer_id),
            None => EntityId::tenant(user.tenant_id),
        };
        Self { owner_id, owner_name: listed.customer_title, groups: Vec::new(), user: user.into() }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{ids::UserId, ports::Authority};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_state_of_the_account_stands_in_both_places() {
        let user = User {
            id: UserId(Uuid::nil()),
            tenant_id: None,
            customer_id: None,
            authority: Authority::TenantAdmin,
            email: "a@b.org".to_owned(),
            first_name: None,
            last_name: None,
            phone: None,
            created_at: Timestamp(1),
            version: 1,
            additional_info: Some(json!({"lang": "de"})),
        };
        let plain = json!(UserJson::from(user.clone()));
        assert_eq!(plain["additionalInfo"], json!({"lang": "de"}));
        assert!(ACCOUNT_MEMBERS.iter().all(|name| plain.get(name).is_none()));
        let never = Account { is_enabled: false, is_activated: true, last_login: None };
        let told = json!(UserJson::with_account(user, never));
        let values = json!({"userCredentialsEnabled": false, "userActivated": true, "lastLoginTs": null});
        for name in ACCOUNT_MEMBERS {
            assert_eq!(told.get(name), values.get(name));
            assert_eq!(told["additionalInfo"].get(name), values.get(name));
        }
        assert_eq!(told["additionalInfo"]["lang"], json!("de"));
    }
}
