//! Brings a database up to date for a newer version of deed, while nodes of the older one may be serving it.

use super::{
    PostgresOptions, PostgresStore, connection,
    connection::Purpose,
    copying,
    error::{OpenError, SqlError},
    read_models::INLINE,
    rebuild,
};

/// What has been done.
#[derive(Clone, Copy, Debug)]
pub enum Upgraded<'a> {
    /// A step of the schema, told by its number and name.
    Step(&'a str),
    /// So many events of how many stand in the read model that is filled again.
    ReadModel {
        /// Its name.
        name: &'a str,
        /// How many.
        done: u64,
        /// Of how many.
        total: u64,
    },
}

impl PostgresStore {
    /// Makes what is missing of the schema, one step after another, then fills the read models that are of an older version.
    /// Of several who do this at once, one works and the others wait. What is cut off can be begun again.
    ///
    /// # Errors
    /// [`OpenError`]; what was told is done.
    pub async fn upgrade(
        options: PostgresOptions,
        told: &mut (dyn FnMut(Upgraded<'_>) + Send),
    ) -> Result<(), OpenError> {
        let pool = connection::pool(&connection::parse(&options.url)?.writable(), Purpose::Others(2))?;
        copying::expect_none(&pool).await?;
        let mut client = pool.get().await.map_err(SqlError::from)?;
        while let Some(step) = options.schema.make_next(&mut client).await? {
            told(Upgraded::Step(&step));
        }
        rebuild::bring_up_to_date(&mut client, &mut |name, done, total| told(Upgraded::ReadModel { name, done, total }))
            .await
    }

    /// What [`PostgresStore::upgrade`] would do, a line each.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn missing(options: PostgresOptions) -> Result<Vec<String>, OpenError> {
        let pool = connection::pool(&connection::parse(&options.url)?, Purpose::Others(1))?;
        copying::expect_none(&pool).await?;
        let client = pool.get().await.map_err(SqlError::from)?;
        let mut missing = options.schema.missing(&client).await?;
        let is_new = missing.len() == usize::try_from(options.schema.known()).unwrap_or_default();
        let mut add = |name: &str, version: u32| missing.push(format!("read model {name}: version {version}"));
        for model in &INLINE {
            if is_new || model.stored_version(&client).await?.is_none_or(|version| version < model.version) {
                add(model.name, model.version);
            }
        }
        Ok(missing)
    }
}
