//! Counts beside the log.

use std::sync::{Arc, Mutex};

use deed_domain::{
    claims::Failure,
    device::{
        ClaimPolicy, ClaimRefusedReason, ClaimantCounts, CountChange, Decision, DeviceEvent, GuessWindow,
        IssueRefusedReason, KeyOrigin, Refusal, RefusalKind, Suppressed,
    },
    ids::DeviceId,
    ports::{Append, Counted, Target},
    time::HOUR,
};
use futures_util::future::join_all;

use super::{
    Factory,
    world::{START, World, append, claim, customer, new_device, nothing},
};

const ISSUE: RefusalKind = RefusalKind::Issue(KeyOrigin::Device, IssueRefusedReason::NotAllowed);

fn wrong_key(n: u128) -> RefusalKind {
    RefusalKind::Claim(customer(n), ClaimRefusedReason::WrongKey)
}

fn count(device_id: DeviceId, counts: Vec<CountChange>) -> Append {
    append(Target::Device(device_id), move |_| Decision { counts: counts.clone(), ..nothing() })
}

/// What a command that asks for these counts is given, by kind.
fn ask(device_id: DeviceId, counted: Counted) -> (Append, Arc<Mutex<ClaimantCounts>>) {
    let given = Arc::new(Mutex::new(ClaimantCounts::default()));
    let keep = Arc::clone(&given);
    let mut append = append(Target::Device(device_id), move |subject| {
        let mut counts = subject.counts.clone();
        counts.suppressed.0.sort();
        *keep.lock().unwrap() = counts;
        nothing()
    });
    append.counted = counted;
    (append, given)
}

async fn given(world: &World<'_>, device_id: DeviceId, counted: Counted) -> ClaimantCounts {
    let (append, given) = ask(device_id, counted);
    world.store.append(append).await.unwrap();
    let given = given.lock().unwrap();
    given.clone()
}

fn suppressed(counts: &[(RefusalKind, u32)]) -> Suppressed {
    let mut counts = counts.to_vec();
    counts.sort();
    Suppressed(counts)
}

/// Refusals by device and kind, guesses by claimant; 0 forgets, and what is kept outlives the store.
pub async fn counts_are_given_to_those_who_ask(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (device_id, other) = (world.register("D-1").await, world.register("D-2").await);
    let window = GuessWindow { since: START, count: 4 };
    let written = [
        CountChange::Suppressed(ISSUE, 1),
        CountChange::Suppressed(wrong_key(1), u32::MAX),
        CountChange::Suppressed(wrong_key(2), 3),
        CountChange::Guesses(customer(1), window),
    ];
    world.store.append(count(device_id, written.to_vec())).await.unwrap();
    world.store.append(count(device_id, vec![CountChange::Suppressed(wrong_key(2), 0)])).await.unwrap();
    world.store.append(count(device_id, vec![CountChange::Suppressed(ISSUE, 2)])).await.unwrap();
    let refusals = suppressed(&[(ISSUE, 2), (wrong_key(1), u32::MAX)]);
    for _ in 0..2 {
        let all = given(&world, device_id, Counted::Claimant(customer(1))).await;
        assert_eq!(all, ClaimantCounts { suppressed: refusals.clone(), guesses: window, ..ClaimantCounts::default() });
        let only_refusals = given(&world, device_id, Counted::Refusals).await;
        assert_eq!(only_refusals, ClaimantCounts { suppressed: refusals.clone(), ..ClaimantCounts::default() });
        assert_eq!(given(&world, device_id, Counted::Nothing).await, ClaimantCounts::default());
        let elsewhere = given(&world, other, Counted::Claimant(customer(1))).await;
        assert_eq!(elsewhere, ClaimantCounts { guesses: window, ..ClaimantCounts::default() });
        let other_claimant = given(&world, device_id, Counted::Claimant(customer(2))).await;
        assert_eq!(other_claimant.guesses, GuessWindow::default());
        world.reopen().await;
    }
    assert_eq!(world.head().await.0, 2, "counts are no events");
}

/// The next command of the batch is given what the last one counted.
pub async fn counts_are_seen_in_the_same_batch(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = new_device();
    let one_more = || {
        let mut append = append(Target::Device(device_id), |subject| {
            let guesses = GuessWindow { since: START, count: subject.counts.guesses.count + 1 };
            let told = subject.counts.suppressed.0.first().map_or(0, |(_, count)| *count);
            let counts = vec![CountChange::Guesses(customer(1), guesses), CountChange::Suppressed(ISSUE, told + 1)];
            Decision { counts, ..nothing() }
        });
        append.counted = Counted::Claimant(customer(1));
        append
    };
    for answer in world.together((0..100).map(|_| one_more()).collect()).await {
        answer.unwrap();
    }
    let counts = given(&world, device_id, Counted::Claimant(customer(1))).await;
    assert_eq!((counts.guesses.count, counts.suppressed), (100, suppressed(&[(ISSUE, 100)])));
}

/// A claimant who guesses at many devices at once is stopped at the limit, not somewhere after it.
pub async fn wrong_keys_over_all_devices_are_counted_exactly(factory: &dyn Factory) {
    let world = World::open(factory).await;
    for n in 0..70 {
        world.register_with_key(&format!("D-{n}")).await;
    }
    let claims = world.claims();
    let names: Vec<_> = (0..70).map(|n| format!("D-{n}")).collect();
    let answers = join_all(names.iter().map(|name| claim(&claims, name, customer(1), "wrong"))).await;
    let until = START.plus(HOUR);
    let mut wrong = 0;
    for answer in answers {
        match answer {
            Err(Failure::Refused(Refusal::WrongKey)) => wrong += 1,
            Err(Failure::Refused(Refusal::ClaimantLocked { until: told })) => assert_eq!(told, until),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(wrong, 50);
    assert!(claim(&claims, "D-0", customer(2), "right").await.is_ok(), "nobody else waits");
}

/// Five events and a count, not a thousand events; the next hour's first refusal tells the rest.
pub async fn refusals_are_told_once_under_a_flood(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let flood = async |world: &World<'_>, attempts: usize| {
        let claims = world.claims_under(ClaimPolicy::default());
        for answer in join_all((0..attempts).map(|_| claim(&claims, "D-1", customer(1), "k"))).await {
            assert!(matches!(answer, Err(Failure::Refused(Refusal::NothingToClaim))));
        }
    };
    flood(&world, 300).await;
    assert_eq!(world.head().await.0, 1 + 5);
    world.reopen().await;
    world.wait(HOUR);
    flood(&world, 100).await;
    let told: Vec<u32> = world
        .log()
        .await
        .iter()
        .filter_map(|event| match event.decode() {
            Ok(DeviceEvent::ClaimRefused { suppressed, .. }) => Some(suppressed),
            _ => None,
        })
        .collect();
    assert_eq!(told, [0, 0, 0, 0, 0, 295, 0, 0, 0, 0]);
    let kind = RefusalKind::Claim(customer(1), ClaimRefusedReason::NothingToClaim);
    assert_eq!(given(&world, device_id, Counted::Refusals).await.suppressed, suppressed(&[(kind, 95)]));
}
