//! Who may do what to which user.

use super::{PeopleError, UserRefusal};
use crate::ports::{Authority, Principal, User};

/// What somebody wants to do with a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Look at it.
    Read,
    /// Save names, e-mail, telephone number and `additionalInfo`.
    Save,
    /// Enable, disable, delete, see the activation link.
    Administer,
}

/// Operators deal with operators and tenants' administrators; a tenant's administrators with everybody of the tenant;
/// customers' users see their customer's users and save themselves.
pub(super) fn may(caller: &Principal, access: Access, user: &User) -> bool {
    match caller.authority {
        Authority::SysAdmin => matches!(user.authority, Authority::SysAdmin | Authority::TenantAdmin),
        Authority::TenantAdmin => caller.tenant_id.is_some() && caller.tenant_id == user.tenant_id,
        Authority::CustomerUser => {
            let is_own = caller.customer_id.is_some()
                && caller.tenant_id == user.tenant_id
                && caller.customer_id == user.customer_id;
            match access {
                Access::Read => is_own,
                Access::Save => is_own && caller.user_id == user.id,
                Access::Administer => false,
            }
        }
        Authority::Auditor => false,
    }
}

/// # Errors
/// [`UserRefusal::NotPermitted`].
pub(super) fn check(caller: &Principal, access: Access, user: &User) -> Result<(), PeopleError> {
    if may(caller, access, user) { Ok(()) } else { Err(UserRefusal::NotPermitted.into()) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::{CustomerId, SessionId, TenantId, UserId},
        ports::Proof,
        time::Timestamp,
    };

    const TENANT: Option<TenantId> = Some(TenantId(Uuid::from_u128(1)));
    const FOREIGN: Option<TenantId> = Some(TenantId(Uuid::from_u128(2)));
    const CUSTOMER: Option<CustomerId> = Some(CustomerId(Uuid::from_u128(3)));
    const OTHER: Option<CustomerId> = Some(CustomerId(Uuid::from_u128(4)));

    fn user(id: u128, authority: Authority, tenant_id: Option<TenantId>, customer_id: Option<CustomerId>) -> User {
        User {
            id: UserId(Uuid::from_u128(id)),
            tenant_id,
            customer_id,
            authority,
            email: "a@b.org".to_owned(),
            first_name: None,
            last_name: None,
            phone: None,
            created_at: Timestamp(0),
            version: 1,
            additional_info: None,
        }
    }

    fn signed_in(user: &User) -> Principal {
        Principal {
            user_id: user.id,
            proof: Proof::Login(SessionId(Uuid::from_u128(9))),
            authority: user.authority,
            tenant_id: user.tenant_id,
            customer_id: user.customer_id,
        }
    }

    #[test]
    fn everybody_deals_with_their_own_and_nobody_else() {
        use Authority::{Auditor, CustomerUser, SysAdmin, TenantAdmin};
        let operator = user(10, SysAdmin, None, None);
        let admin = user(11, TenantAdmin, TENANT, None);
        let auditor = user(12, Auditor, TENANT, None);
        let anna = user(13, CustomerUser, TENANT, CUSTOMER);
        let bert = user(14, CustomerUser, TENANT, CUSTOMER);
        let carl = user(15, CustomerUser, TENANT, OTHER);
        let foreign_admin = user(16, TenantAdmin, FOREIGN, None);
        let foreigner = user(17, CustomerUser, FOREIGN, CUSTOMER);
        let everybody = [&operator, &admin, &auditor, &anna, &bert, &carl, &foreign_admin, &foreigner];
        let allowed = |caller: &User, access| -> Vec<u128> {
            let of = |user: &&&User| may(&signed_in(caller), access, user);
            everybody.iter().filter(of).map(|user| user.id.0.as_u128()).collect()
        };
        for access in [Access::Read, Access::Save, Access::Administer] {
            assert_eq!(allowed(&operator, access), [10, 11, 16], "{access:?}");
            assert_eq!(allowed(&admin, access), [11, 12, 13, 14, 15], "{access:?}");
            assert_eq!(allowed(&auditor, access), [0; 0], "{access:?}");
        }
        assert_eq!(allowed(&anna, Access::Read), [13, 14]);
        assert_eq!(allowed(&anna, Access::Save), [13]);
        assert_eq!(allowed(&anna, Access::Administer), [0; 0]);
    }
}
