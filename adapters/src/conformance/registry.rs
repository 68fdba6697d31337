//! What is not an event.

use deed_domain::{
    device::{DeviceCommand, Refusal},
    ids::{CustomerId, DeviceId, TenantId},
    ports::{
        AccountsError, Append, AttributeScope, Authority, Counted, CredentialsKind, Customer, DeviceCredentials,
        DeviceIdentity, DeviceToken, Entity, Profile, RegistryWrite, Target, Tenant, User, UserCredentials,
    },
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    Factory,
    world::{START, TENANT, World, append, command, customer, new_id, nothing},
};

/// Carries out a command that does nothing but write to the registry.
fn write(device_id: DeviceId, writes: Vec<RegistryWrite>) -> Append {
    let mut append = append(Target::Device(device_id), |_| nothing());
    append.registry = writes;
    append
}

fn credentials(device_id: DeviceId, token: &str) -> DeviceCredentials {
    DeviceCredentials {
        id: new_id().into(),
        device_id,
        tenant_id: TENANT,
        // The time of the append counts.
        created_at: Timestamp(1),
        kind: CredentialsKind::AccessToken,
        credentials_id: DeviceToken::new(token),
        credentials_value: None,
        version: 1,
    }
}

/// With the command, at its time, and not at all if it is refused.
pub async fn what_belongs_to_a_command_is_written_with_it(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let profile = Profile::named(new_id().into(), TENANT, Timestamp(1), "thermostat");
    let info = json!({ "gateway": true, "deep": [null, 1.5, "ü"] });
    let writes = || {
        vec![
            RegistryWrite::PutProfile(profile.clone()),
            RegistryWrite::PutCredentials(credentials(device_id, "token")),
            RegistryWrite::PutAdditionalInfo(device_id, Some(info.clone())),
        ]
    };
    let mut refused = command(device_id, DeviceCommand::RevokeKey { key_id: new_id().into() });
    refused.registry = writes();
    assert_eq!(world.store.append(refused).await.unwrap().result, Err(Refusal::KeyNotFound));
    assert_eq!(world.store.by_id(profile.id).await.unwrap(), None);
    assert_eq!(world.store.of_device(device_id).await.unwrap(), None);

    world.wait(5);
    world.store.append(write(device_id, writes())).await.unwrap();
    for _ in 0..2 {
        let stored = world.store.by_id(profile.id).await.unwrap();
        assert_eq!(stored, Some(Profile { created_at: START.plus(5), ..profile.clone() }));
        let stored = world.store.of_device(device_id).await.unwrap();
        assert_eq!(stored.map(|stored| (stored.created_at, stored.version)), Some((START.plus(5), 1)));
        assert_eq!(world.store.additional_info(device_id).await.unwrap(), Some(info.clone()));
        world.reopen().await;
    }
    world.store.append(write(device_id, vec![RegistryWrite::PutAdditionalInfo(device_id, None)])).await.unwrap();
    assert_eq!(world.store.additional_info(device_id).await.unwrap(), None);
}

/// One record per device: its id and age stay, its version counts, and the old token is good for nothing.
pub async fn credentials_replace_those_before_them(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let (first, second) = (credentials(device_id, "old"), credentials(device_id, "new"));
    world.store.append(write(device_id, vec![RegistryWrite::PutCredentials(first.clone())])).await.unwrap();
    world.wait(5);
    world.store.append(write(device_id, vec![RegistryWrite::PutCredentials(second)])).await.unwrap();
    let by_token =
        async |world: &World<'_>, token: &str| world.store.by_access_token(&DeviceToken::new(token)).await.unwrap();
    for _ in 0..2 {
        let stored = world.store.of_device(device_id).await.unwrap().unwrap();
        let expected = DeviceCredentials {
            created_at: START,
            credentials_id: DeviceToken::new("new"),
            version: 2,
            ..first.clone()
        };
        assert_eq!(stored, expected);
        assert_eq!(by_token(&world, "new").await, Some(DeviceIdentity::new(TENANT, device_id)));
        for wrong in ["old", "NEW", "new ", "", "%"] {
            assert_eq!(by_token(&world, wrong).await, None, "{wrong}");
        }
        world.reopen().await;
    }
    world.store.append(write(device_id, vec![RegistryWrite::EraseDevice(device_id)])).await.unwrap();
    assert_eq!(by_token(&world, "new").await, None);
    assert_eq!(world.store.of_device(device_id).await.unwrap(), None);
}

/// In bytes of keys and of values as JSON; those of a key that is written anew count once, and other scopes and devices do not.
pub async fn a_device_keeps_as_many_attributes_as_it_may(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (device_id, other_id) = (world.register("D-1").await, world.register("D-2").await);
    let put = |id: DeviceId, put: &[(&str, Value)], most: u64| {
        let bytes: usize = put.iter().map(|(key, value)| key.len() + value.to_string().len()).sum();
        let bytes = bytes.try_into().unwrap();
        let put: Vec<_> = put.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let mut append = command(id, DeviceCommand::PutOwnAttributes { bytes, most });
        append.counted = Counted::OwnAttributes(put.iter().map(|(key, _)| key.clone()).collect());
        append.registry = vec![RegistryWrite::PutAttributes(Entity::Device(id), AttributeScope::Client, put)];
        append
    };
    let of_others = [(AttributeScope::Shared, device_id), (AttributeScope::Server, device_id)].map(|(scope, id)| {
        RegistryWrite::PutAttributes(Entity::Device(id), scope, vec![("ü".to_owned(), json!("long enough to count"))])
    });
    world.store.append(write(device_id, of_others.to_vec())).await.unwrap();
    world.store.append(put(other_id, &[("k", json!("elsewhere"))], 12)).await.unwrap().result.unwrap();
    let full = Err(Refusal::AttributesFull { most: 12 });
    world.store.append(put(device_id, &[("ü", json!("öö"))], 12)).await.unwrap().result.unwrap();
    for _ in 0..2 {
        // Two bytes of the key, and four of the value with its quotes; then what fills the rest.
        for fits in [("ü", json!("ö")), ("a", json!(12345))] {
            assert_eq!(world.store.append(put(device_id, &[fits], 12)).await.unwrap().result, Ok(()));
        }
        for beyond in [&[("b", json!(1))][..], &[("a", json!(123_456))], &[("a", json!(1)), ("c", json!([1, 2, 3]))]] {
            assert_eq!(world.store.append(put(device_id, beyond, 12)).await.unwrap().result, full, "{beyond:?}");
        }
        let kept = world.store.of(Entity::Device(device_id), Some(AttributeScope::Client)).await.unwrap();
        let kept: Vec<_> = kept.into_iter().map(|one| (one.key, one.value)).collect();
        assert_eq!(kept, [("a".to_owned(), json!(12345)), ("ü".to_owned(), json!("ö"))]);
        world.reopen().await;
    }
    // The limit was lowered: no more than before, and less, may be written.
    assert_eq!(world.store.append(put(device_id, &[("a", json!(54321))], 3)).await.unwrap().result, Ok(()));
    assert_eq!(world.store.append(put(device_id, &[("a", json!(1))], 3)).await.unwrap().result, Ok(()));
    let grown = world.store.append(put(device_id, &[("a", json!(12))], 3)).await.unwrap().result;
    assert_eq!(grown, Err(Refusal::AttributesFull { most: 3 }));
    // What is deleted makes room, by people and with the device.
    let keys = vec!["ü".to_owned(), "missing".to_owned()];
    let deleted = RegistryWrite::DeleteAttributes(Entity::Device(device_id), AttributeScope::Client, keys);
    world.store.append(write(device_id, vec![deleted])).await.unwrap();
    assert_eq!(world.store.append(put(device_id, &[("a", json!(12))], 3)).await.unwrap().result, Ok(()));
    world.store.append(write(device_id, vec![RegistryWrite::EraseDevice(device_id)])).await.unwrap();
    assert_eq!(world.store.append(put(device_id, &[("b", json!(12))], 3)).await.unwrap().result, Ok(()));
}

/// By key, each scope for itself; what is erased with a device is that device's alone.
pub async fn attributes_are_put_and_deleted_by_key_and_scope(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (device_id, other_id) = (world.register("D-1").await, world.register("D-2").await);
    let (device, other) = (Entity::Device(device_id), Entity::Device(other_id));
    // An entity of another kind with the same id.
    let namesake = Entity::Customer(CustomerId(device_id.0));
    let put = |entity, scope, key: &str, value: Value| {
        RegistryWrite::PutAttributes(entity, scope, vec![(key.to_owned(), value)])
    };
    let (server, shared) = (AttributeScope::Server, AttributeScope::Shared);
    world
        .store
        .append(write(
            device_id,
            vec![
                put(device, server, "b", json!(1)),
                put(device, server, "a", json!({ "x": [1.0, null] })),
                put(device, shared, "b", json!("shared")),
                put(other, server, "b", json!("other")),
                put(namesake, server, "b", json!("namesake")),
            ],
        ))
        .await
        .unwrap();
    world.wait(5);
    let again = vec![
        put(device, server, "b", json!(2)),
        RegistryWrite::DeleteAttributes(device, shared, vec!["a".to_owned(), "missing".to_owned()]),
    ];
    world.store.append(write(device_id, again)).await.unwrap();
    let read = async |world: &World<'_>, entity, scope| -> Vec<(String, Value, i64)> {
        let attributes = world.store.of(entity, scope).await.unwrap();
        attributes.into_iter().map(|one| (one.key, one.value, one.last_update.since(START))).collect()
    };
    for _ in 0..2 {
        let (a, b) = (("a".to_owned(), json!({ "x": [1.0, null] }), 0), ("b".to_owned(), json!(2), 5));
        let of_shared = ("b".to_owned(), json!("shared"), 0);
        assert_eq!(read(&world, device, Some(server)).await, [a.clone(), b.clone()]);
        assert_eq!(read(&world, device, Some(shared)).await, std::slice::from_ref(&of_shared));
        assert_eq!(read(&world, device, Some(AttributeScope::Client)).await, []);
        assert_eq!(read(&world, device, None).await, [a, b, of_shared]);
        world.reopen().await;
    }
    let deleted = RegistryWrite::DeleteAttributes(device, server, vec!["b".to_owned()]);
    world.store.append(write(device_id, vec![deleted])).await.unwrap();
    assert_eq!(read(&world, device, None).await.len(), 2);
    world.store.append(write(device_id, vec![RegistryWrite::EraseDevice(device_id)])).await.unwrap();
    let left = [device, other, namesake].map(|entity| read(&world, entity, None));
    let [device, other, namesake] = left;
    assert_eq!((device.await.len(), other.await.len(), namesake.await.len()), (0, 1, 1));
}

/// Those of an entity that is no device are written by themselves.
pub async fn attributes_of_others_are_put_and_deleted(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let id = new_id();
    let (customer, tenant) = (Entity::Customer(CustomerId(id)), Entity::Tenant(TenantId(id)));
    let scope = AttributeScope::Server;
    let value = |key: &str, value: Value| (key.to_owned(), value);
    world.store.put(customer, scope, vec![value("a", json!(1)), value("b", json!("x"))]).await.unwrap();
    world.store.put(tenant, scope, vec![value("a", json!(true))]).await.unwrap();
    world.wait(5);
    world.store.put(customer, scope, vec![value("a", json!([2]))]).await.unwrap();
    world.store.delete(customer, scope, vec!["b".to_owned(), "missing".to_owned()]).await.unwrap();
    world.store.delete(customer, AttributeScope::Shared, vec!["a".to_owned()]).await.unwrap();
    for _ in 0..2 {
        let read = async |entity| {
            let attributes = world.store.of(entity, None).await.unwrap();
            attributes.into_iter().map(|one| (one.key, one.value, one.last_update.since(START))).collect::<Vec<_>>()
        };
        assert_eq!(read(customer).await, [("a".to_owned(), json!([2]), 5)]);
        assert_eq!(read(tenant).await, [("a".to_owned(), json!(true), 0)]);
        world.reopen().await;
    }
}

pub(super) fn user(email: &str, customer_id: Option<CustomerId>) -> User {
    User {
        id: new_id().into(),
        tenant_id: Some(TENANT),
        customer_id,
        authority: if customer_id.is_some() { Authority::CustomerUser } else { Authority::TenantAdmin },
        email: email.to_owned(),
        first_name: Some("Änne".to_owned()),
        last_name: None,
        phone: None,
        created_at: START,
        version: 1,
        additional_info: Some(json!({ "lang": "de" })),
    }
}

pub(super) fn enabled(enabled: bool) -> UserCredentials {
    UserCredentials { password_hash: Some("$argon2id$…".to_owned()), enabled }
}

pub(super) fn customer_titled(n: u128, title: &str, tenant_id: TenantId) -> Customer {
    Customer::titled(customer(n), tenant_id, START, title)
}

/// By id and by e-mail in whatever case; e-mails are unique on the platform, titles within a tenant.
pub async fn people_are_found_again(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    assert!(world.store.is_empty().await.unwrap());
    let profile = Profile::first(new_id().into(), TENANT, Timestamp(7));
    let tenant = Tenant::titled(TENANT, Timestamp(7), "T");
    world.store.add_tenant(tenant, profile.clone()).await.unwrap();
    let owner = customer_titled(1, "Customer A", TENANT);
    world.store.add_customer(owner.clone()).await.unwrap();
    let twin = world.store.add_customer(customer_titled(2, "Customer A", TENANT)).await;
    assert!(matches!(twin, Err(AccountsError::TitleTaken)));
    let namesake = customer_titled(3, "Customer A", super::world::OTHER_TENANT);
    world.store.add_customer(namesake).await.unwrap();

    let anna = user("Anna@Exämple.org", Some(owner.id));
    world.store.add_user(anna.clone(), enabled(true)).await.unwrap();
    let twin = world.store.add_user(user("aNNA@EXÄMPLE.ORG", None), enabled(true)).await;
    assert!(matches!(twin, Err(AccountsError::EmailTaken)));
    for _ in 0..2 {
        assert!(!world.store.is_empty().await.unwrap());
        assert_eq!(world.store.by_name(TENANT, "default").await.unwrap(), Some(profile.clone()));
        assert_eq!(world.store.customer(owner.id).await.unwrap(), Some(owner.clone()));
        assert_eq!(world.store.customer(customer(2)).await.unwrap(), None);
        assert_eq!(world.store.user(anna.id).await.unwrap(), Some(anna.clone()));
        for email in ["Anna@Exämple.org", "ANNA@EXÄMPLE.ORG", "anna@exämple.org"] {
            let found = world.store.user_by_email(email).await.unwrap();
            assert_eq!(found, Some((anna.clone(), enabled(true))), "as it was written, whoever asks");
        }
        assert_eq!(world.store.user_by_email("anna@example.org").await.unwrap(), None);
        world.reopen().await;
    }
}
