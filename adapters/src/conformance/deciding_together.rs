//! Commands that come at once are decided one after another.

use deed_domain::{claims::Failure, device::DeviceEvent, device::Refusal, ids::DeviceId};
use futures_util::future::join_all;

use super::{
    Factory,
    world::{World, claim, command, customer, rename},
};

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
