//! Why something is not done with a user.

use crate::ids::UserId;

/// Why something is not done with a user. Each has a stable code ([`UserRefusal::code`]); the texts are those that
/// ThingsBoard's clients know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// The caller may not do that to this user.
    #[error("You don't have permission to perform this operation!")]
    NotPermitted,
    /// Nobody shuts out itself: a tenant could be left without an administrator, the platform without an operator.
    #[error("You can't disable or delete your own account!")]
    OwnAccount,
    /// Two shut out each other, and one of them has to stay.
    #[error("You can't disable or delete the last administrator!")]
    LastAdministrator,
    /// There is no such user.
    #[error("User with id [{0}] is not found")]
    NotFound(UserId),
    /// There is no user of that e-mail whom the caller may know of.
    #[error("Requested item wasn't found!")]
    EmailUnknown,
    /// Somebody else saved the user in between.
    #[error("User was already changed by someone else")]
    VersionConflict,
    /// There is a user of that e-mail.
    #[error("User with email '{0}' already present in database!")]
    EmailTaken(String),
    /// A user has an authority.
    #[error("User authority isn't defined!")]
    AuthorityMissing,
    /// Auditors are added elsewhere: published clients do not know the authority.
    #[error("Auditors are added by POST /api/audit/auditors")]
    AuditorsAreAddedElsewhere,
    /// An operator belongs to nobody.
    #[error("System administrator can't be assigned neither to tenant nor to customer!")]
    OperatorOfSomebody,
    /// An administrator belongs to a tenant.
    #[error("Tenant administrator should be assigned to tenant!")]
    AdministratorOfNoTenant,
    /// An administrator belongs to no customer.
    #[error("Tenant administrator can't be assigned to customer!")]
    AdministratorOfCustomer,
    /// A customer's user belongs to a customer.
    #[error("Customer user should be assigned to customer!")]
    UserOfNoCustomer,
    /// There is no such tenant.
    #[error("User is referencing to non-existent tenant!")]
    TenantNotFound,
    /// There is no such customer.
    #[error("User is referencing to non-existent customer!")]
    CustomerNotFound,
    /// It is another tenant's customer.
    #[error("User can't be assigned to customer from different tenant!")]
    ForeignCustomer,
    /// The public customer is spoken for without an account, and never claims.
    #[error("User can't be assigned to the public customer!")]
    PublicCustomer,
    /// A user stays in its tenant.
    #[error("Can't update user tenant id!")]
    TenantIsForLife,
    /// A user keeps its authority.
    #[error("Can't update user authority!")]
    AuthorityIsForLife,
    /// A user stays with its customer.
    #[error("Can't update user customer id!")]
    CustomerIsForLife,
    /// Nobody signs in without a password.
    #[error("Enabled user credentials should have password!")]
    NotActivated,
    /// The user has chosen a password.
    #[error("User is already activated!")]
    AlreadyActivated,
    /// There is no such activation link. The text is a part of what was presented.
    #[error("Unable to find user credentials by activateToken [{0}]")]
    UnknownActivation(String),
    /// The activation link has expired.
    #[error("Activation token expired")]
    ActivationExpired,
    /// There is no such link for another password, or it has expired.
    #[error("Invalid reset token!")]
    UnknownReset,
    /// The new password is the old one.
    #[error("New password should be different from existing!")]
    SamePassword,
}

impl UserRefusal {
    /// The stable code word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPermitted => "permission_denied",
            Self::OwnAccount => "own_account",
            Self::LastAdministrator => "last_administrator",
            Self::NotFound(_) | Self::EmailUnknown => "user_not_found",
            Self::VersionConflict => "version_conflict",
            Self::EmailTaken(_) => "email_taken",
            Self::AuthorityMissing => "authority_missing",
            Self::AuditorsAreAddedElsewhere => "auditors_are_added_elsewhere",
            Self::OperatorOfSomebody
            | Self::AdministratorOfNoTenant
            | Self::AdministratorOfCustomer
            | Self::UserOfNoCustomer => "wrong_owner",
            Self::TenantNotFound => "tenant_not_found",
            Self::CustomerNotFound | Self::ForeignCustomer => "customer_not_found",
            Self::PublicCustomer => "public_customer",
            Self::TenantIsForLife | Self::AuthorityIsForLife | Self::CustomerIsForLife => "fixed_for_life",
            Self::NotActivated => "not_activated",
            Self::AlreadyActivated => "already_activated",
            Self::UnknownActivation(_) => "activation_unknown",
            Self::ActivationExpired => "activation_expired",
            Self::UnknownReset => "reset_unknown",
            Self::SamePassword => "same_password",
        }
    }
}
