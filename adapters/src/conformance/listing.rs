//! Lists of devices: filters, orders, pages, search.

use std::collections::BTreeSet;

use deed_domain::{
    claims::{DeviceChange, NewKey, ProfileChoice},
    device::{KeyEnd, OwnerChange},
    ids::{CustomerId, TenantId},
    ports::{Customer, DeviceIdentity, ListPage, PageRequest},
};
use deed_projections::{
    ActiveKeys, DeviceFilter, DeviceList, DeviceOrder, DeviceRow, OwnedBy, SearchedIn,
    testing::{History, InMemoryActiveKeys, InMemoryDeviceList, read_model},
};

use super::{
    Factory,
    world::{OTHER_TENANT, START, TENANT, World, caller, customer, named},
};

const ORDERS: [DeviceOrder; 5] =
    [DeviceOrder::Creation, DeviceOrder::Name, DeviceOrder::Type, DeviceOrder::Label, DeviceOrder::OwnerTitle];

fn owners() -> [OwnedBy; 4] {
    [OwnedBy::Anybody, OwnedBy::Nobody, OwnedBy::Somebody, OwnedBy::Customer(customer(1))]
}

fn title(id: CustomerId) -> Option<String> {
    [(customer(1), "Zoé & Söhne"), (customer(2), "acme")]
        .into_iter()
        .find_map(|(known, title)| (known == id).then(|| title.to_owned()))
}

/// Devices of two tenants in every combination of names, labels, types, owners and keys, some of them saved and removed
/// since.
async fn fill(world: &World<'_>) {
    for n in [1, 2] {
        let added = Customer {
            id: customer(n),
            tenant_id: TENANT,
            title: title(customer(n)).unwrap(),
            contact: deed_domain::ports::Contact::default(),
            created_at: START,
            version: 1,
            additional_info: None,
        };
        world.store.add_customer(added).await.unwrap();
    }
    let claims = world.claims();
    // The third customer is not in the registry: its devices have an owner without a title.
    let owners = [None, Some(customer(1)), None, Some(customer(2)), Some(customer(3))];
    let labels = [None, Some("Straße 1"), Some("b"), Some("B%_"), None, Some("a")];
    for n in 0..40_usize {
        let tenant_id = if n % 9 == 8 { OTHER_TENANT } else { TENANT };
        let mut new = named(&format!("{}-{:02}", ["Sensor", "sensor", "Ünit"][n % 3], 97 * n % 40));
        new.label = labels[n % labels.len()].map(str::to_owned);
        new.owner = owners[n % owners.len()].filter(|_| tenant_id == TENANT);
        if n % 4 == 3 {
            new.profile = ProfileChoice::Named("Thermostat".to_owned());
        }
        let registered = claims.register(&caller(), tenant_id, new).await.unwrap();
        if n % 7 == 6 {
            let change = DeviceChange {
                expected_version: None,
                name: format!("renamed {n}"),
                profile: ProfileChoice::Named(["Pump", "default"][n % 2].to_owned()),
                label: (n % 3 == 0).then(|| "new label".to_owned()),
                owner: OwnerChange::Keep,
                additional_info: None,
                credentials: None,
            };
            claims.change(&caller(), tenant_id, registered.device_id, change).await.unwrap();
        }
        for number in 1..=n % 4 {
            let new =
                NewKey { key: None, not_before: None, ends: KeyEnd::After(1_000 * i64::try_from(number).unwrap()) };
            let device = DeviceIdentity::new(tenant_id, registered.device_id);
            claims.add_key(&caller(), device, new).await.unwrap();
        }
        if n % 13 == 12 {
            claims.remove(&caller(), tenant_id, registered.device_id).await.unwrap();
        }
        world.wait(i64::try_from(n % 2).unwrap());
    }
}

/// What the log says.
struct Expected {
    list: InMemoryDeviceList,
    keys: InMemoryActiveKeys,
}

impl Expected {
    async fn of(world: &World<'_>) -> Self {
        let history = History::from_recorded(world.log().await);
        let list = read_model::<DeviceList, _>(&history).unwrap();
        Self { list, keys: read_model::<ActiveKeys, _>(&history).unwrap() }
    }

    fn devices(&self, filter: &DeviceFilter, page: &PageRequest<DeviceOrder>) -> ListPage<DeviceRow> {
        self.list.devices(filter, page, &self.keys, title)
    }
}

fn page(sort: DeviceOrder, descending: bool, page: u32, page_size: u32, text: &str) -> PageRequest<DeviceOrder> {
    let text_search = Some(text.to_owned()).filter(|text| !text.is_empty());
    PageRequest { page, page_size, text_search, sort, descending }
}

/// Every way to own, of every type, in every order.
pub async fn every_list_shows_what_the_log_has_in_its_order(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    fill(&world).await;
    let list = Expected::of(&world).await;
    let profile = world.store.by_name(TENANT, "Thermostat").await.unwrap().unwrap();
    let of_others = world.store.by_name(OTHER_TENANT, "default").await.unwrap().unwrap();
    let mut seen = BTreeSet::new();
    for round in 0..2 {
        for (owned_by, device_type) in owners()
            .into_iter()
            .flat_map(|owned_by| [None, Some("default"), Some("Pump"), Some("none")].map(|of| (owned_by, of)))
        {
            for (sort, descending) in ORDERS.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
                for profile_id in [None, Some(profile.id), Some(of_others.id)] {
                    let device_type = device_type.map(str::to_owned);
                    let filter = DeviceFilter { owned_by, device_type, profile_id, ..DeviceFilter::of_tenant(TENANT) };
                    let page = page(sort, descending, 0, 100, "");
                    let found = world.store.devices(&filter, &page).await.unwrap();
                    assert_eq!(found, list.devices(&filter, &page), "{filter:?} {page:?}");
                    seen.insert(found.total);
                }
            }
        }
        let types: Vec<String> = list.list.device_types(TENANT).into_iter().collect();
        assert_eq!(world.store.device_types(TENANT).await.unwrap(), types, "round {round}");
        world.reopen().await;
    }
    assert!(seen.len() > 6, "the filters let different devices through, but only {seen:?}");
    let nobodys = DeviceFilter::of_tenant(TenantId(customer(9).0));
    assert_eq!(world.store.devices(&nobodys, &page(DeviceOrder::Name, false, 0, 9, "")).await.unwrap().total, 0);
}

/// No row twice, none left out, and the right total on each, also beyond the end.
pub async fn pages_of_a_list_are_the_list(factory: &dyn Factory) {
    let world = World::open(factory).await;
    fill(&world).await;
    let list = Expected::of(&world).await;
    let filter = DeviceFilter::of_tenant(TENANT);
    for (sort, descending) in ORDERS.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
        for (page_size, text) in [(1, ""), (7, ""), (7, "sensor"), (1_000, "")] {
            let whole = list.devices(&filter, &page(sort, descending, 0, 1_000, text));
            let mut rows: Vec<DeviceRow> = Vec::new();
            for number in 0.. {
                let part =
                    world.store.devices(&filter, &page(sort, descending, number, page_size, text)).await.unwrap();
                assert_eq!(part.total, whole.total);
                if part.rows.is_empty() {
                    break;
                }
                rows.extend(part.rows);
            }
            assert_eq!(rows, whole.rows, "{sort:?} {descending} {page_size} {text}");
        }
        let far = page(sort, descending, u32::MAX, u32::MAX, "");
        assert!(world.store.devices(&filter, &far).await.unwrap().rows.is_empty());
    }
}

/// In names and labels, or in types and owners' titles, too; no character of it has a meaning.
pub async fn a_text_is_a_literal_part_in_whatever_case(factory: &dyn Factory) {
    let world = World::open(factory).await;
    fill(&world).await;
    let list = Expected::of(&world).await;
    let texts = [
        "s",
        "SE",
        "sen",
        "SENSOR-1",
        "ensor-0",
        "ünit-",
        "ÜNIT-2",
        "STRASSE",
        "ß",
        "se 1",
        "%",
        "_",
        "B%_",
        "b%%",
        "-",
        "renamed 6",
        "renamed  6",
        "D 6n",
        "new",
        "pump",
        "thermo",
        "ACME",
        "SÖHNE",
        "& ",
        "'",
        "\"",
        "* OR *",
        "\0",
        "0",
        "😀",
        "sensor-sensor-sensor-sensor-sensor-sensor-sensor",
        "default",
        "ormat",
    ];
    let mut found_some = 0;
    for (text, searched_in) in
        texts.into_iter().flat_map(|text| [(text, SearchedIn::NameAndLabel), (text, SearchedIn::TypeAndOwnerToo)])
    {
        for owned_by in owners() {
            for device_type in [None, Some("default".to_owned())] {
                let filter = DeviceFilter { owned_by, device_type, searched_in, ..DeviceFilter::of_tenant(TENANT) };
                for sort in ORDERS {
                    let page = page(sort, false, 0, 100, text);
                    let found = world.store.devices(&filter, &page).await.unwrap();
                    assert_eq!(found, list.devices(&filter, &page), "{filter:?} {page:?}");
                    found_some += u32::from(found.total > 0);
                }
            }
        }
    }
    assert!(found_some > 200, "{found_some}");
    let theirs = DeviceFilter::of_tenant(OTHER_TENANT);
    let found = world.store.devices(&theirs, &page(DeviceOrder::Creation, false, 0, 100, "NIT")).await.unwrap();
    assert!(found.total > 0 && found.rows.iter().all(|row| row.tenant_id == OTHER_TENANT));
}

/// At the last moment of a key, one after it, and when all have run out; with every owner and order, searched and not.
pub async fn devices_are_listed_by_their_keys(factory: &dyn Factory) {
    let world = World::open(factory).await;
    fill(&world).await;
    let list = Expected::of(&world).await;
    let ends: Vec<_> = list.keys.rows().map(|key| key.expires_at).collect();
    let (first, last) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
    let mut totals = BTreeSet::new();
    for at in [START, first, first.plus(1), last, last.plus(1)] {
        for (owned_by, sort) in owners().into_iter().flat_map(|owned_by| ORDERS.map(|sort| (owned_by, sort))) {
            for (text, device_type) in [("", None), ("sensor", None), ("", Some("default")), ("acme", Some("default"))]
            {
                let filter = DeviceFilter {
                    owned_by,
                    with_key_at: Some(at),
                    device_type: device_type.map(str::to_owned),
                    searched_in: SearchedIn::TypeAndOwnerToo,
                    ..DeviceFilter::of_tenant(TENANT)
                };
                for page in [page(sort, false, 0, 100, text), page(sort, true, 1, 3, text)] {
                    let found = world.store.devices(&filter, &page).await.unwrap();
                    assert_eq!(found, list.devices(&filter, &page), "{filter:?} {page:?}");
                    totals.insert(found.total);
                }
            }
        }
    }
    assert!(totals.contains(&0) && totals.len() > 6, "{totals:?}");
}
