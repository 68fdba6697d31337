//! Reading, enabling and deleting users.

use super::{
    People, PeopleError, UserRefusal,
    access::{Access, check},
};
use crate::{
    ids::UserId,
    ports::{
        Account, AccountChange, Authority, LastOne, ListPage, ListedUser, PageRequest, Principal, User, UserSort,
        UsersOf,
    },
};

impl People {
    /// A user, and how it stands with the account.
    ///
    /// # Errors
    /// [`UserRefusal::NotFound`], [`UserRefusal::NotPermitted`].
    pub async fn user(&self, caller: &Principal, id: UserId) -> Result<(User, Account), PeopleError> {
        let user = self.existing(id).await?;
        check(caller, Access::Read, &user)?;
        let account = self.accounts.account(id).await?.ok_or(UserRefusal::NotFound(id))?;
        Ok((user, account))
    }

    /// The users whom the caller may see: of the tenant or of the caller's customer; `with_customers` is whether a
    /// tenant's administrator sees the customers' users, too.
    ///
    /// # Errors
    /// [`UserRefusal::NotPermitted`].
    pub async fn visible_users(
        &self,
        caller: &Principal,
        with_customers: bool,
        page: PageRequest<UserSort>,
    ) -> Result<ListPage<ListedUser>, PeopleError> {
        let of = match (caller.authority, caller.tenant_id, caller.customer_id) {
            (Authority::TenantAdmin, Some(id), _) if with_customers => UsersOf::Tenant(id),
            (Authority::TenantAdmin, Some(id), _) => UsersOf::TenantAlone(id),
            (Authority::CustomerUser, _, Some(id)) => UsersOf::Customer(id),
            (Authority::SysAdmin | Authority::TenantAdmin | Authority::CustomerUser | Authority::Auditor, _, _) => {
                return Err(UserRefusal::NotPermitted.into());
            }
        };
        Ok(self.accounts.users(of, page).await?)
    }

    /// Lets a user sign in, or keeps it from that; whoever is signed in is out at once, and stays out when the user may
    /// sign in again.
    ///
    /// # Errors
    /// [`UserRefusal::NotFound`], [`UserRefusal::NotPermitted`], [`UserRefusal::OwnAccount`] for who would keep out itself,
    /// [`UserRefusal::LastAdministrator`] for who is kept out by then and would keep out the last one of its kind, and
    /// [`UserRefusal::NotActivated`] if there is no password yet to sign in with.
    pub async fn set_enabled(&self, caller: &Principal, id: UserId, enabled: bool) -> Result<(), PeopleError> {
        let user = self.existing(id).await?;
        check(caller, Access::Administer, &user)?;
        if !enabled && caller.user_id == id {
            return Err(UserRefusal::OwnAccount.into());
        }
        let refusal = match self.accounts.set_enabled(id, enabled, last_one(caller, &user)).await? {
            AccountChange::Made => return Ok(()),
            AccountChange::Impossible if enabled => UserRefusal::NotActivated,
            AccountChange::Impossible => UserRefusal::NotFound(id),
            AccountChange::LastOne => UserRefusal::LastAdministrator,
        };
        Err(refusal.into())
    }

    /// Erases a user with everything that hangs on it.
    ///
    /// # Errors
    /// [`UserRefusal::NotFound`], [`UserRefusal::NotPermitted`], [`UserRefusal::OwnAccount`] for who would erase itself, and
    /// [`UserRefusal::LastAdministrator`] for who is erased by then and would erase the last one of its kind.
    pub async fn delete(&self, caller: &Principal, id: UserId) -> Result<(), PeopleError> {
        let user = self.existing(id).await?;
        check(caller, Access::Administer, &user)?;
        if caller.user_id == id {
            return Err(UserRefusal::OwnAccount.into());
        }
        match self.accounts.delete_user(id, last_one(caller, &user)).await? {
            AccountChange::Made => Ok(()),
            AccountChange::Impossible => Err(UserRefusal::NotFound(id).into()),
            AccountChange::LastOne => Err(UserRefusal::LastAdministrator.into()),
        }
    }
}

/// Whoever shuts out somebody of the own kind may be shut out at the same moment, so one of them stays. An operator, who can
/// add another, shuts out a tenant's last administrator; an administrator any user of a customer.
fn last_one(caller: &Principal, user: &User) -> LastOne {
    if caller.authority == user.authority { LastOne::Stays } else { LastOne::Goes }
}
