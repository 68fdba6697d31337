//! What an append writes, in what order, and what it answers.

use deed_domain::{
    codec,
    device::{Decision, Device, DeviceCommand, DeviceEvent, Refusal},
    ids::{Position, Sequence},
    ports::{AppendError, AttributeScope, Entity, RegistryWrite, StoreError, Target, UniqueClaim},
};
use futures_util::FutureExt;

use super::{
    Factory,
    world::{START, TENANT, World, append, command, events, new_device, nothing, register, rename},
};

/// The device after an append is the device that is loaded, before and after the store is opened again.
pub async fn what_is_appended_is_loaded(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let unknown = new_device();
    assert_eq!(world.store.load(unknown).await.unwrap(), (Device::Unregistered, Sequence(0)));

    let device_id = new_device();
    let registered = world.store.append(command(device_id, register(TENANT, "D-1"))).await.unwrap();
    assert_eq!(registered.device_id, device_id);
    assert_eq!(registered.events.len(), 1);
    let allowed = world.store.append(command(device_id, DeviceCommand::AllowClaiming)).await.unwrap();
    assert_eq!(allowed.events, [DeviceEvent::ClaimingAllowed { at: START }]);
    for _ in 0..2 {
        assert_eq!(world.store.load(device_id).await.unwrap(), (allowed.device.clone(), Sequence(2)));
        world.reopen().await;
    }
    assert!(allowed.device.registered().is_some_and(|device| device.switch.is_some()));
}

/// Positions count over all devices and sequences within one, whatever fails in between.
pub async fn positions_and_sequences_have_no_gaps(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    for round in 0..3 {
        let taken = UniqueClaim::DeviceName(TENANT, format!("D-{round}-0"));
        let mut appends = Vec::new();
        for n in 0..5 {
            let device_id = new_device();
            let mut collides = command(new_device(), register(TENANT, "unwritten"));
            collides.unique.push(taken.clone());
            appends.extend([
                command(device_id, DeviceCommand::AllowClaiming),
                command(device_id, register(TENANT, &format!("D-{round}-{n}"))),
                command(device_id, rename(&format!("D-{round}-{n}"))),
                append(Target::Device(device_id), |_| panic!("a decision that panics on purpose")),
                collides,
                command(
                    device_id,
                    DeviceCommand::UnassignDevice {
                        reason: deed_domain::device::UnassignReason::Unassigned,
                        only_from: None,
                    },
                ),
                command(device_id, DeviceCommand::AllowClaiming),
            ]);
        }
        let count = appends.len();
        let answers = world.together(appends).await;
        assert_eq!(answers.len(), count);
        let written: usize = answers.iter().flatten().map(|appended| appended.events.len()).sum();
        assert_eq!(written, 5 * 3);
        world.reopen().await;
    }
    let log = world.log().await;
    let positions: Vec<_> = log.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=45).collect::<Vec<_>>());
    assert_eq!(world.head().await, Position(45));
    let mut last = std::collections::BTreeMap::new();
    for event in &log {
        let before = last.insert(event.device_id, event.sequence).unwrap_or_default();
        assert_eq!(event.sequence, before.next());
    }
    assert_eq!(last.len(), 15);
}

/// A command's place is that of its first step, whatever is asked of the others in between.
pub async fn commands_are_carried_out_in_the_order_in_which_they_began(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let mut devices = Vec::new();
    for n in 0..3 {
        devices.push(world.register(&format!("D-{n}")).await);
    }
    let allow = |device_id| {
        append(Target::Device(device_id), |subject| events(vec![DeviceEvent::ClaimingAllowed { at: subject.now }]))
    };
    let mut begun: Vec<_> = devices.iter().cycle().take(60).map(|id| world.store.append(allow(*id))).collect();
    let mut answered = Vec::new();
    for appending in &mut begun {
        answered.push(appending.now_or_never());
    }
    let mut positions = Vec::new();
    // Asked after in the opposite order: that changes nothing.
    for (appending, answered) in begun.into_iter().zip(answered).rev() {
        let appended = match answered {
            Some(answered) => answered,
            None => appending.await,
        };
        positions.push(appended.unwrap().position.0);
    }
    positions.reverse();
    assert_eq!(positions, (4..=63).collect::<Vec<_>>());
}

/// Events of one command follow each other without another's in between, and the answer names the last one's position.
pub async fn the_events_of_a_command_stand_together(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let mut devices = Vec::new();
    for n in 0..4 {
        devices.push(world.register(&format!("D-{n}")).await);
    }
    let three = |device_id| {
        append(Target::Device(device_id), |subject| events(vec![DeviceEvent::ClaimingAllowed { at: subject.now }; 3]))
    };
    let answers = world.together(devices.iter().cycle().take(40).map(|id| three(*id)).collect()).await;
    let log = world.log().await;
    for answer in answers {
        let appended = answer.unwrap();
        let end = usize::try_from(appended.position.0).unwrap();
        assert_eq!(appended.events.len(), 3);
        for event in &log[end - 3..end] {
            assert_eq!((event.device_id, event.recorded_at), (appended.device_id, appended.recorded_at));
        }
    }
    assert_eq!(log.len(), 4 + 40 * 3);
}

/// A refusal is on record; what would have belonged to a success is not.
pub async fn a_refusal_keeps_its_events_and_writes_nothing_else(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let entity = Entity::Device(device_id);
    let mut refused = append(Target::Device(device_id), |subject| Decision {
        events: vec![DeviceEvent::ClaimingAllowed { at: subject.now }],
        counts: Vec::new(),
        result: Err(Refusal::NotOwner),
    });
    let attributes = vec![("key".to_owned(), true.into())];
    refused.registry.push(RegistryWrite::PutAttributes(entity, AttributeScope::Server, attributes));
    let appended = world.store.append(refused).await.unwrap();
    assert_eq!((appended.result, appended.events.len()), (Err(Refusal::NotOwner), 1));
    assert_eq!(appended.position, Position(2));
    assert_eq!(world.log().await.len(), 2);
    assert_eq!(world.store.of(entity, None).await.unwrap(), []);
}

/// Whoever appended nothing can still wait for what was there at that moment.
pub async fn a_command_that_appends_nothing_is_answered_with_the_end_of_the_log(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let nothing_for = |device_id| append(Target::Device(device_id), |_| nothing());
    let before = world.store.append(nothing_for(new_device())).await.unwrap();
    assert_eq!((before.position, before.device), (Position(0), Device::Unregistered));
    let device_id = world.register("D-1").await;
    let after = world.store.append(nothing_for(device_id)).await.unwrap();
    assert_eq!((after.position, after.events.len(), after.result), (Position(1), 0, Ok(())));
    assert!(after.device.registered().is_some());
}

/// A clock that is set back holds no event back, and none is recorded before the one that precedes it.
pub async fn time_never_goes_back(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = new_device();
    let mut expected = Vec::new();
    for (offset, recorded) in [(0, 0), (500, 500), (-9_000, 500), (499, 500), (501, 501)] {
        world.clock.set(START.plus(offset));
        let first = expected.is_empty();
        let appended = world
            .store
            .append(if first {
                command(device_id, register(TENANT, "D-1"))
            } else {
                command(device_id, DeviceCommand::AllowClaiming)
            })
            .await
            .unwrap();
        assert_eq!(appended.recorded_at, START.plus(recorded));
        assert_eq!(appended.events[0].at(), appended.recorded_at, "the decision is given the time of the append");
        expected.push(appended.recorded_at);
    }
    world.clock.set(START.plus(-1));
    world.reopen().await;
    let appended = world.store.append(command(device_id, DeviceCommand::AllowClaiming)).await.unwrap();
    expected.push(appended.recorded_at);
    assert_eq!(appended.recorded_at, START.plus(501), "not even after the store is opened again");
    let recorded: Vec<_> = world.log().await.iter().map(|event| event.recorded_at).collect();
    assert_eq!(recorded, expected);
}

/// Payload and metadata come back byte for byte.
pub async fn bytes_are_stored_as_they_were_written(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let name = "D \"1\"/ü\u{1} \u{1F511}\u{2028}";
    let device_id = new_device();
    let mut append = command(device_id, register(TENANT, name));
    append.metadata.correlation_id = "req-\"\\\n\u{7f}é".into();
    let metadata = append.metadata.clone();
    let appended = world.store.append(append).await.unwrap();
    for _ in 0..2 {
        let log = world.log().await;
        let [stored] = &log[..] else { panic!("one event was appended") };
        assert_eq!(stored.payload, codec::encode(&appended.events[0]).unwrap());
        assert_eq!(stored.metadata, metadata.to_json());
        assert_eq!((stored.event_type.as_str(), stored.event_version.as_str()), ("DeviceRegistered", "1"));
        assert_eq!((stored.device_id, stored.sequence), (device_id, Sequence(1)));
        assert_eq!(stored.decode().unwrap(), appended.events[0]);
        assert_eq!(stored.decode_metadata().unwrap(), metadata);
        world.reopen().await;
    }
}

/// The others of its batch are carried out, and the device of the one that failed goes on.
pub async fn a_decision_that_panics_fails_only_its_command(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let appends = (0..21).map(|n| {
        if n == 10 {
            append(Target::Device(device_id), |_| panic!("a decision that panics on purpose"))
        } else {
            command(device_id, DeviceCommand::AllowClaiming)
        }
    });
    let answers = world.together(appends.collect()).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Ok(appended) => assert_eq!(appended.events.len(), 1),
            Err(AppendError::Store(StoreError::Unavailable(_))) => assert_eq!(n, 10),
            Err(other) => panic!("command {n}: {other}"),
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    assert_eq!(world.store.load(device_id).await.unwrap().1, Sequence(21));
}
