//! Device profiles: kept, saved, listed, and held on to by the devices that have them.

use deed_domain::{
    claims::{Failure, NewDevice, ProfileChoice},
    ids::ProfileId,
    ports::{
        AppendError, DeviceToken, PageRequest, PayloadEncoding, Payloads, Profile, ProfileSort, ProfileTransport,
        ProfileValues, ProfilesError, ProvisioningRule, ProvisioningStrategy, Tenant, UniqueClaim,
    },
};
use futures_util::future::join_all;
use serde_json::json;

use super::{
    Factory,
    world::{OTHER_TENANT, START, TENANT, World, caller, named, new_device, new_id},
};

fn values(name: &str) -> ProfileValues {
    ProfileValues { name: name.to_owned(), ..ProfileValues::default() }
}

async fn add(world: &World<'_>, name: &str) -> Profile {
    let profile = Profile::named(new_id().into(), TENANT, START, name);
    world.store.add_profile(profile.clone()).await.unwrap();
    profile
}

/// The tenant's first profile.
async fn add_tenant(world: &World<'_>) -> Profile {
    let first = Profile::first(new_id().into(), TENANT, START);
    world.store.add_tenant(Tenant::titled(TENANT, START, "T"), first.clone()).await.unwrap();
    first
}

/// Each save counts; the version that is expected has to be the stored one; a name belongs to one profile of a tenant.
pub async fn profiles_are_saved_under_names_of_their_own(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (first, second) = (add(&world, "first").await, add(&world, "second").await);
    let twin = Profile::named(new_id().into(), TENANT, START, "first");
    assert!(matches!(world.store.add_profile(twin).await, Err(ProfilesError::NameTaken)));
    world.store.add_profile(Profile::named(new_id().into(), OTHER_TENANT, START, "first")).await.unwrap();

    let described = ProfileValues {
        description: Some("für Öfen".to_owned()),
        transport: ProfileTransport::Mqtt,
        ..values("erstes")
    };
    let saved = world.store.save_profile(first.id, Some(1), described.clone()).await.unwrap();
    let expected = Profile { version: 2, ..Profile::new(first.id, TENANT, START, described) };
    assert_eq!(saved, expected);
    for _ in 0..2 {
        assert_eq!(world.store.by_id(first.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(world.store.by_name(TENANT, "erstes").await.unwrap(), Some(expected.clone()));
        assert_eq!(world.store.by_name(TENANT, "first").await.unwrap(), None);
        world.reopen().await;
    }

    let refused = async |id, version, name: &str| world.store.save_profile(id, version, values(name)).await;
    assert!(matches!(refused(first.id, Some(1), "x").await, Err(ProfilesError::VersionConflict)));
    assert!(matches!(refused(first.id, None, "second").await, Err(ProfilesError::NameTaken)));
    assert!(matches!(refused(new_id().into(), None, "x").await, Err(ProfilesError::NotFound)));
    assert_eq!(world.store.by_id(first.id).await.unwrap(), Some(expected));
    // Without an expected version it is overwritten; the own name is not taken, and what is not said is gone.
    let bare = world.store.save_profile(first.id, None, values("erstes")).await.unwrap();
    assert_eq!(bare, Profile { version: 3, ..Profile::named(first.id, TENANT, START, "erstes") });

    world.store.delete_profile(second.id).await.unwrap();
    assert!(matches!(world.store.delete_profile(second.id).await, Err(ProfilesError::NotFound)));
    for _ in 0..2 {
        assert_eq!(world.store.by_id(second.id).await.unwrap(), None);
        world.reopen().await;
    }
    add(&world, "second").await;
}

/// A device's messages are as its profile says, from the moment on at which that changes.
pub async fn a_device_writes_as_its_profile_says(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let payloads = Payloads { encoding: PayloadEncoding::ProtobufOrJson, acknowledges_faults: true };
    let protobuf = ProfileValues {
        transport: ProfileTransport::Mqtt,
        payloads,
        protobuf_notes: Some(json!({"deviceTelemetryProtoSchema": "syntax = \"proto3\";"})),
        ..values("meter")
    };
    let profile = Profile::new(new_id().into(), TENANT, START, protobuf.clone());
    world.store.add_profile(profile.clone()).await.unwrap();
    let of = |name: &str, profile| NewDevice { profile, ..named(name) };
    let (claims, caller) = (world.claims(), caller());
    let choice = ProfileChoice::Existing(profile.clone());
    let meter = claims.register(&caller, TENANT, of("D-1", choice)).await.unwrap().device_id;
    let other = claims.register(&caller, TENANT, of("D-2", ProfileChoice::Default)).await.unwrap().device_id;
    for _ in 0..2 {
        assert_eq!(world.store.by_id(profile.id).await.unwrap(), Some(profile.clone()));
        assert_eq!(world.store.payloads_of(meter).await.unwrap(), payloads);
        assert_eq!(world.store.payloads_of(other).await.unwrap(), Payloads::default());
        assert_eq!(world.store.payloads_of(new_device()).await.unwrap(), Payloads::default());
        world.reopen().await;
    }
    let json = ProfileValues { payloads: Payloads::default(), protobuf_notes: None, ..protobuf };
    let saved = world.store.save_profile(profile.id, None, json.clone()).await.unwrap();
    assert_eq!(saved, Profile { version: 2, ..Profile::new(profile.id, TENANT, START, json) });
    assert_eq!(world.store.payloads_of(meter).await.unwrap(), Payloads::default());
}

/// It is found by it, and no other profile on the platform gets it.
pub async fn a_provision_key_belongs_to_one_profile(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let rule = |key: &str| ProvisioningRule {
        strategy: ProvisioningStrategy::CheckPrepared,
        key: key.to_owned(),
        secret: DeviceToken::new(format!("secret of {key}")),
    };
    let with = |name: &str, key| ProfileValues { provisioning: Some(rule(key)), ..values(name) };
    let first = Profile::new(new_id().into(), TENANT, START, with("first", "k1"));
    world.store.add_profile(first.clone()).await.unwrap();
    let second = add(&world, "second").await;
    for tenant in [TENANT, OTHER_TENANT] {
        let third = Profile::new(new_id().into(), tenant, START, with("third", "k1"));
        assert!(matches!(world.store.add_profile(third).await, Err(ProfilesError::ProvisionKeyTaken)));
    }
    let taken = world.store.save_profile(second.id, None, with("second", "k1")).await;
    assert!(matches!(taken, Err(ProfilesError::ProvisionKeyTaken)));
    assert_eq!(world.store.by_id(second.id).await.unwrap(), Some(second.clone()));
    for _ in 0..2 {
        assert_eq!(world.store.by_provision_key("k1").await.unwrap(), Some(first.clone()));
        assert_eq!(world.store.by_provision_key("K1").await.unwrap(), None);
        assert_eq!(world.store.by_provision_key("").await.unwrap(), None);
        world.reopen().await;
    }
    let kept = world.store.save_profile(first.id, None, with("first", "k1")).await.unwrap();
    assert_eq!((kept.version, kept.provisioning), (2, Some(rule("k1"))));
    world.store.save_profile(first.id, None, with("first", "k2")).await.unwrap();
    world.store.save_profile(second.id, None, with("second", "k1")).await.unwrap();
    assert_eq!(world.store.by_provision_key("k1").await.unwrap().map(|found| found.id), Some(second.id));
    world.store.save_profile(second.id, None, values("second")).await.unwrap();
    assert_eq!(world.store.by_provision_key("k1").await.unwrap(), None);
}

/// By a property or in order of creation, with the search taking each character for itself.
pub async fn profiles_are_listed_page_by_page(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let rows = [("Pumpe", None), ("alarm", Some("b")), ("100 % ÖFEN", Some("a")), ("Zähler", None)];
    for (name, description) in rows {
        let transport = if name == "alarm" { ProfileTransport::Mqtt } else { ProfileTransport::Default };
        let description = description.map(str::to_owned);
        let values = ProfileValues { name: name.to_owned(), description, transport, ..ProfileValues::default() };
        let created_at = world.clock_now();
        world.store.add_profile(Profile::new(new_id().into(), TENANT, created_at, values)).await.unwrap();
        world.wait(1);
    }
    world.store.add_profile(Profile::named(new_id().into(), OTHER_TENANT, START, "other")).await.unwrap();
    let page = |sort, descending| PageRequest { page: 0, page_size: 10, text_search: None, sort, descending };
    let names = async |transport, request| {
        let list = world.store.profiles(TENANT, transport, request).await.unwrap();
        (list.rows.into_iter().map(|row| row.name).collect::<Vec<_>>(), list.total)
    };
    let all = |rows: [&str; 4]| (rows.map(str::to_owned).to_vec(), 4);
    let [pump, alarm, oven, meter] = rows.map(|(name, _)| name);
    for (sort, ascending, descending) in [
        (ProfileSort::Creation, [pump, alarm, oven, meter], [meter, oven, alarm, pump]),
        (ProfileSort::Name, [oven, pump, meter, alarm], [alarm, meter, pump, oven]),
        (ProfileSort::Description, [pump, meter, oven, alarm], [alarm, oven, pump, meter]),
        (ProfileSort::Transport, [pump, oven, meter, alarm], [alarm, pump, oven, meter]),
        (ProfileSort::IsDefault, [pump, alarm, oven, meter], [pump, alarm, oven, meter]),
    ] {
        assert_eq!(names(None, page(sort, false)).await, all(ascending), "{sort:?}");
        assert_eq!(names(None, page(sort, true)).await, all(descending), "{sort:?}, descending");
    }
    let of = |transport| names(Some(transport), page(ProfileSort::Name, false));
    assert_eq!(of(ProfileTransport::Mqtt).await, (vec![alarm.to_owned()], 1));
    assert_eq!(of(ProfileTransport::Default).await.1, 3);
    let second = PageRequest { page: 1, page_size: 3, ..page(ProfileSort::Name, false) };
    assert_eq!(names(None, second.clone()).await, (vec![alarm.to_owned()], 4));
    assert_eq!(names(None, PageRequest { page: u32::MAX, page_size: u32::MAX, ..second }).await, (vec![], 4));
    for (text, found) in [("ALAR", vec![alarm]), ("öfe", vec![oven]), ("%", vec![oven]), ("_", vec![])] {
        let search = PageRequest { text_search: Some(text.to_owned()), ..page(ProfileSort::Name, false) };
        let found: Vec<_> = found.into_iter().map(str::to_owned).collect();
        let total = found.len() as u64;
        assert_eq!(names(None, search).await, (found, total), "{text}");
    }
}

/// Another one takes the place of the one before, in that tenant alone; devices that name no profile have it.
pub async fn a_tenant_has_one_default_profile(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    assert_eq!(world.store.default_of(TENANT).await.unwrap(), None);
    let first = add_tenant(&world).await;
    let others = Profile::first(new_id().into(), OTHER_TENANT, START);
    world.store.add_tenant(Tenant::titled(OTHER_TENANT, START, "O"), others.clone()).await.unwrap();
    let meter = add(&world, "meter").await;
    let profile_of = async |world: &World<'_>, name: &str| {
        let registered = world.claims().register(&caller(), TENANT, named(name)).await.unwrap();
        registered.device.registered().map(|device| (device.profile_id, device.device_type.clone()))
    };
    assert_eq!(profile_of(&world, "D-1").await, Some((first.id, "default".to_owned())));

    let made = world.store.make_default(meter.id).await.unwrap();
    assert_eq!(made, Profile { is_default: true, ..meter.clone() });
    assert!(matches!(world.store.make_default(new_id().into()).await, Err(ProfilesError::NotFound)));
    assert!(matches!(world.store.delete_profile(meter.id).await, Err(ProfilesError::IsDefault)));
    for _ in 0..2 {
        assert_eq!(world.store.default_of(TENANT).await.unwrap().as_ref(), Some(&made));
        let before = Profile { is_default: false, ..first.clone() };
        assert_eq!(world.store.by_id(first.id).await.unwrap(), Some(before));
        assert_eq!(world.store.default_of(OTHER_TENANT).await.unwrap().as_ref(), Some(&others));
        world.reopen().await;
    }
    assert_eq!(profile_of(&world, "D-2").await, Some((meter.id, "meter".to_owned())));
}

/// A device's type is its profile's name: it is neither renamed nor deleted while a device has it, and a device gets no
/// profile that was renamed or deleted after it was looked up.
pub async fn a_profile_stays_while_devices_have_it(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (claims, caller, meter) = (world.claims(), caller(), add(&world, "meter").await);
    let of = |name: &str, profile: &Profile| {
        let mut new = named(name);
        new.profile = ProfileChoice::Existing(profile.clone());
        new
    };
    let device = claims.register(&caller, TENANT, of("D-1", &meter)).await.unwrap().device_id;
    let as_mqtt = ProfileValues { transport: ProfileTransport::Mqtt, ..values("meter") };
    for changed in [values("Meter"), as_mqtt] {
        let refused = world.store.save_profile(meter.id, None, changed).await;
        assert!(matches!(refused, Err(ProfilesError::InUse)), "{refused:?}");
    }
    assert!(matches!(world.store.delete_profile(meter.id).await, Err(ProfilesError::InUse)));
    let described = ProfileValues { description: Some("d".to_owned()), ..values("meter") };
    world.store.save_profile(meter.id, None, described).await.unwrap();

    claims.remove(&caller, TENANT, device).await.unwrap();
    let renamed = world.store.save_profile(meter.id, None, values("Meter")).await.unwrap();
    is_other(claims.register(&caller, TENANT, of("D-2", &meter)).await, meter.id);
    world.store.delete_profile(meter.id).await.unwrap();
    is_other(claims.register(&caller, TENANT, of("D-2", &renamed)).await, meter.id);
    assert_eq!(world.store.device_types(TENANT).await.unwrap(), Vec::<String>::new());

    // Whatever comes first, no device is left with a profile that is not there.
    for n in 0..10 {
        let pump = add(&world, "pump").await;
        let registrations = (0..5).map(|m| claims.register(&caller, TENANT, of(&format!("P-{n}-{m}"), &pump)));
        let (registered, deleted) = futures_util::future::join(
            async { join_all(registrations).await.into_iter().flatten().map(|one| one.device_id).collect::<Vec<_>>() },
            world.store.delete_profile(pump.id),
        )
        .await;
        assert_eq!(world.store.by_id(pump.id).await.unwrap().is_none(), deleted.is_ok());
        assert_eq!(registered.is_empty(), deleted.is_ok(), "{registered:?}");
        for device_id in registered {
            claims.remove(&caller, TENANT, device_id).await.unwrap();
        }
        if deleted.is_err() {
            world.store.delete_profile(pump.id).await.unwrap();
        }
    }
}

fn is_other<T: std::fmt::Debug>(answer: Result<T, Failure>, id: ProfileId) {
    let Err(Failure::NotAppended(AppendError::Taken(UniqueClaim::ProfileAsSeen(of, _)))) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(of, id);
}

/// From the mark on.
pub async fn no_profile_is_added_to_a_tenant_that_goes(factory: &dyn Factory) {
    let world = World::open(factory).await;
    add_tenant(&world).await;
    assert!(world.store.mark_tenant(TENANT).await.unwrap());
    let added = world.store.add_profile(Profile::named(new_id().into(), TENANT, START, "late")).await;
    assert!(matches!(added, Err(ProfilesError::NotFound)), "{added:?}");
}
