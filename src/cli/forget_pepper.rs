//! `deed forget-pepper`

use clap::Args;
use deed_domain::claim_key::PepperId;

use super::{
    exit::CliError,
    shared::{Location, runtime},
};
use crate::storage;

/// Forget by what a pepper is known, so that another one may take its id
///
/// For a pepper that is lost, or that was configured by mistake. No key changes: those that were issued under the lost one
/// are wrong from the moment that another one has its id, and have to be issued anew. No server may run on a SQLite file
/// meanwhile; nodes on PostgreSQL may, and are asked at their next start.
#[derive(Args, Debug)]
pub(super) struct ForgetPepper {
    /// The pepper's id, as security.peppers has it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    location: Location,
}

impl ForgetPepper {
    pub(super) fn run(self) -> Result<(), CliError> {
        let settings = self.location.load(&[])?.config.storage;
        runtime()?.block_on(async {
            // Opened to be read first, so that a misspelt path is not made into an empty database.
            storage::open_read_only(&settings).await?;
            let _locks = storage::lock(&settings, "forget-pepper")?;
            let store = storage::open(&settings).await?;
            let is_known = store.forget_pepper(&PepperId(self.id.clone())).await;
            store.close().await;
            match is_known? {
                true => Ok(()),
                false => Err(CliError::NotFound(format!("the database knows no pepper `{}`", self.id))),
            }
        })
    }
}
