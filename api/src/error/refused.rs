//! What HTTP makes of a use case's failure (`docs/protocol.md`, errors and claim).

use axum::http::StatusCode;
use deed_domain::{
    claims::Failure,
    device::Refusal,
    ports::{AppendError, Party, StoreError, UniqueClaim},
};

use super::{
    ApiError, Unauthenticated,
    report::{Bare, Report, Retry, VERSION_CONFLICT},
};

/// All that a caller learns of a fault that is ours.
pub(super) const INTERNAL: &str = "Internal error. The request id is in the service's log.";

/// To a caller that may know exactly why: the tenant's administrator, the owner, the device.
pub(super) fn report(failure: &Failure) -> Report {
    match failure {
        Failure::Refused(refusal) => of_refusal(refusal),
        Failure::NotAppended(error) => of_append(error),
    }
}

/// To a claimant: the wrong key, no key and a key not yet valid look alike. That the presented key was right once and
/// has expired, its holder may know.
pub(super) fn report_to_claimant(failure: &Failure) -> Report {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        // As for the token of any customer that is gone.
        Failure::NotAppended(AppendError::Gone(_)) => {
            return Report::from(&ApiError::from(Unauthenticated::BadCredentials));
        }
        Failure::NotAppended(_) => return report(failure),
    };
    let (word, code, message) = match refusal {
        Refusal::WrongKey | Refusal::NothingToClaim | Refusal::ClaimingNotAllowed => {
            ("FAILURE", "claim_failed", "The device cannot be claimed with this key.")
        }
        Refusal::KeyExpired => ("FAILURE", "key_expired", "The claim key has expired."),
        Refusal::AlreadyClaimed => ("CLAIMED", "already_claimed", "The device is already claimed."),
        _ => return of_refusal(refusal),
    };
    Report { bare: Some(Bare::Word(word)), ..Report::new(StatusCode::BAD_REQUEST, code, message) }
}

fn of_refusal(refusal: &Refusal) -> Report {
    let code = refusal.code();
    let exact = || refusal.to_string();
    match refusal {
        Refusal::DeviceNotFound => Report::new(StatusCode::NOT_FOUND, code, "Requested item wasn't found!"),
        Refusal::KeyNotFound => Report::new(StatusCode::NOT_FOUND, code, exact()),
        Refusal::NotOwner => {
            Report::new(StatusCode::FORBIDDEN, code, "You don't have permission to perform this operation!")
        }
        Refusal::ClaimingNotAllowed | Refusal::NotItsGateway | Refusal::AttributesFull { .. } => {
            Report::new(StatusCode::FORBIDDEN, code, exact())
        }
        Refusal::AlreadyClaimed => Report::new(StatusCode::CONFLICT, code, exact()),
        Refusal::VersionConflict => version_conflict(code, "Device was already changed by someone else"),
        Refusal::ClaimantLocked { until } => {
            let report = Report::new(StatusCode::TOO_MANY_REQUESTS, code, exact());
            Report { retry: Some(Retry::At(*until)), ..report }
        }
        Refusal::NotAssigned => Report::new(StatusCode::BAD_REQUEST, code, "Device isn't assigned to any customer!"),
        Refusal::WrongKey
        | Refusal::KeyExpired
        | Refusal::NothingToClaim
        | Refusal::KeyNeverValid
        | Refusal::TooManyKeys
        | Refusal::KeyTooShort { .. }
        | Refusal::KeyTrivial => Report::new(StatusCode::BAD_REQUEST, code, exact()),
    }
}

fn version_conflict(code: &'static str, message: &'static str) -> Report {
    Report { error_code: VERSION_CONFLICT, ..Report::new(StatusCode::CONFLICT, code, message) }
}

fn of_append(error: &AppendError) -> Report {
    let busy = |code, message| {
        let report = Report::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
        Report { retry: Some(Retry::AfterSeconds(1)), ..report }
    };
    match error {
        AppendError::Taken(claim) => match claim {
            UniqueClaim::DeviceName(..) => {
                Report::new(StatusCode::BAD_REQUEST, claim.code(), "Device with such name already exists!")
            }
            UniqueClaim::CredentialsId(_) => {
                let message = "Device credentials are already assigned to another device!";
                Report::new(StatusCode::BAD_REQUEST, claim.code(), message)
            }
            UniqueClaim::CredentialsVersion(_)
            | UniqueClaim::ProfileName(..)
            | UniqueClaim::Gateway(_)
            | UniqueClaim::ProfileAsSeen(..) => {
                version_conflict(claim.code(), "Entity was already changed by someone else")
            }
        },
        AppendError::Gone(party) => match party {
            Party::Tenant(_) => Report::new(StatusCode::BAD_REQUEST, "tenant_gone", "The tenant is being deleted."),
            Party::Customer(_) => {
                let message = "Can't assign device to non-existent customer!";
                Report::new(StatusCode::BAD_REQUEST, "customer_gone", message)
            }
        },
        AppendError::Conflict => version_conflict("conflict", "Device was already changed by someone else"),
        AppendError::Overloaded => busy("overloaded", "Too many requests are waiting. Try again."),
        AppendError::Store(StoreError::Unavailable(_)) => {
            busy("store_unavailable", "The store is not available. Try again.")
        }
        AppendError::Store(StoreError::Damaged { .. } | StoreError::Corrupt(_)) => {
            Report::new(StatusCode::INTERNAL_SERVER_ERROR, "store_damaged", INTERNAL)
        }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::time::Timestamp;

    use super::*;

    fn told(refusal: Refusal) -> (u16, u16, &'static str, Option<Bare>) {
        let report = report_to_claimant(&Failure::Refused(refusal));
        (report.status.as_u16(), report.error_code, report.code, report.bare)
    }

    #[test]
    fn a_claimant_cannot_tell_a_wrong_key_from_no_key() {
        let failure = (400, 31, "claim_failed", Some(Bare::Word("FAILURE")));
        assert_eq!(told(Refusal::WrongKey), failure);
        assert_eq!(told(Refusal::NothingToClaim), failure);
        assert_eq!(told(Refusal::ClaimingNotAllowed), failure);
        let wrong = report_to_claimant(&Refusal::WrongKey.into());
        assert_eq!(wrong, report_to_claimant(&Refusal::NothingToClaim.into()));
    }

    #[test]
    fn a_claimant_is_told_what_it_may_know() {
        assert_eq!(told(Refusal::KeyExpired), (400, 31, "key_expired", Some(Bare::Word("FAILURE"))));
        assert_eq!(told(Refusal::AlreadyClaimed), (400, 31, "already_claimed", Some(Bare::Word("CLAIMED"))));
        assert_eq!(told(Refusal::ClaimantLocked { until: Timestamp(9) }), (429, 33, "claimant_locked", None));
        assert_eq!(told(Refusal::DeviceNotFound), (404, 32, "device_not_found", None));
    }

    #[test]
    fn faults_of_the_store_tell_nothing_of_it() {
        let damaged =
            StoreError::Damaged { table: "events", column: "payload", row: "17".into(), why: "no JSON".into() };
        let report = of_append(&damaged.into());
        assert_eq!((report.status.as_u16(), report.error_code, report.message.as_ref()), (500, 2, INTERNAL));
        let report = of_append(&StoreError::Unavailable("disk full at /data".into()).into());
        assert_eq!((report.status.as_u16(), report.retry), (503, Some(Retry::AfterSeconds(1))));
        assert!(!report.message.contains("/data"));
    }
}
