//! Commands that come at once are decided one after another.

use std::collections::BTreeMap;

use deed_domain::{
    claim_key::ClaimKey,
    claims::{Claims, Failure},
    device::{DeviceEvent, Reclaimer, Refusal},
    ids::{CustomerId, DeviceId, Position},
    ports::{Appended, DeviceIdentity, Scope},
};
use futures_util::future::join_all;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    Factory,
    world::{TENANT, World, caller, claim, command, customer, rename},
};

/// Histories that are tried; `DEED_INTERLEAVINGS` sets another number.
const INTERLEAVINGS: usize = 12;

/// Two customers claiming at once: one wins, the other is told that the device is claimed.
pub async fn of_fifty_claims_one_wins(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register_with_key("D-1").await;
    let claims = world.claims();
    let answers = join_all((0..50).map(|n| claim(&claims, "D-1", customer(n), "right"))).await;
    let mut winners = 0;
    for answer in answers {
        match answer {
            Ok(_) => winners += 1,
            Err(Failure::Refused(refusal)) => assert_eq!(refusal, Refusal::AlreadyClaimed),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((winners, claimed(&world, device_id).await), (1, 1));
}

/// The same from many tasks, over many devices.
pub async fn of_many_claims_on_many_devices_one_each_wins(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let mut devices = Vec::new();
    for d in 0..8 {
        devices.push(world.register_with_key(&format!("D-{d}")).await);
    }
    let claims = world.claims();
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let claims = claims.clone();
            tokio::spawn(async move {
                let mut won = 0;
                for d in 0..8 {
                    // Each task goes round in its own order.
                    let name = format!("D-{}", (d * 3 + n) % 8);
                    won += usize::from(claim(&claims, &name, customer(n), "right").await.is_ok());
                }
                won
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += task.await.unwrap();
    }
    assert_eq!(won, devices.len());
    for device_id in devices {
        assert_eq!(claimed(&world, device_id).await, 1);
    }
}

/// What somebody does to the one device, after letting others go first a few times.
#[derive(Clone, Copy, Debug)]
enum Act {
    Issue(u8),
    Claim(u8),
    GiveBack,
    TakeBack,
}

fn acts() -> impl Strategy<Value = Vec<Vec<(u8, Act)>>> {
    let act = prop_oneof![
        2 => (0..2_u8).prop_map(Act::Issue),
        5 => (0..2_u8).prop_map(Act::Claim),
        1 => Just(Act::GiveBack),
        1 => Just(Act::TakeBack),
    ];
    prop::collection::vec(prop::collection::vec((0..4_u8, act), 1..8), 2..24)
}

/// Customers, a device and its tenant act at once, in any order. Each epoch of ownership has one winner, who was told so;
/// nobody else was; and one owner's time ends before the next one's begins.
pub async fn in_any_interleaving_each_epoch_has_one_winner(factory: &dyn Factory) {
    #[expect(clippy::disallowed_methods, reason = "a setting of the suite, not of the service")]
    let rounds = std::env::var("DEED_INTERLEAVINGS").map_or(INTERLEAVINGS, |count| count.parse().unwrap());
    let world = World::open(factory).await;
    let mut runner = TestRunner::deterministic();
    let mut won = 0;
    for round in 0..rounds {
        let name = format!("D-{round}");
        let device_id = world.register_with_key(&name).await;
        let people = acts().new_tree(&mut runner).unwrap().current();
        // New people each time: who guesses wrong too often is locked out of every device.
        let first = 100 * round as u128;
        let tasks: Vec<_> = (first..)
            .zip(people)
            .map(|(n, acts)| tokio::spawn(take_part(world.claims(), device_id, name.clone(), customer(n), acts)))
            .collect();
        let mut told = BTreeMap::new();
        for task in tasks {
            told.extend(task.await.unwrap());
        }
        assert_eq!(told, winners(&world, device_id).await, "round {round}");
        won += told.len();
        let spans = world.store.ownerships(device_id).await.unwrap();
        assert_eq!(spans.len(), told.len(), "round {round}");
        for pair in spans.windows(2) {
            let ended = pair[0].to_position.expect("an owner's time ends before the next one's begins");
            assert!(ended < pair[1].from_position && pair[0].epoch < pair[1].epoch, "round {round}: {pair:?}");
        }
    }
    assert_ne!(won, 0, "nobody won anything in {rounds} histories");
}

/// Acts one after the other; gives where the log says that the customer became the owner, as it was told.
async fn take_part(
    claims: Claims,
    device_id: DeviceId,
    name: String,
    customer: CustomerId,
    acts: Vec<(u8, Act)>,
) -> BTreeMap<Position, CustomerId> {
    let device = DeviceIdentity::new(TENANT, device_id);
    let mut won = BTreeMap::new();
    for (patience, act) in acts {
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        let done: Result<Option<Appended>, Failure> = match act {
            Act::Issue(key) => {
                claims.issue_from_device(&caller(), device, ClaimKey::new(key.to_string()), 60_000).await.map(|_| None)
            }
            Act::Claim(key) => claim(&claims, &name, customer, &key.to_string()).await.map(Some),
            Act::GiveBack => {
                claims.reclaim(&caller(), TENANT, &name, Reclaimer::Customer(customer)).await.map(|_| None)
            }
            Act::TakeBack => claims.reclaim(&caller(), TENANT, &name, Reclaimer::Tenant).await.map(|_| None),
        };
        match done {
            // The owner's retry is a success, too, and appends nothing.
            Ok(Some(appended)) if !appended.events.is_empty() => {
                let first = appended.position.0 + 1 - appended.events.len() as u64;
                assert!(matches!(appended.events[0], DeviceEvent::DeviceClaimed { .. }));
                won.insert(Position(first), customer);
            }
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    won
}

/// Who became the owner where, as the log says.
async fn winners(world: &World<'_>, device_id: DeviceId) -> BTreeMap<Position, CustomerId> {
    let page = world.store.read_after(Scope::Device(device_id), Position(0), usize::MAX).await.unwrap();
    let owner = |event: &DeviceEvent| match event {
        DeviceEvent::DeviceClaimed { customer_id, .. } => Some(*customer_id),
        _ => None,
    };
    page.events.iter().filter_map(|event| Some((event.position, owner(&event.decode().unwrap())?))).collect()
}

async fn claimed(world: &World<'_>, device_id: DeviceId) -> usize {
    let log = world.log().await;
    let of_device = log.iter().filter(|event| event.device_id == device_id);
    of_device.filter(|event| matches!(event.decode(), Ok(DeviceEvent::DeviceClaimed { .. }))).count()
}

/// A hundred saves at once count a hundred versions, and each is answered with its own.
pub async fn each_command_sees_what_the_ones_before_it_did(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-0").await;
    let saves = (1..=100).map(|n| command(device_id, rename(&format!("D-{n}")))).collect();
    let answers = world.together(saves).await;
    for (n, answer) in (1..).zip(answers) {
        let device = answer.unwrap().device;
        let device = device.registered().unwrap();
        assert_eq!((device.version, device.name.as_str()), (n + 1, format!("D-{n}").as_str()));
    }
}
