//! Reading, enabling and deleting users.

use super::{
    People, PeopleError, UserRefusal,
    access::{Access, check},
};
use crate::{
    ids::UserId,
    ports::{Account, Authority, ListPage, ListedUser, PageRequest, Principal, User, UserSort, UsersOf},
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
    /// and [`UserRefusal::NotActivated`] if there is no password yet to sign in with.
    pub async fn set_enabled(&self, caller: &Principal, id: UserId, enabled: bool) -> Result<(), PeopleError> {
        check(caller, Access::Administer, &self.existing(id).await?)?;
        if !enabled && caller.user_id == id {
            return Err(UserRefusal::OwnAccount.into());
        }
        if self.accounts.set_enabled(id, enabled).await? {
            return Ok(());
        }
        let refusal = if enabled { UserRefusal::NotActivated } else { UserRefusal::NotFound(id) };
        Err(refusal.into())
    }

    /// Erases a user with everything that hangs on it.
    ///
    /// # Errors
    /// [`UserRefusal::NotFound`], [`UserRefusal::NotPermitted`], and [`UserRefusal::OwnAccount`] for who would erase itself.
    pub async fn delete(&self, caller: &Principal, id: UserId) -> Result<(), PeopleError> {
        check(caller, Access::Administer, &self.existing(id).await?)?;
        if caller.user_id == id {
            return Err(UserRefusal::OwnAccount.into());
        }
        if self.accounts.delete_user(id).await? { Ok(()) } else { Err(UserRefusal::NotFound(id).into()) }
    }
}
