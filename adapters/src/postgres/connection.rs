//! Connections and their settings.

use std::{str::FromStr, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, Runtime, Timeouts};
use tokio_postgres::{Config, NoTls, config::SslMode};

use super::{error::OpenError, values::within};

/// How long it may take to connect, or to wait for a connection.
pub(in crate::postgres) const CONNECTING: Duration = Duration::from_secs(5);
/// After how long without an answer of the server's machine a connection counts as lost.
const LOST: Duration = Duration::from_secs(10);

/// A connection that was used within this time is used again without asking whether it is still there.
const UNQUESTIONED: Duration = Duration::from_secs(1);

/// What every connection is told first. A node whose network is cut must not hold the log's lock for long: the server
/// notices by itself, within seconds, that nobody is there any more.
const SETTINGS: &str = "
    SET client_encoding = 'UTF8';
    SET application_name = 'deed';
    SET default_transaction_isolation = 'read committed';
    SET synchronous_commit = on;
    SET jit = off;
    SET idle_in_transaction_session_timeout = '10s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '10s';";

/// Besides, of the connection that writes: every table that it looks into has an index for it, also as long as the planner
/// knows nothing of it.
const WRITER: &str = "
    SET enable_seqscan = off;
    SET plan_cache_mode = force_generic_plan;
    SET statement_timeout = '30s';";

/// What connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Purpose {
    /// The writer's own.
    Writer,
    /// Everything else, so many at once.
    Others(usize),
}

/// Reads the address of a database.
///
/// # Errors
/// [`OpenError::Url`]; it says nothing of a password.
pub(in crate::postgres) fn parse(url: &str) -> Result<Config, OpenError> {
    let mut config = Config::from_str(url).map_err(|error| {
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        OpenError::Url(format!("not the address of a PostgreSQL database: {why}"))
    })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(OpenError::Url("sslmode=require is not supported yet".to_owned()));
    }
    if config.get_dbname().is_none() {
        return Err(OpenError::Url("the address names no database".to_owned()));
    }
    config
        .connect_timeout(CONNECTING)
        .tcp_user_timeout(LOST)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3);
    Ok(config)
}

/// Connections to the server; none is made before it is asked for.
///
/// # Errors
/// [`OpenError::Unavailable`].
pub(in crate::postgres) fn pool(config: &Config, purpose: Purpose) -> Result<Pool, OpenError> {
    let manager = Manager::from_config(config.clone(), NoTls, ManagerConfig::default());
    let (size, more) = match purpose {
        Purpose::Writer => (1, WRITER),
        Purpose::Others(size) => (size, ""),
    };
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts { wait: Some(CONNECTING), create: Some(CONNECTING), recycle: Some(CONNECTING) })
        .post_create(Hook::async_fn(move |client, _| {
            Box::pin(
                async move { client.batch_execute(&format!("{SETTINGS}{more}")).await.map_err(HookError::Backend) },
            )
        }))
        .pre_recycle(Hook::async_fn(|client, metrics| {
            Box::pin(async move {
                // One that was away for long may have been waiting for an answer that never came.
                if metrics.last_used() < UNQUESTIONED {
                    return Ok(());
                }
                let asked = within(CONNECTING, client.simple_query("")).await;
                asked.map(drop).map_err(|_| HookError::message("the connection does not answer"))
            })
        }))
        .build()
        .map_err(|error| OpenError::Unavailable(error.to_string()))
}
