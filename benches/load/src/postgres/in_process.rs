//! Commands straight to the use cases, over stores in this process: no HTTP, no looking up of tokens.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use deed_adapters::conformance::PostgresServer;
use deed_domain::{
    claim_key::ClaimKey,
    claims::Claims,
    ids::{CustomerId, UserId},
    ports::DeviceIdentity,
};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::{DEVICES, nodes, open, straight::Rows};
use crate::{
    Failure,
    phase::{Kind, Measured, now},
    seed,
};

/// How it went.
pub(super) struct InProcess {
    /// Registrations and claims.
    pub(super) kinds: [Measured; 2],
    /// The rows that each has left.
    pub(super) left: [Rows; 2],
}

/// Commands of each kind for each that is under way at once; no more than there are devices.
const COMMANDS: usize = 200;

/// Registrations and claims over so many stores on one database.
pub(super) async fn measure(
    postgres: &PostgresServer,
    program: &Path,
    stores: usize,
    at_once: usize,
) -> Result<InProcess, Failure> {
    let url = nodes::demo(postgres, program)?;
    let seeded = open(&url).await?;
    let devices = Arc::new(seed::devices_in(&seeded, DEVICES).await?);
    let (customer, _) = seeded.user_by_email("customer@thingsboard.org").await?.ok_or("no demo data")?;
    let customer = (customer.customer_id.ok_or("no customer")?, customer.id);
    seeded.close().await;
    drop(seeded);
    let count = (at_once * COMMANDS).clamp(2_000, DEVICES);
    let (registrations, registered) = run(&url, stores, at_once, Kind::Registration, &devices, customer, count).await?;
    let left_by_registrations = Rows::keep(postgres, &url, registered, count)?;
    let (claims, claimed) = run(&url, stores, at_once, Kind::Claim, &devices, customer, count).await?;
    let left_by_claims = Rows::keep(postgres, &url, claimed, count)?;
    Ok(InProcess { kinds: [registrations, claims], left: [left_by_registrations, left_by_claims] })
}

/// How it went, and between which positions.
async fn run(
    url: &str,
    stores: usize,
    at_once: usize,
    kind: Kind,
    devices: &Arc<Vec<DeviceIdentity>>,
    customer: (CustomerId, UserId),
    count: usize,
) -> Result<(Measured, [u64; 2]), Failure> {
    let mut open_stores = Vec::new();
    for _ in 0..stores {
        open_stores.push(open(url).await?);
    }
    let first = open_stores.first().ok_or("no store")?;
    let before = first.head().await?.0;
    let mut uses = Vec::new();
    for store in &open_stores {
        uses.push(seed::claims(store)?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let started = now();
    for claims in uses.iter().cycle().take(at_once) {
        let (claims, next, devices) = (claims.clone(), Arc::clone(&next), Arc::clone(devices));
        tasks.spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            let mut failed = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Failure>((times, failed));
                }
                let sent = now();
                let done = carry_out(&claims, kind, devices[number], number, customer).await;
                times.record(u64::try_from(sent.elapsed().as_micros())?)?;
                failed += usize::from(!done);
            }
        });
    }
    let measured = Measured::of(tasks, count, started).await?;
    let after = first.head().await?.0;
    for store in open_stores {
        store.close().await;
    }
    Ok((measured, [before, after]))
}

async fn carry_out(
    claims: &Claims,
    kind: Kind,
    device: DeviceIdentity,
    number: usize,
    (customer, user): (CustomerId, UserId),
) -> bool {
    let key = ClaimKey::new(seed::key(number));
    if kind == Kind::Claim {
        let name = seed::name(number);
        return claims.claim(&seed::caller(), device.tenant_id, &name, customer, user, key).await.is_ok();
    }
    claims.issue_from_device(&seed::caller(), device, key, 3_600_000).await.is_ok()
}
