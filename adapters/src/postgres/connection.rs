//! Connections and their settings.

use std::{str::FromStr, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, Runtime, Timeouts};
use percent_encoding::percent_decode_str;
use tokio_postgres::{Config, config::TargetSessionAttrs};

use super::{
    error::OpenError,
    tls::{Tls, TlsSettings},
    values::within,
};

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
/// knows nothing of it. What it does between two statements takes milliseconds, and all nodes wait for it.
const WRITER: &str = "
    SET idle_in_transaction_session_timeout = '5s';
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

/// Which server, and how it is reached.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Server {
    config: Config,
    tls: Tls,
}

impl Server {
    /// The same, where writes are taken. A session that begins while they are not would go on refusing them when they are taken
    /// again; it is not begun.
    pub(in crate::postgres) fn writable(mut self) -> Self {
        self.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        self
    }
}

/// Reads the address of a database.
///
/// # Errors
/// [`OpenError::Url`]; it says nothing of a password.
pub(in crate::postgres) fn parse(url: &str) -> Result<Server, OpenError> {
    let (url, tls) = without_tls(url);
    let mut config = Config::from_str(&url).map_err(|error| {
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        OpenError::Url(format!("not the address of a PostgreSQL database: {why}"))
    })?;
    if config.get_dbname().is_none() {
        return Err(OpenError::Url("the address names no database".to_owned()));
    }
    let (mode, tls) = tls.read().map_err(OpenError::Url)?;
    config
        .ssl_mode(mode)
        .connect_timeout(CONNECTING)
        .tcp_user_timeout(LOST)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3);
    Ok(Server { config, tls })
}

/// The address without what it says about TLS, of which the driver knows a part only.
fn without_tls(url: &str) -> (String, TlsSettings) {
    let mut tls = TlsSettings::default();
    // What stands before the first @ is user and password.
    let place = url.find('@').unwrap_or_default();
    let Some(question) = url[place..].find('?').map(|found| place + found) else { return (url.to_owned(), tls) };
    let mut others = String::new();
    for parameter in url[question + 1..].split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let setting = match name {
            "sslmode" => &mut tls.mode,
            "sslrootcert" => &mut tls.authorities,
            "sslcert" => &mut tls.certificate,
            "sslkey" => &mut tls.key,
            _ => {
                others.push(if others.is_empty() { '?' } else { '&' });
                others.push_str(parameter);
                continue;
            }
        };
        *setting = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
    }
    (format!("{}{others}", &url[..question]), tls)
}

/// Connections to the server; none is made before it is asked for.
///
/// # Errors
/// [`OpenError::Unavailable`].
pub(in crate::postgres) fn pool(server: &Server, purpose: Purpose) -> Result<Pool, OpenError> {
    let manager = Manager::from_config(server.config.clone(), server.tls.clone(), ManagerConfig::default());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> String {
        parse(url).unwrap_err().to_string()
    }

    #[test]
    fn what_it_says_about_tls_is_taken_out_of_the_address() {
        let (url, tls) =
            without_tls("postgres://u:p?w@h:1/d?sslmode=verify-full&application_name=a&sslrootcert=%2Fetc%2Fa%20b.pem");
        assert_eq!(url, "postgres://u:p?w@h:1/d?application_name=a");
        let (mode, authorities) = (Some("verify-full".to_owned()), Some("/etc/a b.pem".to_owned()));
        assert_eq!(tls, TlsSettings { mode, authorities, ..TlsSettings::default() });
        let plain = "postgres://h/d?options=-c%20x";
        assert_eq!(without_tls(plain), (plain.to_owned(), TlsSettings::default()));
    }

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        for (parameters, why) in [
            ("sslmode=allow", "sslmode is disable"),
            ("sslmode=verify-full", "needs sslrootcert"),
            ("sslmode=verify-ca", "needs sslrootcert"),
            ("sslmode=require&sslrootcert=system", "goes with sslmode=verify-full"),
            ("sslmode=require&sslrootcert=/nowhere/ca.pem", "sslrootcert: "),
            ("sslmode=require&sslrootcert=Cargo.toml", "no certificate in the file"),
            ("sslcert=/nowhere/a.pem", "go together"),
            ("sslmode=require&sslcert=Cargo.toml&sslkey=Cargo.toml", "sslkey: "),
            ("sslcrl=a.pem", "unknown option `sslcrl`"),
        ] {
            let told = told(&format!("postgres://u:hunter2@h/d?{parameters}"));
            assert!(told.contains(why) && !told.contains("hunter2"), "{parameters}: {told}");
        }
        assert!(told("postgres://u:hunter2@h").contains("names no database"));
    }
}
