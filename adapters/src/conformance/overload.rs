//! More commands than the store can carry out.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use deed_domain::{
    device::DeviceEvent,
    ports::{AppendError, Target},
};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    Factory,
    world::{World, append, events, nothing},
};

/// Everybody is answered; whoever is told that the store is overloaded has written nothing. A store that never says so
/// carries everything out.
pub async fn a_store_with_too_much_to_do_says_so(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let (release, held) = mpsc::channel::<()>();
    let limit = factory.more_than_can_wait();
    let held = Mutex::new(limit.map(|_| held));
    // Where commands wait for a writer, the writer is held up until the flood is in.
    let slow = append(Target::Device(device_id), move |_| {
        if let Some(held) = &*held.lock().unwrap() {
            let _ = held.recv_timeout(Duration::from_secs(20));
        }
        nothing()
    });
    let flood = (0..limit.unwrap_or(1_000)).map(|_| {
        world.store.append(append(Target::Device(device_id), |subject| {
            events(vec![DeviceEvent::ClaimingAllowed { at: subject.now }])
        }))
    });
    let flooded = async {
        let answers = join_all(flood);
        tokio::pin!(answers);
        // Polled once: every command has been sent, and those that found no room are answered.
        let early = timeout(Duration::from_millis(500), &mut answers).await;
        drop(release);
        match early {
            Ok(answers) => answers,
            Err(_) => answers.await,
        }
    };
    let all = async { tokio::join!(world.store.append(slow), flooded) };
    let (first, answers) = timeout(Duration::from_secs(60), all).await.expect("everybody is answered");
    assert!(first.is_ok(), "{first:?}");
    let (mut carried_out, mut turned_away) = (0, 0);
    for answer in answers {
        match answer {
            Ok(appended) => carried_out += appended.events.len(),
            Err(AppendError::Overloaded) => turned_away += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(turned_away > 0, limit.is_some());
    assert_eq!(world.log().await.len(), 1 + carried_out);
}
