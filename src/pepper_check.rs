//! Whether the stored claim keys were digested with peppers that are there: a database that was restored without its
//! `secrets.yml` would otherwise refuse every key as wrong.

use deed_adapters::sqlite::SqliteStore;
use deed_projections::ActiveKeysQuery;

use crate::{
    cli::CliError,
    config::{Secrets, SecretsError},
};

/// Looks at the keys that claim a device.
///
/// # Errors
/// [`SecretsError::OtherPepper`] if a pepper that one of them needs is not configured.
pub(crate) async fn active_keys(store: &SqliteStore, secrets: &Secrets) -> Result<(), CliError> {
    let missing = store.peppers().await?.into_iter().find(|id| secrets.peppers.iter().all(|pepper| pepper.id != *id));
    missing.map_or(Ok(()), |id| Err(SecretsError::OtherPepper { id }.into()))
}
