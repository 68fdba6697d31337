//! By what the peppers of all nodes are known.

use deadpool_postgres::GenericClient;
use deed_domain::claim_key::PepperId;

use super::{
    error::SqlError,
    values::{execute, query},
};
use crate::{OddPepper, secrets::PepperCheck};

/// Remembers those that are new, and gives those that other nodes do not have. The end of the log has to be held: of two nodes
/// that begin with different ones, one is the first.
pub(in crate::postgres) async fn odd(
    tx: &impl GenericClient,
    checks: Vec<PepperCheck>,
) -> Result<Vec<OddPepper>, SqlError> {
    let known = query(tx, "SELECT pepper, digest FROM pepper_checks", &[]).await?;
    let known: Vec<(String, Vec<u8>)> = known.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut odd = Vec::new();
    for (place, (id, digest)) in checks.into_iter().enumerate() {
        match known.iter().find(|(known, _)| *known == id.0) {
            Some((_, known)) if *known == digest => {}
            Some(_) => odd.push(OddPepper::Changed(id)),
            None if place == 0 && !known.is_empty() => odd.push(OddPepper::Unknown(id)),
            None => {
                let add = "INSERT INTO pepper_checks (pepper, digest) VALUES ($1, $2)";
                execute(tx, add, &[&id.0, &digest.as_slice()]).await?;
            }
        }
    }
    Ok(odd)
}

/// Whether there was one of that name.
pub(in crate::postgres) async fn forget(tx: &impl GenericClient, id: &PepperId) -> Result<bool, SqlError> {
    Ok(execute(tx, "DELETE FROM pepper_checks WHERE pepper = $1", &[&id.0]).await? > 0)
}
