//! Devices found by name, and what must be the only one of its kind.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use deed_domain::{
    claims::{Failure, ProfileChoice},
    credentials::NewCredentials,
    device::{DeviceCommand, Refusal},
    ids::{DeviceId, TenantId},
    ports::{
        Append, AppendError, Appended, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken, RegistryWrite,
        Target, UniqueClaim,
    },
};
use futures_util::future::join_all;

use super::{
    Factory,
    world::{
        OTHER_TENANT, TENANT, World, append, caller, command, command_to, named, new_device, new_id, nothing, register,
        rename,
    },
};

/// Registers under a name that must be free.
fn register_once(device_id: DeviceId, tenant_id: TenantId, name: &str) -> Append {
    let mut append = command(device_id, register(tenant_id, name));
    append.metadata.tenant_id = tenant_id;
    append.unique.push(UniqueClaim::DeviceName(tenant_id, name.to_owned()));
    append
}

fn rename_once(device_id: DeviceId, name: &str) -> Append {
    let mut append = command(device_id, rename(name));
    append.unique.push(UniqueClaim::DeviceName(TENANT, name.to_owned()));
    append
}

fn to_name(name: &str) -> Append {
    command_to(Target::Named(TENANT, name.to_owned()), DeviceCommand::AllowClaiming)
}

#[track_caller]
fn is_taken(answer: &Result<Appended, AppendError>) -> bool {
    match answer {
        Ok(_) => false,
        Err(AppendError::Taken(_)) => true,
        Err(other) => panic!("{other}"),
    }
}

/// Names are exact, and belong to one tenant.
pub async fn a_device_is_found_by_the_name_that_it_bears_in_its_tenant(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (ours, theirs) = (new_device(), new_device());
    for (device_id, tenant_id) in [(ours, TENANT), (theirs, OTHER_TENANT)] {
        let registered = world.store.append(register_once(device_id, tenant_id, "D-1")).await.unwrap();
        assert_eq!(registered.result, Ok(()), "another tenant's device may bear the same name");
    }
    let found = world.store.append(to_name("D-1")).await.unwrap();
    assert_eq!((found.device_id, found.result), (ours, Ok(())));

    let was_decided = Arc::new(AtomicBool::new(false));
    for name in ["d-1", "D-1 ", "D", "%", "D_1", ""] {
        let was_decided = Arc::clone(&was_decided);
        let unknown = append(Target::Named(TENANT, name.to_owned()), move |_| {
            was_decided.store(true, Ordering::SeqCst);
            nothing()
        });
        let answer = world.store.append(unknown).await.unwrap();
        assert_eq!((answer.result, answer.events.len()), (Err(Refusal::DeviceNotFound), 0), "{name}");
    }
    assert!(!was_decided.load(Ordering::SeqCst), "nothing is decided on a device that is not there");
    assert_eq!(world.head().await.0, 3);
}

/// Names are looked up when the command's turn comes.
pub async fn a_name_given_in_the_same_batch_is_found(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = new_device();
    let answers = world
        .together(vec![
            to_name("old"),
            register_once(device_id, TENANT, "old"),
            to_name("old"),
            rename_once(device_id, "new"),
            to_name("old"),
            to_name("new"),
            command(device_id, DeviceCommand::RemoveDevice),
            to_name("new"),
        ])
        .await;
    let found: Vec<bool> = answers.into_iter().map(|answer| answer.unwrap().result.is_ok()).collect();
    assert_eq!(found, [false, true, true, true, false, true, true, false]);
}

/// A name that another device of the tenant bears is refused, and nothing is written.
pub async fn a_name_is_taken_once(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (first, second) = (new_device(), new_device());
    world.store.append(register_once(first, TENANT, "D-1")).await.unwrap();
    world.store.append(register_once(second, TENANT, "D-2")).await.unwrap();
    for _ in 0..2 {
        for answer in [
            world.store.append(register_once(new_device(), TENANT, "D-1")).await,
            world.store.append(rename_once(second, "D-1")).await,
        ] {
            let Err(AppendError::Taken(taken)) = answer else { panic!("the name is taken") };
            assert_eq!(taken.code(), "device_name_taken");
        }
        assert_eq!(world.head().await.0, 2);
        world.reopen().await;
    }
    world.store.append(rename_once(first, "D-3")).await.unwrap();
    assert!(!is_taken(&world.store.append(rename_once(second, "D-1")).await), "a renamed device frees its name");
}

/// However many want it at once.
pub async fn a_name_is_taken_once_in_the_same_batch(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let answers = world.together((0..20).map(|_| register_once(new_device(), TENANT, "D-1")).collect()).await;
    assert_eq!(answers.iter().filter(|answer| !is_taken(answer)).count(), 1);
    assert_eq!(world.head().await.0, 1);
}

/// A device that is saved under the name that it has collides with nobody.
pub async fn a_device_keeps_its_own_name(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    assert!(!is_taken(&world.store.append(rename_once(device_id, "D-1")).await));
}

/// A removed device's name and credentials are free for the next command.
pub async fn a_removal_frees_the_name_in_the_same_batch(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (first, second) = (new_device(), new_device());
    let with_credentials = |device_id| {
        let mut append = register_once(device_id, TENANT, "D-1");
        add_credentials(&mut append, device_id, "token");
        append
    };
    let mut remove = command(first, DeviceCommand::RemoveDevice);
    remove.registry.push(RegistryWrite::EraseDevice(first));
    let answers = world.together(vec![with_credentials(first), remove, with_credentials(second)]).await;
    for answer in answers {
        assert_eq!(answer.unwrap().result, Ok(()));
    }
    let bearer = world.store.by_access_token(&DeviceToken::new("token")).await.unwrap();
    assert_eq!(bearer.map(|bearer| bearer.device_id), Some(second));
}

fn add_credentials(append: &mut Append, device_id: DeviceId, token: &str) {
    append.unique.push(UniqueClaim::CredentialsId(token.to_owned()));
    append.registry.push(RegistryWrite::PutCredentials(DeviceCredentials {
        id: new_id().into(),
        device_id,
        tenant_id: append.metadata.tenant_id,
        created_at: super::world::START,
        kind: CredentialsKind::AccessToken,
        credentials_id: DeviceToken::new(token),
        credentials_value: None,
        version: 1,
    }));
}

/// A token is one device's, whatever its tenant; the device itself may put it again.
pub async fn credentials_are_taken_once_on_the_platform(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let first = new_device();
    let mut own = register_once(first, TENANT, "D-1");
    add_credentials(&mut own, first, "token");
    assert!(!is_taken(&world.store.append(own).await));

    let theirs = |tenant_id| {
        let device_id = new_device();
        let mut append = register_once(device_id, tenant_id, "D-2");
        add_credentials(&mut append, device_id, "token");
        append
    };
    for tenant_id in [TENANT, OTHER_TENANT] {
        let answer = world.store.append(theirs(tenant_id)).await;
        let Err(AppendError::Taken(taken)) = answer else { panic!("the token is taken") };
        assert_eq!(taken, UniqueClaim::CredentialsId("token".to_owned()));
        assert!(!format!("{taken:?}").contains("token\""), "a token is not shown");
    }
    let mut again = command(first, rename("D-1"));
    add_credentials(&mut again, first, "token");
    assert!(!is_taken(&world.store.append(again).await));
    assert_eq!(world.head().await.0, 2);
}

/// Devices that bring a profile with them at the same time end up with the same one.
pub async fn a_profile_is_added_once(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let claims = world.claims();
    let caller = caller();
    let registrations = join_all((0..20).map(|n| {
        let mut new = named(&format!("D-{n}"));
        new.profile = ProfileChoice::Named("thermostat".to_owned());
        claims.register(&caller, TENANT, new)
    }))
    .await;
    let profile = world.store.by_name(TENANT, "thermostat").await.unwrap().unwrap();
    for registered in registrations {
        let device = registered.map_err(|failure: Failure| failure.to_string()).unwrap().device;
        let device = device.registered().unwrap();
        assert_eq!((device.profile_id, device.device_type.as_str()), (profile.id, "thermostat"));
    }
    assert_eq!(world.store.by_id(profile.id).await.unwrap(), Some(profile));
    assert_eq!(world.store.by_name(OTHER_TENANT, "thermostat").await.unwrap(), None);
}

/// A save of credentials on top of another one's fails, in the same batch, too; nothing is written for a device that
/// is not there.
pub async fn credentials_are_replaced_only_as_they_were_seen(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let claims = world.claims();
    let device_id = claims.register(&caller(), TENANT, named("D-1")).await.unwrap().device_id;
    let device = DeviceIdentity::new(TENANT, device_id);
    let (by, new) = (caller(), |n: usize| NewCredentials::access_token(&format!("token-{n}")).unwrap());
    let all = [new(0), new(1), new(2)];
    let saves = all.iter().map(|new| claims.replace_credentials(&by, device, new, Some(1)));
    let saved: Vec<_> = join_all(saves).await.into_iter().map(|saved| saved.is_ok()).collect();
    let winner = saved.iter().position(|ok| *ok).unwrap();
    assert_eq!(saved.iter().filter(|ok| **ok).count(), 1);
    let stored = world.store.of_device(device_id).await.unwrap().unwrap();
    assert_eq!((&stored.credentials_id, stored.version), (all[winner].id(), 2));

    let mqtt = NewCredentials::mqtt_basic(Some("client"), Some("user"), Some("password")).unwrap();
    claims.replace_credentials(&by, device, &mqtt, None).await.unwrap();
    let stored = world.store.of_device(device_id).await.unwrap().unwrap();
    let found = (stored.kind, &stored.credentials_id, stored.credentials_value.as_ref(), stored.version);
    assert_eq!(found, (CredentialsKind::MqttBasic, mqtt.id(), mqtt.value(), 3));
    assert_eq!(world.store.by_access_token(mqtt.id()).await.unwrap(), None, "it is no token");
    assert_eq!(world.store.by_credentials_id(mqtt.id()).await.unwrap(), Some(stored));
    assert_eq!(world.store.by_credentials_id(&DeviceToken::new("token-0")).await.unwrap(), None, "they were replaced");

    claims.remove(&by, TENANT, device_id).await.unwrap();
    let refused = claims.replace_credentials(&by, device, &new(9), None).await;
    assert!(matches!(refused, Err(Failure::Refused(Refusal::DeviceNotFound))), "{refused:?}");
    assert_eq!(world.store.of_device(device_id).await.unwrap(), None);
}
