//! What HTTP makes of a refusal around users.

use axum::http::StatusCode;
use deed_domain::people::UserRefusal;

use super::report::{Report, VERSION_CONFLICT};

pub(super) fn report(refusal: &UserRefusal) -> Report {
    let status = match refusal {
        UserRefusal::NotPermitted | UserRefusal::OwnAccount | UserRefusal::LastAdministrator => StatusCode::FORBIDDEN,
        UserRefusal::NotFound(_) | UserRefusal::EmailUnknown => StatusCode::NOT_FOUND,
        UserRefusal::VersionConflict => StatusCode::CONFLICT,
        UserRefusal::EmailTaken(_)
        | UserRefusal::AuthorityMissing
        | UserRefusal::AuditorsAreAddedElsewhere
        | UserRefusal::OperatorOfSomebody
        | UserRefusal::AdministratorOfNoTenant
        | UserRefusal::AdministratorOfCustomer
        | UserRefusal::UserOfNoCustomer
        | UserRefusal::TenantNotFound
        | UserRefusal::CustomerNotFound
        | UserRefusal::ForeignCustomer
        | UserRefusal::PublicCustomer
        | UserRefusal::TenantIsForLife
        | UserRefusal::AuthorityIsForLife
        | UserRefusal::CustomerIsForLife
        | UserRefusal::NotActivated
        | UserRefusal::AlreadyActivated
        | UserRefusal::UnknownActivation(_)
        | UserRefusal::ActivationExpired
        | UserRefusal::UnknownReset
        | UserRefusal::SamePassword => StatusCode::BAD_REQUEST,
    };
    let report = Report::new(status, refusal.code(), refusal.to_string());
    if *refusal == UserRefusal::VersionConflict { Report { error_code: VERSION_CONFLICT, ..report } } else { report }
}
