//! Whether the stored claim keys were digested with the peppers that are there: a database that was restored without its
//! `secrets.yml` would otherwise refuse every key as wrong.

use deed_adapters::{OddPepper, Store};

use crate::{
    cli::CliError,
    config::{Secrets, SecretsError},
    wiring,
};

/// Looks at the keys that claim a device, and at the peppers that were used before.
///
/// # Errors
/// [`SecretsError::OtherPepper`] if a pepper that a key needs is not configured. One that is not what it was may be meant, as
/// a lost one is replaced so, and is told in the log; with a database that nodes share it is [`SecretsError::ChangedPepper`],
/// as they all have to have the same. There, [`SecretsError::UnknownPepper`] if the others do not have the one for new keys.
pub(crate) async fn active_keys(store: &dyn Store, secrets: &Secrets, is_shared: bool) -> Result<(), CliError> {
    let missing = store.peppers().await?.into_iter().find(|id| secrets.peppers.iter().all(|pepper| pepper.id != *id));
    if let Some(id) = missing {
        return Err(SecretsError::OtherPepper { id, is_shared }.into());
    }
    let digester = wiring::digester(secrets)?;
    for odd in store.odd_peppers(digester.checks()).await? {
        match odd {
            OddPepper::Unknown(id) => return Err(SecretsError::UnknownPepper { id }.into()),
            OddPepper::Changed(id) if is_shared => return Err(SecretsError::ChangedPepper { id }.into()),
            OddPepper::Changed(id) => tracing::error!(
                pepper = id.0,
                "this pepper is not the one that the database knows under its id: keys that were issued under it are \
                 refused as wrong; restore secrets.yml from its backup, or, if that cannot be, run `deed forget-pepper`"
            ),
        }
    }
    Ok(())
}
