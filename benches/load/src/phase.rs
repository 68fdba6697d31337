//! A number of requests of one kind over a number of connections.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use hdrhistogram::Histogram;
use hyper::StatusCode;
use tokio::task::JoinSet;

use crate::{Failure, client::Connection, seed};

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whether the server lives: what HTTP costs when nothing is done.
    Bare,
    /// A device registers a claim key.
    Registration,
    /// A customer claims a device that has registered one.
    Claim,
    /// A customer signs in.
    Login,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare HTTP",
            Self::Registration => "registration",
            Self::Claim => "claim",
            Self::Login => "login",
        })
    }
}

/// How it went.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) count: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) failed: usize,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, p50_ms, p99_ms, failed, .. } = self;
        write!(f, "{per_second:.0} | {p50_ms:.2} | {p99_ms:.2} | {failed}")
    }
}

/// A signed-in customer and the server, or the nodes that serve the same.
pub(crate) struct Load {
    addresses: Vec<String>,
    token: Arc<str>,
}

impl Load {
    pub(crate) async fn sign_in(address: String) -> Result<Self, Failure> {
        Self::on_nodes(vec![address]).await
    }

    /// On several nodes, to which the connections are spread.
    pub(crate) async fn on_nodes(addresses: Vec<String>) -> Result<Self, Failure> {
        let first = addresses.first().ok_or("no server")?;
        let token = sign_in(first, "customer@thingsboard.org", "customer").await?.into();
        Ok(Self { addresses, token })
    }

    /// Sends `count` requests about the devices from `first` on, each connection taking the next one that is left.
    pub(crate) async fn run(
        &self,
        kind: Kind,
        connections: usize,
        first: usize,
        count: usize,
    ) -> Result<Measured, Failure> {
        let next = Arc::new(AtomicUsize::new(first));
        let mut tasks = JoinSet::new();
        let mut open = Vec::new();
        for address in self.addresses.iter().cycle().take(connections) {
            open.push(Connection::open(address).await?);
        }
        let started = now();
        for mut connection in open {
            let (next, token) = (Arc::clone(&next), Arc::clone(&self.token));
            tasks.spawn(async move {
                let mut times = Histogram::<u64>::new(3)?;
                let mut failed = 0;
                loop {
                    let device = next.fetch_add(1, Ordering::Relaxed);
                    if device >= first + count {
                        return Ok::<_, Failure>((times, failed));
                    }
                    let sent = now();
                    let (status, _) = match kind {
                        Kind::Bare => connection.get("/health/live").await?,
                        Kind::Registration => {
                            let path = format!("/api/v1/{}/claim", seed::token(device));
                            let body = format!(r#"{{"secretKey":"{}","durationMs":3600000}}"#, seed::key(device));
                            connection.post(&path, None, body).await?
                        }
                        Kind::Claim => {
                            let path = format!("/api/customer/device/{}/claim", seed::name(device));
                            let body = format!(r#"{{"secretKey":"{}"}}"#, seed::key(device));
                            connection.post(&path, Some(&token), body).await?
                        }
                        Kind::Login => {
                            let body = login("customer@thingsboard.org", "customer");
                            connection.post("/api/auth/login", None, body).await?
                        }
                    };
                    times.record(u64::try_from(sent.elapsed().as_micros())?)?;
                    failed += usize::from(status != StatusCode::OK);
                }
            });
        }
        Measured::of(tasks, count, started).await
    }
}

impl Measured {
    /// What the tasks came to together, each with its times in microseconds and how many failed.
    pub(crate) async fn of(
        mut tasks: JoinSet<Result<(Histogram<u64>, usize), Failure>>,
        count: usize,
        started: Instant,
    ) -> Result<Self, Failure> {
        let mut times = Histogram::<u64>::new(3)?;
        let mut failed = 0;
        while let Some(task) = tasks.join_next().await {
            let (of_one, failed_of_one) = task??;
            times.add(of_one)?;
            failed += failed_of_one;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts and times of a benchmark")]
        Ok(Self {
            count,
            per_second: count as f64 / started.elapsed().as_secs_f64(),
            p50_ms: times.value_at_quantile(0.5) as f64 / 1_000.0,
            p99_ms: times.value_at_quantile(0.99) as f64 / 1_000.0,
            failed,
        })
    }
}

/// Signs in, and gives the token.
pub(crate) async fn sign_in(address: &str, username: &str, password: &str) -> Result<String, Failure> {
    let mut connection = Connection::open(address).await?;
    let (status, answer) = connection.post("/api/auth/login", None, login(username, password)).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    Ok(answer["token"].as_str().ok_or_else(|| format!("login: {status}"))?.to_owned())
}

fn login(username: &str, password: &str) -> String {
    format!(r#"{{"username":"{username}","password":"{password}"}}"#)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
