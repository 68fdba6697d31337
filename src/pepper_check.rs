//! Whether the stored claim keys were digested with a pepper that is there: a database that was restored without its
//! `secrets.yml` would otherwise refuse every key as wrong.

use deed_adapters::sqlite::SqliteStore;
use deed_domain::{
    claim_key::PepperId,
    device::DeviceEvent,
    ids::Position,
    ports::{Feed, Scope},
};
use deed_projections::Recorded;

use crate::{
    cli::CliError,
    config::{Secrets, SecretsError},
};

/// Events at the end of the log among which the newest key is looked for.
const LOOK_BACK: u64 = 1_000;

/// Looks at the newest claim key.
///
/// # Errors
/// [`SecretsError::OtherPepper`] if its pepper is not configured.
pub(crate) async fn newest_key(store: &SqliteStore, secrets: &Secrets) -> Result<(), CliError> {
    let head = store.head().await?;
    let page = store.read_after(Scope::All, Position(head.0.saturating_sub(LOOK_BACK)), LOOK_BACK as usize).await?;
    for stored in page.events.iter().rev().filter(|event| event.event_type == "ClaimIssued") {
        if let Some(id) = Recorded::decode(stored, |recorded| pepper(recorded.event))? {
            let is_there = secrets.peppers.iter().any(|pepper| pepper.id == id);
            return if is_there { Ok(()) } else { Err(SecretsError::OtherPepper { id }.into()) };
        }
    }
    Ok(())
}

fn pepper(event: &DeviceEvent) -> Option<PepperId> {
    match event {
        DeviceEvent::ClaimIssued { digest, .. } => Some(digest.pepper().clone()),
        _ => None,
    }
}
