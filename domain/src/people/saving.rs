//! Adding users and saving them.

use serde_json::Value;

use super::{
    People, PeopleError, UserRefusal, WriteLink,
    access::{Access, check},
};
use crate::{
    ids::{CustomerId, TenantId, UserId},
    ports::{Account, AccountsError, Authority, Principal, User, UserCredentials, fold_case},
};

/// A user to add. Whatever of it has a form (e-mail, lengths) has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// The tenant, where the caller can choose one: for everybody but operators it is the caller's own.
    pub tenant_id: Option<TenantId>,
    /// The customer of a customer's user.
    pub customer_id: Option<CustomerId>,
    /// What the person may do.
    pub authority: Option<Authority>,
    /// What is saved of it later, too.
    pub details: UserChange,
}

/// What of a user can be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct UserChange {
    /// The e-mail.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

impl People {
    /// Adds a user, who chooses a password with the activation link; `invitation` sends it.
    ///
    /// # Errors
    /// [`UserRefusal`].
    pub async fn add(
        &self,
        caller: &Principal,
        new: NewUser,
        invitation: Option<WriteLink<'_>>,
    ) -> Result<User, PeopleError> {
        let NewUser { tenant_id, customer_id, authority, details } = new;
        let tenant_id = if caller.authority == Authority::SysAdmin { tenant_id } else { caller.tenant_id };
        let authority = may_add(caller, authority)?;
        let now = self.clock.now();
        let user = User {
            id: UserId(self.entropy.new_id(now)),
            tenant_id,
            customer_id,
            authority,
            email: details.email,
            first_name: details.first_name,
            last_name: details.last_name,
            phone: details.phone,
            created_at: now,
            version: 1,
            additional_info: details.additional_info,
        };
        self.check_owner(&user).await?;
        let credentials = UserCredentials { password_hash: None, enabled: false };
        self.accounts.add_user(user.clone(), credentials).await.map_err(|error| refused(error, &user))?;
        if let Some(write) = invitation {
            self.invite(&user, write).await?;
        }
        Ok(user)
    }

    /// Saves a user. What a user belongs to and may do is for life: `new` has to name it as it is. With another e-mail the
    /// links that the user has end; `invitation` sends a new one to whoever has not chosen a password yet.
    ///
    /// # Errors
    /// [`UserRefusal`].
    pub async fn save(
        &self,
        caller: &Principal,
        id: UserId,
        expected_version: Option<u32>,
        new: NewUser,
        invitation: Option<WriteLink<'_>>,
    ) -> Result<(User, Account), PeopleError> {
        let stored = self.existing(id).await?;
        check(caller, Access::Save, &stored)?;
        let NewUser { tenant_id, customer_id, authority, details } = new;
        if caller.authority == Authority::SysAdmin && tenant_id != stored.tenant_id {
            return Err(UserRefusal::TenantIsForLife.into());
        }
        if authority.ok_or(UserRefusal::AuthorityMissing)? != stored.authority {
            return Err(UserRefusal::AuthorityIsForLife.into());
        }
        if customer_id != stored.customer_id {
            return Err(UserRefusal::CustomerIsForLife.into());
        }
        let is_readdressed = fold_case(&stored.email) != fold_case(&details.email);
        let user = User {
            email: details.email,
            first_name: details.first_name,
            last_name: details.last_name,
            phone: details.phone,
            additional_info: details.additional_info,
            ..stored
        };
        let saved = self.accounts.save_user(user.clone(), expected_version).await;
        let saved = saved.map_err(|error| refused(error, &user))?;
        let account = self.accounts.account(id).await?.ok_or(UserRefusal::NotFound(id))?;
        if let Some(write) = invitation.filter(|_| is_readdressed && !account.is_activated) {
            self.invite(&saved, write).await?;
        }
        Ok((saved, account))
    }

    /// Whether what the user belongs to fits the authority, and is there.
    async fn check_owner(&self, user: &User) -> Result<(), PeopleError> {
        match (user.authority, user.tenant_id, user.customer_id) {
            (Authority::SysAdmin, None, None) => return Ok(()),
            (Authority::SysAdmin, _, _) => return Err(UserRefusal::OperatorOfSomebody.into()),
            (Authority::TenantAdmin | Authority::Auditor, None, _) => {
                return Err(UserRefusal::AdministratorOfNoTenant.into());
            }
            (Authority::TenantAdmin | Authority::Auditor, Some(_), Some(_)) => {
                return Err(UserRefusal::AdministratorOfCustomer.into());
            }
            (Authority::CustomerUser, None, _) | (Authority::CustomerUser, _, None) => {
                return Err(UserRefusal::UserOfNoCustomer.into());
            }
            (Authority::TenantAdmin | Authority::Auditor, Some(_), None)
            | (Authority::CustomerUser, Some(_), Some(_)) => {}
        }
        if let Some(id) = user.tenant_id {
            self.accounts.tenant(id).await?.ok_or(UserRefusal::TenantNotFound)?;
        }
        if let Some(id) = user.customer_id {
            let customer = self.accounts.customer(id).await?.ok_or(UserRefusal::CustomerNotFound)?;
            if Some(customer.tenant_id) != user.tenant_id {
                return Err(UserRefusal::ForeignCustomer.into());
            }
            if customer.is_public() {
                return Err(UserRefusal::PublicCustomer.into());
            }
        }
        Ok(())
    }
}

/// The authority that the caller may give: operators make operators and tenants' administrators, these make
/// administrators of their tenant and users of its customers.
fn may_add(caller: &Principal, authority: Option<Authority>) -> Result<Authority, UserRefusal> {
    match (caller.authority, authority) {
        (Authority::CustomerUser | Authority::Auditor, _) => Err(UserRefusal::NotPermitted),
        (Authority::SysAdmin | Authority::TenantAdmin, None) => Err(UserRefusal::AuthorityMissing),
        (Authority::SysAdmin | Authority::TenantAdmin, Some(Authority::Auditor)) => {
            Err(UserRefusal::AuditorsAreAddedElsewhere)
        }
        (Authority::SysAdmin, Some(authority @ (Authority::SysAdmin | Authority::TenantAdmin)))
        | (Authority::TenantAdmin, Some(authority @ (Authority::TenantAdmin | Authority::CustomerUser))) => {
            Ok(authority)
        }
        (Authority::SysAdmin, Some(Authority::CustomerUser)) | (Authority::TenantAdmin, Some(Authority::SysAdmin)) => {
            Err(UserRefusal::NotPermitted)
        }
    }
}

fn refused(error: AccountsError, user: &User) -> PeopleError {
    match error {
        AccountsError::EmailTaken => UserRefusal::EmailTaken(user.email.clone()).into(),
        AccountsError::VersionConflict => UserRefusal::VersionConflict.into(),
        AccountsError::NotFound | AccountsError::TitleTaken => UserRefusal::NotFound(user.id).into(),
        AccountsError::Store(error) => error.into(),
    }
}
