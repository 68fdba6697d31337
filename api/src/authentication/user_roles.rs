//! Who is a person, and who deals with users. What exactly they may do with which of them is decided by `deed_domain::people`.

use deed_domain::ports::{Authority, Principal};

use super::Role;

/// Anybody who has an account: everybody but the public user, who is nobody in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person(pub(crate) Principal);

impl Role for Person {
    fn of(principal: &Principal) -> Option<Self> {
        (!principal.is_public()).then_some(Self(*principal))
    }
}

/// Somebody who makes, changes and deletes users: an operator, or an administrator of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserAdministrator(pub(crate) Principal);

impl Role for UserAdministrator {
    fn of(principal: &Principal) -> Option<Self> {
        matches!(principal.authority, Authority::SysAdmin | Authority::TenantAdmin).then_some(Self(*principal))
    }
}

/// Somebody who sees users, if only itself: everybody but auditors and the public user, who is nobody in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserReader(pub(crate) Principal);

impl Role for UserReader {
    fn of(principal: &Principal) -> Option<Self> {
        (principal.authority != Authority::Auditor && !principal.is_public()).then_some(Self(*principal))
    }
}

/// Somebody who has lists of users: an administrator of a tenant, or a customer's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserLister(pub(crate) Principal);

impl Role for UserLister {
    fn of(principal: &Principal) -> Option<Self> {
        let has_lists = matches!(principal.authority, Authority::TenantAdmin | Authority::CustomerUser);
        (has_lists && !principal.is_public()).then_some(Self(*principal))
    }
}
