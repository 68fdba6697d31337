//! What a handler may ask of the one who is signed in.

use axum::{extract::FromRequestParts, http::request::Parts};
use deed_domain::{
    ids::{CustomerId, TenantId, UserId},
    ports::{Authority, Principal},
};

use super::SignedIn;
use crate::{error::ApiError, state::Shared};

/// Lets in only those who have the role.
pub(crate) struct Only<R>(pub(crate) R);

/// A role.
pub(crate) trait Role: Sized {
    /// The principal in that role; `None` if it has another.
    fn of(principal: &Principal) -> Option<Self>;
}

impl<R: Role> FromRequestParts<Shared> for Only<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let SignedIn(principal) = SignedIn::from_request_parts(parts, state).await?;
        R::of(&principal).map(Self).ok_or(ApiError::Forbidden)
    }
}

/// An operator of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SysAdmin {
    pub(crate) user_id: UserId,
}

impl Role for SysAdmin {
    fn of(principal: &Principal) -> Option<Self> {
        (principal.authority == Authority::SysAdmin).then_some(Self { user_id: principal.user_id })
    }
}

/// An administrator of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TenantAdmin {
    pub(crate) user_id: UserId,
    pub(crate) tenant_id: TenantId,
}

impl Role for TenantAdmin {
    fn of(principal: &Principal) -> Option<Self> {
        (principal.authority == Authority::TenantAdmin)
            .then(|| Some(Self { user_id: principal.user_id, tenant_id: principal.tenant_id? }))?
    }
}

/// A customer's user. Nobody in particular, who signed in for the public customer, is none: see
/// [`super::DeviceReader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CustomerUser {
    pub(crate) user_id: UserId,
    pub(crate) tenant_id: TenantId,
    pub(crate) customer_id: CustomerId,
}

impl Role for CustomerUser {
    fn of(principal: &Principal) -> Option<Self> {
        (principal.authority == Authority::CustomerUser && !principal.is_public()).then(|| {
            let (tenant_id, customer_id) = (principal.tenant_id?, principal.customer_id?);
            Some(Self { user_id: principal.user_id, tenant_id, customer_id })
        })?
    }
}

/// Somebody who has to do with devices: a tenant's administrator, or a customer's user with its own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceUser {
    Admin(TenantAdmin),
    Customer(CustomerUser),
}

impl Role for DeviceUser {
    fn of(principal: &Principal) -> Option<Self> {
        let admin = TenantAdmin::of(principal).map(Self::Admin);
        admin.or_else(|| CustomerUser::of(principal).map(Self::Customer))
    }
}

impl DeviceUser {
    pub(crate) const fn user_id(self) -> UserId {
        match self {
            Self::Admin(admin) => admin.user_id,
            Self::Customer(customer) => customer.user_id,
        }
    }

    pub(crate) const fn tenant_id(self) -> TenantId {
        match self {
            Self::Admin(admin) => admin.tenant_id,
            Self::Customer(customer) => customer.tenant_id,
        }
    }

    /// Whether a device of the tenant with that owner is this user's business.
    pub(crate) fn may_use(self, owner: Option<CustomerId>) -> bool {
        match self {
            Self::Admin(_) => true,
            Self::Customer(customer) => owner == Some(customer.customer_id),
        }
    }
}

/// Somebody who may read a tenant's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistoryReader {
    pub(crate) tenant_id: TenantId,
}

impl Role for HistoryReader {
    fn of(principal: &Principal) -> Option<Self> {
        matches!(principal.authority, Authority::TenantAdmin | Authority::Auditor)
            .then(|| Some(Self { tenant_id: principal.tenant_id? }))?
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{ids::SessionId, ports::Proof};
    use uuid::Uuid;

    use super::*;

    fn principal(authority: Authority) -> Principal {
        let id = Uuid::from_u128(1);
        let (tenant_id, customer_id) = match authority {
            Authority::SysAdmin => (None, None),
            Authority::TenantAdmin | Authority::Auditor => (Some(TenantId(id)), None),
            Authority::CustomerUser => (Some(TenantId(id)), Some(CustomerId(id))),
        };
        Principal { user_id: UserId(id), proof: Proof::Login(SessionId(id)), authority, tenant_id, customer_id }
    }

    #[test]
    fn each_role_lets_in_its_own() {
        let roles = |authority| {
            let principal = principal(authority);
            (
                SysAdmin::of(&principal).is_some(),
                TenantAdmin::of(&principal).is_some(),
                CustomerUser::of(&principal).is_some(),
                DeviceUser::of(&principal).is_some(),
                HistoryReader::of(&principal).is_some(),
            )
        };
        assert_eq!(roles(Authority::SysAdmin), (true, false, false, false, false));
        assert_eq!(roles(Authority::TenantAdmin), (false, true, false, true, true));
        assert_eq!(roles(Authority::CustomerUser), (false, false, true, true, false));
        assert_eq!(roles(Authority::Auditor), (false, false, false, false, true));
    }

    #[test]
    fn a_customers_user_uses_only_its_own_devices() {
        let user = DeviceUser::of(&principal(Authority::CustomerUser)).unwrap();
        assert!(user.may_use(Some(CustomerId(Uuid::from_u128(1)))));
        assert!(!user.may_use(Some(CustomerId(Uuid::from_u128(2)))));
        assert!(!user.may_use(None));
    }
}
