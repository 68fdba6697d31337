//! The log of a `deed` that is there: `DATABASE_URL=postgres://… cargo test -- --ignored`. The repository's own tests make one.

use std::{collections::BTreeMap, env};

use cqrs_es::{Aggregate, EventEnvelope, persist::PersistedEventRepository};
use deed_domain::device::Device;
use own_projection::log;
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;

async fn pool() -> PgPool {
    PgPool::connect(&env::var("DATABASE_URL").expect("DATABASE_URL names a deed's database")).await.unwrap()
}

async fn all_events(pool: &PgPool) -> Vec<EventEnvelope<Device>> {
    let mut events = Vec::new();
    let end = log::read_after(pool, 0, |event| events.push(event.clone())).await.unwrap();
    assert_eq!(usize::try_from(end).unwrap(), events.len(), "positions have no gaps");
    events
}

/// Each device, loaded by cqrs-es through postgres-es, is what the events in the order of their positions make it.
#[tokio::test]
#[ignore = "needs a deed's database"]
async fn every_device_is_what_its_events_make_it() {
    let pool = pool().await;
    let mut folded = BTreeMap::<String, (Device, usize)>::new();
    for event in all_events(&pool).await {
        let (device, sequence) = folded.entry(event.aggregate_id).or_default();
        assert_eq!(event.sequence, *sequence + 1);
        *sequence = event.sequence;
        device.apply(event.payload);
    }
    assert!(!folded.is_empty(), "the log is empty");
    for (id, expected) in folded {
        assert_eq!(log::device(&pool, &id).await.unwrap(), expected, "{id}");
    }
    assert_eq!(log::device(&pool, "nobody").await.unwrap(), (Device::default(), 0));
}

/// docs/adr/0020: when this fails, postgres-es has learnt an order, and reading through sqlx can go.
#[tokio::test]
#[ignore = "needs a deed's database"]
async fn postgres_es_streams_all_events_without_the_order_of_the_log() {
    let pool = pool().await;
    let in_order = all_events(&pool).await;
    let repository = PostgresEventRepository::new(pool);
    let mut stream = repository.stream_all_events::<Device>().await.unwrap();
    let mut streamed = Vec::new();
    while let Some(event) = stream.next::<Device>(&[]).await {
        streamed.push(event.unwrap());
    }
    let name = |event: &EventEnvelope<Device>| (event.aggregate_id.clone(), event.sequence);
    let (in_order, streamed): (Vec<_>, Vec<_>) =
        (in_order.iter().map(name).collect(), streamed.iter().map(name).collect());
    assert_eq!(in_order.len(), streamed.len());
    assert_ne!(in_order, streamed);
}
