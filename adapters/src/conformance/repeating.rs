//! Commands that their callers named.

use deed_domain::{
    claim_key::ClaimKey,
    claims::{Failure, NewKey},
    device::{ClaimPolicy, DeviceCommand, Reclaimer, Refusal, Registered, UnassignReason},
    ids::{CommandId, DeviceId, Position, UserId},
    metadata::{Actor, Caller},
    ports::{Append, AppendError, AttributeScope, CommandName, DeviceIdentity, Entity, RegistryWrite, UniqueClaim},
    time::{DAY, Timestamp},
};

use super::{
    Factory,
    world::{START, TENANT, World, caller, claim, command, customer, new_command, new_device, register},
};

fn once(id: CommandId, device_id: DeviceId, asked: DeviceCommand) -> Append {
    let mut append = command(device_id, asked);
    append.command = CommandName::Once(id);
    append.metadata.command_id = id;
    append
}

/// The second time nothing is written, and the answer is the same; also after the store is opened again, for a day.
pub async fn a_named_command_is_carried_out_once(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let id = new_command();
    let allow = |value: bool| {
        let mut append = once(id, device_id, DeviceCommand::AllowClaiming);
        let put = vec![("carried out".to_owned(), value.into())];
        append.registry.push(RegistryWrite::PutAttributes(Entity::Device(device_id), AttributeScope::Server, put));
        append
    };
    let first = world.store.append(allow(true)).await.unwrap();
    assert_eq!((first.result, first.events.len(), first.position), (Ok(()), 1, Position(2)));

    world.store.append(command(device_id, DeviceCommand::DisallowClaiming)).await.unwrap();
    world.clock.set(START.plus(DAY - 1));
    for _ in 0..2 {
        let again = world.store.append(allow(false)).await.unwrap();
        assert_eq!((again.device_id, again.result, again.events.len()), (device_id, Ok(()), 0));
        let switch = again.device.registered().and_then(|device| device.switch);
        assert_eq!(switch.map(|switch| switch.allowed), Some(false), "the device as it is now");
        assert_eq!(again.position, Position(3));
        world.reopen().await;
    }
    assert_eq!(world.head().await, Position(3));
    let attributes = world.store.of(Entity::Device(device_id), None).await.unwrap();
    assert_eq!(attributes.into_iter().map(|one| one.value).collect::<Vec<_>>(), [true]);
    let recorded = world.log().await[1].decode_metadata().unwrap();
    assert_eq!(recorded.command_id, id, "the command's id stands beside its events");
}

/// A refusal is an answer like any other, even when it would not be refused any more.
pub async fn a_refused_command_is_refused_the_same_way_again(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let id = new_command();
    let unassign = || {
        let reason = UnassignReason::Unassigned;
        once(id, device_id, DeviceCommand::UnassignDevice { reason, only_from: None })
    };
    assert_eq!(world.store.append(unassign()).await.unwrap().result, Err(Refusal::NotAssigned));
    let customer_id = customer(1);
    world.store.append(command(device_id, DeviceCommand::AssignDevice { customer_id })).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.store.append(unassign()).await.unwrap().result, Err(Refusal::NotAssigned));
        world.reopen().await;
    }
    let (device, _) = world.store.load(device_id).await.unwrap();
    assert!(device.registered().is_some_and(|device| device.owner.is_some()));
}

/// Twenty times in one batch, and beside it from other tasks.
pub async fn a_named_command_is_carried_out_once_however_often_it_comes_at_once(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let id = new_command();
    let allow = move || once(id, device_id, DeviceCommand::AllowClaiming);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move { store.append(allow()).await })
        })
        .collect();
    let mut answers = world.together((0..20).map(|_| allow()).collect()).await;
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let carried_out: usize = answers
        .into_iter()
        .map(|answer| {
            let appended = answer.unwrap();
            assert_eq!((appended.device_id, appended.result), (device_id, Ok(())));
            appended.events.len()
        })
        .sum();
    assert_eq!((carried_out, world.head().await), (1, Position(2)));
}

/// A command that collided left nothing behind, not even its name.
pub async fn what_was_not_appended_may_be_sent_again(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let holder = world.register("D-1").await;
    let (id, device_id) = (new_command(), new_device());
    let register = || {
        let mut append = once(id, device_id, register(TENANT, "D-1"));
        append.unique.push(UniqueClaim::DeviceName(TENANT, "D-1".to_owned()));
        append
    };
    assert!(matches!(world.store.append(register()).await, Err(AppendError::Taken(_))));
    world.store.append(command(holder, DeviceCommand::RemoveDevice)).await.unwrap();
    let appended = world.store.append(register()).await.unwrap();
    assert_eq!((appended.result, appended.events.len()), (Ok(()), 1));
}

/// An administrator who sends the addition of a key again hears of that key, whatever was added since, and does not see
/// it a second time.
pub async fn a_repeated_addition_names_the_key_that_it_added(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device = DeviceIdentity::new(TENANT, world.register("D-1").await);
    let claims = world.claims();
    let add = async |command_id| {
        let caller = Caller { command_id, ..caller() };
        let new = NewKey { key: None, not_before: None, ends: START.plus(DAY).into() };
        claims.add_key(&caller, device, new).await.unwrap()
    };
    let id = Some(new_command());
    let first = add(id).await;
    let second = add(Some(new_command())).await;
    let again = add(id).await;
    assert!(first.made.is_some() && again.made.is_none());
    assert_eq!((again.key_id, again.issued_at), (first.key_id, first.issued_at));
    assert_ne!(second.key_id, first.key_id);
    assert_eq!(world.store.active_keys(device.device_id).await.unwrap().len(), 2);
    world.wait(5);
    claims.revoke_key(&caller(), device, first.key_id).await.unwrap();
    let ended = add(id).await;
    assert_eq!((ended.key_id, ended.issued_at, ended.expires_at), (first.key_id, first.issued_at, first.issued_at));
}

/// A claim that is sent again gets its answer again, until the device is somebody else's: then its old owner learns
/// nothing of it, whatever key it presents.
pub async fn a_repeated_claim_shows_nobody_anothers_device(factory: &dyn Factory) {
    let world = World::open(factory).await;
    world.register_with_key("D-1").await;
    let claims = world.claims();
    let (anna, ben) = (customer(1), customer(2));
    let id = Some(new_command());
    let claim_again = async |key: &str| {
        let user_id = UserId(anna.0);
        let caller = Caller { actor: Actor::User(user_id), command_id: id, ..caller() };
        claims.claim(&caller, TENANT, "D-1", anna, user_id, ClaimKey::new(key)).await
    };
    claim_again("right").await.unwrap();
    let again = claim_again("whatever").await.unwrap();
    assert_eq!(again.device.registered().and_then(Registered::owner_id), Some(anna));
    claims.reclaim(&caller(), TENANT, "D-1", Reclaimer::Customer(anna)).await.unwrap();
    assert!(matches!(claim_again("right").await, Err(Failure::Refused(Refusal::NotOwner))), "nobody's");
    claims.assign(&caller(), TENANT, again.device_id, ben).await.unwrap();
    assert!(matches!(claim_again("right").await, Err(Failure::Refused(Refusal::NotOwner))), "another's");
    claims.remove(&caller(), TENANT, again.device_id).await.unwrap();
    assert!(matches!(claim_again("right").await, Err(Failure::Refused(Refusal::DeviceNotFound))), "gone");
}

/// A device whose answer was lost may send its key again: it is registered once, and told that it was.
pub async fn a_repeated_registration_restarts_nothing(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let device = DeviceIdentity::new(TENANT, device_id);
    let claims = world.claims_under(ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() });
    let id = Some(new_command());
    let issue = async || {
        let caller = Caller { actor: Actor::Device(device_id), command_id: id, ..caller() };
        claims.issue_from_device(&caller, device, ClaimKey::new("k"), 60_000).await.unwrap()
    };
    let first = issue().await;
    world.wait(5);
    let again = issue().await;
    assert_eq!((again.key_id, again.expires_at), (first.key_id, first.expires_at));
    claim(&claims, "D-1", customer(1), "k").await.unwrap();
    let head = world.head().await;
    assert_eq!(issue().await.key_id, first.key_id, "its key has been used since");
    assert_eq!(world.head().await, head);
}

/// A key that the service made is read aloud and typed: capitals, hyphens and blanks do not matter. Of any other key they
/// do.
pub async fn a_made_key_is_taken_as_people_type_it(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let claims = world.claims();
    let policy = ClaimPolicy { guess_limit: 0, guess_limit_overall: 0, ..ClaimPolicy::default() };
    let lenient = world.claims_under(policy);
    let device = DeviceIdentity::new(TENANT, world.register("D-1").await);
    let made = async || {
        let new = NewKey { key: None, not_before: None, ends: Timestamp::MAX.into() };
        claims.add_key(&caller(), device, new).await.unwrap().made.unwrap()
    };
    for typed in [|key: &str| key.to_lowercase(), |key: &str| key.replace('-', ""), |key: &str| format!(" {key} ")] {
        let key = made().await;
        claim(&lenient, "D-1", customer(1), &typed(key.expose())).await.unwrap();
        claims.reclaim(&caller(), TENANT, "D-1", Reclaimer::Tenant).await.unwrap();
    }
    let own = NewKey { key: Some(ClaimKey::new("Own-Key")), not_before: None, ends: Timestamp::MAX.into() };
    claims.add_key(&caller(), device, own).await.unwrap();
    for typed in ["own-key", "OwnKey", " Own-Key"] {
        let refused = claim(&lenient, "D-1", customer(1), typed).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::WrongKey))), "{typed}");
    }
    claim(&lenient, "D-1", customer(1), "Own-Key").await.unwrap();
}
