//! Registrations of keys and claims through `CqrsFramework` and postgres-es, one command on each connection at a time.
//!
//! Takes the address of an empty database, how many devices, and how many connections; prints registrations and claims per second.
//! There are no views, so all that is stored is the events.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use deed_domain::{
    claim_key::{KeyDigest, PepperId, PresentedKey},
    device::{ClaimPolicy, ClaimantCounts, DatedCommand, Device, DeviceCommand, Facts, KeyOrigin},
    ids::{CustomerId, KeyId, ProfileId, TenantId, UserId},
    time::Timestamp,
};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The table as postgres-es describes it.
const TABLE: &str = "CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id   text NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text NOT NULL,
    event_version  text NOT NULL,
    payload        json NOT NULL,
    metadata       json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, devices, connections] = arguments.as_slice() else {
        return Err("usage: deed-bench-cqrs-es URL DEVICES CONNECTIONS".into());
    };
    let connections: usize = connections.parse()?;
    let pool = PgPoolOptions::new()
        .min_connections(u32::try_from(connections)?)
        .max_connections(u32::try_from(connections)?)
        .connect(url)
        .await?;
    sqlx::query(TABLE).execute(&pool).await?;
    let bench = Arc::new(Bench {
        cqrs: postgres_cqrs(pool, Vec::new(), ()),
        devices: (0..devices.parse()?).map(|_| Uuid::new_v4()).collect(),
        tenant: TenantId(Uuid::new_v4()),
        customer: CustomerId(Uuid::new_v4()),
        user: UserId(Uuid::new_v4()),
    });
    bench
        .run(connections, |bench, number| {
            vec![
                DeviceCommand::RegisterDevice {
                    tenant_id: bench.tenant,
                    name: format!("load-{number:07}"),
                    device_type: "default".to_owned(),
                    label: None,
                    profile_id: ProfileId(bench.tenant.0),
                    owner: None,
                },
                DeviceCommand::AllowClaiming,
            ]
        })
        .await?;
    let registrations = bench.run(connections, |_, number| {
        vec![DeviceCommand::IssueFromDevice {
            key_id: KeyId(Uuid::new_v4()),
            origin: KeyOrigin::Device,
            key: key(number),
            duration_ms: 3_600_000,
        }]
    });
    println!("{:.0}", registrations.await?);
    let claims = bench.run(connections, |bench, number| {
        vec![DeviceCommand::ClaimDevice { customer_id: bench.customer, user_id: bench.user, key: key(number) }]
    });
    println!("{:.0}", claims.await?);
    Ok(())
}

struct Bench {
    cqrs: PostgresCqrs<Device>,
    devices: Vec<Uuid>,
    tenant: TenantId,
    customer: CustomerId,
    user: UserId,
}

impl Bench {
    /// Sends commands to every device, each connection taking the next one that is left; gives devices per second.
    async fn run(
        self: &Arc<Self>,
        connections: usize,
        commands: fn(&Self, usize) -> Vec<DeviceCommand>,
    ) -> Result<f64, Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..connections {
            let (bench, next) = (Arc::clone(self), Arc::clone(&next));
            tasks.push(tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(device) = bench.devices.get(number) else { return Ok::<_, Failure>(()) };
                    for command in commands(&bench, number) {
                        let dated = DatedCommand { command, facts: facts()? };
                        bench.cqrs.execute_with_metadata(&device.to_string(), dated, bench.metadata()).await?;
                    }
                }
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(self.devices.len() as f64 / started.elapsed().as_secs_f64())
    }

    /// As much as the service records beside an event.
    fn metadata(&self) -> HashMap<String, String> {
        [("actor", "system".to_owned()), ("tenantId", self.tenant.0.to_string()), ("transport", "internal".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

fn key(number: usize) -> PresentedKey {
    let mut hmac = [0; 32];
    hmac[..8].copy_from_slice(&(number as u64).to_be_bytes());
    PresentedKey::new(vec![KeyDigest::new(PepperId("p".into()), hmac)], false)
}

fn facts() -> Result<Facts, Failure> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
    Ok(Facts { now: Timestamp(now), policy, counts: ClaimantCounts::default() })
}
