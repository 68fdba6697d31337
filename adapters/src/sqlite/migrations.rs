//! The steps that lead from an empty file to the present schema. A step that has been released is never edited.

use rusqlite::Connection;

use super::error::OpenError;

const STEPS: &[&str] = &[
    include_str!("migrations/0001_event_log.sql"),
    include_str!("migrations/0002_registry.sql"),
    include_str!("migrations/0003_logins.sql"),
    include_str!("migrations/0004_people.sql"),
    include_str!("migrations/0005_customers_tenants.sql"),
    include_str!("migrations/0006_profiles.sql"),
    include_str!("migrations/0007_payloads.sql"),
    include_str!("migrations/0008_gateways.sql"),
    include_str!("migrations/0009_provisioning.sql"),
    include_str!("migrations/0010_pepper_checks.sql"),
    include_str!("migrations/0011_own_attributes.sql"),
];

/// Brings the file up to date, all steps in one transaction.
pub(in crate::sqlite) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let found = version(connection)?;
    if found == latest() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", latest())?;
    Ok(transaction.commit()?)
}

/// Checks that the file can be read without being brought up to date.
pub(in crate::sqlite) fn expect_current(connection: &Connection) -> Result<(), OpenError> {
    match version(connection)? {
        0 => Err(OpenError::Missing),
        found if found < latest() => Err(OpenError::TooOld { found, known: latest() }),
        _ => Ok(()),
    }
}

const fn latest() -> u32 {
    STEPS.len() as u32
}

fn version(connection: &Connection) -> Result<u32, OpenError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > latest() { Err(OpenError::TooNew { found, known: latest() }) } else { Ok(found) }
}
