//! How customers and tenants go, and what must not slip in meanwhile.

use std::sync::Arc;

use deed_domain::{
    claim_key::ClaimKey,
    claims::{Failure, NewDevice, NewKey},
    deletions::{Deletion, Deletions},
    device::{DeviceEvent, RevokeReason, UnassignReason},
    ids::{CustomerId, DeviceId, SessionId, UserId},
    ports::{
        AccountsError, AppendError, AttributeScope, Authority, Customer, DeviceIdentity, Entity, Holder, NewLogin,
        Party, RegistryWrite, Tenant, User, UserCredentials,
    },
    time::Timestamp,
};
use futures_util::future::{join, join_all};
use serde_json::json;

use super::{
    Factory,
    accounts::profile,
    world::{OTHER_TENANT, START, TENANT, World, append, caller, claim, customer, named, new_id, nothing},
};

/// Enough for more than one batch of a deletion.
const MANY: usize = 300;

fn deletions(world: &World<'_>) -> Deletions {
    Deletions::new(world.claims(), Arc::clone(&world.store) as _, Arc::clone(&world.store) as _)
}

async fn add_customer(world: &World<'_>, n: u128) -> CustomerId {
    world.store.add_customer(Customer::titled(customer(n), TENANT, START, &format!("Customer {n}"))).await.unwrap();
    customer(n)
}

/// A user of the customer who has signed in.
async fn add_user(world: &World<'_>, customer_id: Option<CustomerId>) -> (UserId, SessionId) {
    let user = User {
        id: new_id().into(),
        tenant_id: Some(TENANT),
        customer_id,
        authority: if customer_id.is_some() { Authority::CustomerUser } else { Authority::TenantAdmin },
        email: format!("{}@example.org", new_id()),
        first_name: None,
        last_name: None,
        phone: None,
        created_at: START,
        version: 1,
        additional_info: None,
    };
    let credentials = UserCredentials { password_hash: Some("$argon2id$…".to_owned()), enabled: true };
    world.store.add_user(user.clone(), credentials).await.unwrap();
    let session = SessionId(new_id());
    let login = NewLogin { id: session, user_id: user.id, expires_at: Timestamp::MAX, checked_hash: None };
    assert!(world.store.open_session(login).await.unwrap());
    (user.id, session)
}

async fn add_devices(world: &World<'_>, count: usize, owner: Option<CustomerId>) -> Vec<DeviceId> {
    let claims = world.claims();
    let names: Vec<_> = (0..count).map(|n| format!("{}-{n}", new_id())).collect();
    let (caller, device) = (caller(), |name: &String| NewDevice { owner, ..named(name) });
    let added = names.iter().map(|name| claims.register(&caller, TENANT, device(name)));
    join_all(added).await.into_iter().map(|added| added.unwrap().device_id).collect()
}

async fn owner_of(world: &World<'_>, id: DeviceId) -> Option<CustomerId> {
    world.store.load(id).await.unwrap().0.registered().unwrap().owner_id()
}

fn is_gone<T: std::fmt::Debug>(result: Result<T, Failure>, party: Party) {
    assert!(matches!(result, Err(Failure::NotAppended(AppendError::Gone(of))) if of == party), "{result:?}");
}

async fn put_attribute(world: &World<'_>, entity: Entity) {
    let mut write = append(deed_domain::ports::Target::Device(DeviceId(new_id())), |_| nothing());
    let attribute = vec![("name".to_owned(), json!("of a person"))];
    write.registry = vec![RegistryWrite::PutAttributes(entity, AttributeScope::Server, attribute)];
    world.store.append(write).await.unwrap();
}

/// From the mark on: no look-up finds it, nobody signs in for it, its title is free, and no command makes it an owner.
pub async fn who_is_marked_is_there_for_nobody(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (going, staying) = (add_customer(&world, 1).await, add_customer(&world, 2).await);
    let (user, session) = add_user(&world, Some(going)).await;
    let owned = add_devices(&world, 1, Some(going)).await[0];
    let free = world.register_with_key("D").await;
    assert!(world.store.principal(session, user).await.unwrap().is_some());
    assert!(world.store.mark_customer(going).await.unwrap());
    assert!(!world.store.mark_customer(going).await.unwrap(), "once");
    assert!(!world.store.mark_customer(customer(9)).await.unwrap(), "never there");
    for _ in 0..2 {
        assert_eq!(world.store.marked_customers().await.unwrap(), [(TENANT, going)]);
        assert_eq!(world.store.customer(going).await.unwrap(), None);
        assert_eq!(world.store.customer_titled(TENANT, "Customer 1").await.unwrap(), None);
        assert_eq!(world.store.principal(session, user).await.unwrap(), None);
        let saved = world.store.save_customer(going, None, Default::default()).await;
        assert!(matches!(saved, Err(AccountsError::NotFound)));
        let claims = world.claims();
        is_gone(claim(&claims, "D", going, "right").await, Party::Customer(going));
        is_gone(claims.assign(&caller(), TENANT, free, going).await, Party::Customer(going));
        let device = NewDevice { owner: Some(going), ..named("E") };
        is_gone(claims.register(&caller(), TENANT, device).await, Party::Customer(going));
        world.reopen().await;
    }
    assert_eq!(owner_of(&world, free).await, None);
    assert_eq!(owner_of(&world, owned).await, Some(going), "the mark alone takes nothing away");
    world.store.add_customer(Customer::titled(customer(3), TENANT, START, "Customer 1")).await.unwrap();
    claim(&world.claims(), "D", staying, "right").await.unwrap();
}

/// Claims that are under way when the deletion begins either come before the mark, and the device is taken away again,
/// or after it, and give nothing.
pub async fn no_command_under_way_gives_a_device_to_a_marked_customer(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let claims = world.claims();
    for round in 0..10_u128 {
        let going = add_customer(&world, round).await;
        let names: Vec<_> = (0..20).map(|n| format!("{round}-{n}")).collect();
        let mut devices = Vec::new();
        for name in &names {
            devices.push(world.register_with_key(name).await);
        }
        let claimed = names.iter().map(|name| claim(&claims, name, going, "right"));
        let (deletions, caller) = (deletions(&world), caller());
        let (claimed, deleted) = join(join_all(claimed), deletions.delete_customer(&caller, TENANT, going)).await;
        assert_eq!(deleted.unwrap(), Deletion::Done);
        for (device, claimed) in devices.into_iter().zip(claimed) {
            assert_eq!(owner_of(&world, device).await, None);
            if let Err(error) = claimed {
                is_gone::<()>(Err(error), Party::Customer(going));
            }
        }
        // However late a claim comes: the id stays known.
        is_gone(claim(&claims, &names[0], going, "right").await, Party::Customer(going));
    }
}

/// The devices are the tenant's again and their keys are worth nothing; of the people nothing is left.
pub async fn a_customer_goes_with_its_people_and_its_devices_are_free(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (going, staying) = (add_customer(&world, 1).await, add_customer(&world, 2).await);
    let (user, session) = add_user(&world, Some(going)).await;
    let (other, other_session) = add_user(&world, Some(staying)).await;
    for entity in [Entity::Customer(going), Entity::User(user), Entity::Customer(staying), Entity::User(other)] {
        put_attribute(&world, entity).await;
    }
    let devices = add_devices(&world, MANY, Some(going)).await;
    let others = add_devices(&world, 2, Some(staying)).await;
    let key = NewKey { key: Some(ClaimKey::new("right")), not_before: None, ends: Timestamp::MAX.into() };
    let keyed = DeviceIdentity::new(TENANT, devices[0]);
    let claims = world.claims();
    let issued = claims.add_key(&caller(), keyed, key).await.unwrap();

    let done = deletions(&world).delete_customer(&caller(), TENANT, going).await.unwrap();
    assert_eq!(done, Deletion::Done);
    let log = world.log().await;
    let events: Vec<_> = log.iter().map(|recorded| (recorded.device_id, recorded.decode().unwrap())).collect();
    let of_first: Vec<_> = events.iter().filter(|(id, _)| *id == devices[0]).map(|(_, event)| event).collect();
    let [.., unassigned, revoked] = &of_first[..] else { panic!("{of_first:?}") };
    assert!(
        matches!(unassigned, DeviceEvent::DeviceUnassigned { customer_id, reason: UnassignReason::CustomerDeleted, .. } if *customer_id == going)
    );
    assert!(
        matches!(revoked, DeviceEvent::ClaimRevoked { key_id, reason: RevokeReason::CustomerDeleted, .. } if *key_id == issued.key_id)
    );
    assert!(!events.iter().any(|(_, event)| matches!(
        event,
        DeviceEvent::ClaimingAllowed { .. } | DeviceEvent::ClaimingDisallowed { .. }
    )));
    for _ in 0..2 {
        assert_eq!(world.store.held_by(Holder::Customer(going), 1).await.unwrap(), []);
        assert_eq!(world.store.held_by(Holder::Customer(staying), 9).await.unwrap().len(), others.len());
        assert_eq!(world.store.held_by(Holder::Tenant(TENANT), usize::MAX).await.unwrap().len(), MANY + others.len());
        assert_eq!(world.store.user(user).await.unwrap(), None);
        assert_eq!(world.store.principal(session, user).await.unwrap(), None);
        assert!(world.store.principal(other_session, other).await.unwrap().is_some());
        for (entity, left) in [
            (Entity::Customer(going), 0),
            (Entity::User(user), 0),
            (Entity::Customer(staying), 1),
            (Entity::User(other), 1),
        ] {
            assert_eq!(world.store.of(entity, None).await.unwrap().len(), left, "{entity:?}");
        }
        assert_eq!(world.store.marked_customers().await.unwrap(), []);
        world.reopen().await;
    }
    let again = deletions(&world).delete_customer(&caller(), TENANT, going).await.unwrap();
    assert_eq!(again, Deletion::NotFound);
}

/// The mark outlives the process; whoever finds it goes on, and two who do so at once do no harm.
pub async fn a_deletion_that_was_cut_off_goes_on(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let going = add_customer(&world, 1).await;
    let (user, _) = add_user(&world, Some(going)).await;
    let devices = add_devices(&world, MANY, Some(going)).await;
    assert!(world.store.mark_customer(going).await.unwrap());
    world.claims().take_from_deleted(&caller(), TENANT, devices[0], going).await.unwrap();
    world.reopen().await;
    let deletions = deletions(&world);
    let (caller, before) = (caller(), world.log().await.len());
    let (one, other) = join(deletions.go_on(&caller), deletions.go_on(&caller)).await;
    assert_eq!(one.unwrap().max(other.unwrap()), 1);
    assert_eq!(world.log().await.len() - before, MANY - 1, "each device is let go once");
    assert_eq!(world.store.held_by(Holder::Customer(going), 1).await.unwrap(), []);
    assert_eq!(world.store.user(user).await.unwrap(), None);
    assert_eq!(deletions.go_on(&caller).await.unwrap(), 0);
}

/// People, customers, profiles and devices; the log is as long as before, and longer by the removals.
pub async fn a_tenant_goes_with_everything_but_its_events(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let default = profile(TENANT);
    world.store.add_tenant(Tenant::titled(TENANT, START, "T"), default.clone()).await.unwrap();
    world.store.add_tenant(Tenant::titled(OTHER_TENANT, START, "O"), profile(OTHER_TENANT)).await.unwrap();
    let owner = add_customer(&world, 1).await;
    let outsider = Customer::titled(customer(2), OTHER_TENANT, START, "Other");
    world.store.add_customer(outsider.clone()).await.unwrap();
    let (user, _) = add_user(&world, Some(owner)).await;
    let (admin, session) = add_user(&world, None).await;
    put_attribute(&world, Entity::Tenant(TENANT)).await;
    put_attribute(&world, Entity::Customer(owner)).await;
    let devices = add_devices(&world, MANY, Some(owner)).await;
    let before = world.log().await.len();

    assert_eq!(deletions(&world).delete_tenant(&caller(), TENANT).await.unwrap(), Deletion::Done);
    assert_eq!(world.log().await.len(), before + MANY);
    for _ in 0..2 {
        assert_eq!(world.store.tenant(TENANT).await.unwrap(), None);
        assert_eq!(world.store.held_by(Holder::Tenant(TENANT), 1).await.unwrap(), []);
        assert_eq!(world.store.of_device(devices[0]).await.unwrap(), None);
        assert_eq!(world.store.customer(owner).await.unwrap(), None);
        assert_eq!(world.store.by_id(default.id).await.unwrap(), None);
        assert_eq!(world.store.principal(session, admin).await.unwrap(), None);
        for user in [user, admin] {
            assert_eq!(world.store.user(user).await.unwrap(), None);
        }
        for entity in [Entity::Tenant(TENANT), Entity::Customer(owner)] {
            assert_eq!(world.store.of(entity, None).await.unwrap(), []);
        }
        assert_eq!(world.store.customer(outsider.id).await.unwrap().as_ref(), Some(&outsider));
        assert!(world.store.by_name(OTHER_TENANT, "default").await.unwrap().is_some());
        assert_eq!(world.store.marked_tenants().await.unwrap(), []);
        world.reopen().await;
    }
    is_gone(world.claims().assign(&caller(), TENANT, devices[0], owner).await, Party::Customer(owner));
}

/// From the mark on, for ever, and its people are out at once.
pub async fn no_device_is_added_to_a_tenant_that_goes(factory: &dyn Factory) {
    let world = World::open(factory).await;
    world.store.add_tenant(Tenant::titled(TENANT, START, "T"), profile(TENANT)).await.unwrap();
    let (admin, session) = add_user(&world, None).await;
    assert!(world.store.principal(session, admin).await.unwrap().is_some());
    assert!(world.store.mark_tenant(TENANT).await.unwrap());
    assert!(!world.store.mark_tenant(TENANT).await.unwrap());
    assert_eq!(world.store.principal(session, admin).await.unwrap(), None);
    assert_eq!(world.store.marked_tenants().await.unwrap(), [TENANT]);
    for _ in 0..2 {
        is_gone(world.claims().register(&caller(), TENANT, named("D")).await, Party::Tenant(TENANT));
        let added = world.store.add_customer(Customer::titled(customer(1), TENANT, START, "C")).await;
        assert!(matches!(added, Err(AccountsError::NotFound)));
        deletions(&world).go_on(&caller()).await.unwrap();
    }
}
