//! What is asked of the audit log.

use deed_domain::{
    ids::{CustomerId, TenantId, UserId},
    metadata::Actor,
    ports::{PageRequest, Scope},
    time::Timestamp,
};
use deed_projections::AuditEntry;
use utoipa::IntoParams;

use super::action::{action_type, known};
use crate::{
    error::ApiError,
    extract::{QueryParams, SortProperty, page_request},
};

/// Which entries are wanted; read by [`Question::read`].
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the query")]
pub(crate) struct AuditLogParams {
    /// Entries on a page.
    #[param(minimum = 1, example = 10)]
    page_size: u32,
    /// Which page; 0 is the first.
    #[param(example = 0)]
    page: u32,
    /// A part of the device's name, the user's e-mail, the action's type or status.
    text_search: Option<String>,
    /// From this time on, milliseconds since the epoch.
    start_time: Option<i64>,
    /// Up to and including this time.
    end_time: Option<i64>,
    /// `createdTime`, `entityName`, `userName`, `actionType` or `actionStatus`.
    sort_property: Option<String>,
    /// `ASC` or `DESC`.
    sort_order: Option<String>,
    /// Only these, with commas between them.
    action_types: Option<String>,
}

/// By what the entries can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortBy {
    CreatedTime,
    EntityName,
    UserName,
    ActionType,
    ActionStatus,
}

impl SortProperty for SortBy {
    const CREATION: Self = Self::CreatedTime;

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "createdTime" | "entityType" => Self::CreatedTime,
            "entityName" => Self::EntityName,
            "userName" => Self::UserName,
            "actionType" => Self::ActionType,
            "actionStatus" => Self::ActionStatus,
            _ => return None,
        })
    }
}

/// Whose entries are asked for, besides those of the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Anybody,
    Customer(CustomerId),
    User(UserId),
    /// There are no entries about such a thing.
    Nothing,
}

/// Which entries are asked for, and which page of them.
pub(super) struct Question {
    pub(super) tenant_id: TenantId,
    pub(super) scope: Scope,
    pub(super) about: About,
    pub(super) page: PageRequest<SortBy>,
    /// Entries of this time and later.
    pub(super) from: Timestamp,
    /// Entries of this time and earlier.
    pub(super) until: Timestamp,
    /// Entries of these types; all of them if there are none.
    action_types: Vec<&'static str>,
}

impl Question {
    pub(super) fn read(query: &QueryParams, tenant_id: TenantId, scope: Scope, about: About) -> Result<Self, ApiError> {
        let time = |name| query.number(name, i64::MIN..=i64::MAX);
        let words = query.all("actionTypes").flat_map(|words| words.split(',')).filter(|word| !word.is_empty());
        let unknown = |word| ApiError::unknown("Query parameter 'actionTypes'", word);
        let action_types = words.map(|word| known(word).ok_or_else(|| unknown(word)));
        Ok(Self {
            tenant_id,
            scope,
            about,
            page: page_request(query)?,
            from: Timestamp(time("startTime")?.unwrap_or(i64::MIN)),
            until: Timestamp(time("endTime")?.unwrap_or(i64::MAX)),
            action_types: action_types.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the entry is asked for, whatever names are searched.
    pub(super) fn wants(&self, entry: &AuditEntry) -> bool {
        let is_about = match self.about {
            About::Anybody => true,
            About::Customer(customer_id) => entry.action.customer_id() == Some(customer_id),
            About::User(user_id) => entry.actor == Actor::User(user_id),
            About::Nothing => false,
        };
        let is_of_type = self.action_types.is_empty() || self.action_types.contains(&action_type(entry.action));
        is_about && is_of_type && (self.from..=self.until).contains(&entry.at)
    }

    /// Whether events with this text, as it is stored, can make an entry that is asked for: spares decoding the others.
    pub(super) fn may_want(&self, payload: &str, metadata: &str) -> bool {
        match self.about {
            About::Anybody => true,
            About::Customer(customer_id) => payload.contains(&customer_id.to_string()),
            About::User(user_id) => metadata.contains(&user_id.to_string()),
            About::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::ids::{DeviceId, Position};
    use deed_projections::AuditAction;
    use uuid::Uuid;

    use super::*;

    const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0xa));
    const USER: UserId = UserId(Uuid::from_u128(0xb));

    fn question(query: &str, about: About) -> Result<Question, String> {
        let tenant_id = TenantId(Uuid::from_u128(1));
        let query = QueryParams::of(&format!("pageSize=10&page=0&{query}"));
        Question::read(&query, tenant_id, Scope::Tenant(tenant_id), about).map_err(|error| error.to_string())
    }

    fn entry(action: AuditAction) -> AuditEntry {
        let device_id = DeviceId(Uuid::from_u128(2));
        AuditEntry { position: Position(1), device_id, at: Timestamp(50), actor: Actor::User(USER), action }
    }

    #[test]
    fn an_entry_is_wanted_by_time_type_customer_and_user() {
        let wants = |query: &str, about| question(query, about).unwrap().wants(&entry(AuditAction::Assigned(CUSTOMER)));
        for query in ["", "startTime=50&endTime=50", "actionTypes=ADDED,ASSIGNED_TO_CUSTOMER", "actionTypes="] {
            assert!(wants(query, About::Anybody), "{query}");
        }
        for query in ["startTime=51", "endTime=49", "actionTypes=LOGIN", "actionTypes=ADDED&actionTypes=DELETED"] {
            assert!(!wants(query, About::Anybody), "{query}");
        }
        assert!(wants("", About::Customer(CUSTOMER)) && wants("", About::User(USER)));
        assert!(!wants("", About::Customer(CustomerId(USER.0))) && !wants("", About::User(UserId(CUSTOMER.0))));
        assert!(!wants("", About::Nothing));
    }

    #[test]
    fn what_makes_no_question_is_refused() {
        for (query, message) in [
            ("actionTypes=ADDED,NOTHING", "Query parameter 'actionTypes' cannot be 'NOTHING'"),
            ("startTime=x", "Query parameter 'startTime' must be a whole number"),
            ("endTime=1.5", "Query parameter 'endTime' must be a whole number"),
            ("endTime=9223372036854775808", "Query parameter 'endTime' is out of range"),
            ("sortProperty=rubbish", "Query parameter 'sortProperty' cannot be 'rubbish'"),
        ] {
            assert_eq!(question(query, About::Anybody).err().as_deref(), Some(message), "{query}");
        }
    }
}
