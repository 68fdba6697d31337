//! Customers and tenants: kept, saved and listed.

use deed_domain::{
    ids::{CustomerId, SessionId, TenantId},
    ports::{
        AccountSort, AccountsError, Authority, Contact, ContactField, Customer, CustomerValues, PUBLIC_USER,
        PageRequest, Principal, Profile, Proof, Tenant, TenantValues,
    },
};
use futures_util::future::join_all;
use serde_json::json;

use super::{
    Factory,
    world::{OTHER_TENANT, START, TENANT, World, customer, new_id},
};

fn values(title: &str) -> CustomerValues {
    CustomerValues { title: title.to_owned(), ..CustomerValues::default() }
}

fn page(sort: AccountSort, descending: bool) -> PageRequest<AccountSort> {
    PageRequest { page: 0, page_size: 10, text_search: None, sort, descending }
}

pub(super) fn profile(tenant_id: TenantId) -> Profile {
    Profile::first(new_id().into(), tenant_id, START)
}

/// Each save counts; the version that is expected has to be the stored one; a title belongs to one customer of a tenant.
pub async fn customers_are_saved_under_titles_of_their_own(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let first = Customer::titled(customer(1), TENANT, START, "First");
    world.store.add_customer(first.clone()).await.unwrap();
    world.store.add_customer(Customer::titled(customer(2), TENANT, START, "Second")).await.unwrap();
    world.store.add_customer(Customer::titled(customer(3), OTHER_TENANT, START, "First")).await.unwrap();

    let contact =
        Contact { city: Some("München".to_owned()), email: Some("a@b.org".to_owned()), ..Contact::default() };
    let described = CustomerValues { contact, additional_info: Some(json!({"a": [1, null]})), ..values("Erste") };
    let saved = world.store.save_customer(first.id, Some(1), described.clone()).await.unwrap();
    let expected = Customer { version: 2, ..Customer::new(first.id, TENANT, START, described.clone()) };
    assert_eq!(saved, expected);
    for _ in 0..2 {
        assert_eq!(world.store.customer(first.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(world.store.customer_titled(TENANT, "Erste").await.unwrap(), Some(expected.clone()));
        for unknown in ["First", "erste", ""] {
            assert_eq!(world.store.customer_titled(TENANT, unknown).await.unwrap(), None, "{unknown}");
        }
        world.reopen().await;
    }

    let refused = async |id, version, title: &str| world.store.save_customer(id, version, values(title)).await;
    assert!(matches!(refused(first.id, Some(1), "x").await, Err(AccountsError::VersionConflict)));
    assert!(matches!(refused(first.id, Some(3), "x").await, Err(AccountsError::VersionConflict)));
    assert!(matches!(refused(first.id, None, "Second").await, Err(AccountsError::TitleTaken)));
    assert!(matches!(refused(customer(9), None, "x").await, Err(AccountsError::NotFound)));
    assert_eq!(world.store.customer(first.id).await.unwrap(), Some(expected));
    // Without an expected version it is overwritten; the own title is not taken, and what is not said is gone.
    let bare = world.store.save_customer(first.id, None, values("Erste")).await.unwrap();
    assert_eq!(bare, Customer { version: 3, ..Customer::titled(first.id, TENANT, START, "Erste") });
}

/// In order of creation or by a property, with the search taking each character for itself.
pub async fn customers_are_listed_page_by_page(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let of_city = |city: Option<&str>| Contact { city: city.map(str::to_owned), ..Contact::default() };
    let rows = [("Beta", Some("Ulm")), ("alpha", None), ("100 % ÄHNLICH", Some("Aalen")), ("Gamma", Some("Ulm"))];
    for (number, (title, city)) in (1..).zip(rows) {
        let described = CustomerValues { contact: of_city(city), ..values(title) };
        world.store.add_customer(Customer::new(customer(number), TENANT, START, described)).await.unwrap();
    }
    world.store.add_customer(Customer::titled(customer(7), OTHER_TENANT, START, "Delta")).await.unwrap();
    let titles = async |request: PageRequest<AccountSort>| {
        let list = world.store.customers(TENANT, request).await.unwrap();
        (list.rows.into_iter().map(|row| row.title).collect::<Vec<_>>(), list.total)
    };
    let (alpha, beta, gamma, percent) = ("alpha", "Beta", "Gamma", "100 % ÄHNLICH");
    let all = |rows: [&str; 4]| (rows.map(str::to_owned).to_vec(), 4);
    assert_eq!(titles(page(AccountSort::Creation, false)).await, all([beta, alpha, percent, gamma]));
    assert_eq!(titles(page(AccountSort::Creation, true)).await, all([gamma, percent, alpha, beta]));
    assert_eq!(titles(page(AccountSort::Title, false)).await, all([percent, beta, gamma, alpha]));
    assert_eq!(titles(page(AccountSort::Title, true)).await, all([alpha, gamma, beta, percent]));
    let by_city = AccountSort::Contact(ContactField::City);
    assert_eq!(titles(page(by_city, false)).await, all([alpha, percent, beta, gamma]));
    assert_eq!(titles(page(by_city, true)).await, all([beta, gamma, percent, alpha]));

    let second = PageRequest { page: 1, page_size: 3, ..page(AccountSort::Title, false) };
    assert_eq!(titles(second.clone()).await, (vec![alpha.to_owned()], 4));
    assert_eq!(titles(PageRequest { page: u32::MAX, page_size: u32::MAX, ..second }).await, (vec![], 4));
    let search = |text: &str| PageRequest { text_search: Some(text.to_owned()), ..page(AccountSort::Title, false) };
    for (text, found) in [("LPH", vec![alpha]), ("ähn", vec![percent]), ("%", vec![percent]), ("_", vec![])] {
        let found: Vec<_> = found.into_iter().map(str::to_owned).collect();
        let total = found.len() as u64;
        assert_eq!(titles(search(text)).await, (found, total), "{text}");
    }
}

/// Made when it is first asked for, and the same for all who ask at once.
pub async fn a_tenant_has_one_public_customer(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let asked = (0..16).map(|_| world.store.public_customer(TENANT, CustomerId(new_id())));
    let found: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let first = found[0].clone();
    assert!(first.is_public());
    assert_eq!(first.additional_info, Some(json!({"isPublic": true})));
    assert!(found.iter().all(|customer| *customer == first));
    world.reopen().await;
    assert_eq!(world.store.public_customer(TENANT, customer(9)).await.unwrap(), first);
    assert_eq!(world.store.customer(first.id).await.unwrap(), Some(first.clone()));
    assert_ne!(world.store.public_customer(OTHER_TENANT, customer(9)).await.unwrap().id, first.id);
}

/// Until it expires, and not for a customer that only says of itself that it is public.
pub async fn a_public_login_speaks_for_the_public_customer_alone(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let public = world.store.public_customer(TENANT, CustomerId(new_id())).await.unwrap();
    let pretender = Customer { title: "Not".to_owned(), id: customer(1), ..public.clone() };
    world.store.add_customer(pretender.clone()).await.unwrap();
    let session = SessionId(new_id());
    world.store.open_public_session(session, START.plus(10)).await.unwrap();
    let expected = Principal {
        user_id: PUBLIC_USER,
        proof: Proof::Login(session),
        authority: Authority::CustomerUser,
        tenant_id: Some(TENANT),
        customer_id: Some(public.id),
    };
    assert!(expected.is_public());
    world.clock.set(START.plus(9));
    for _ in 0..2 {
        assert_eq!(world.store.public_principal(session, public.id).await.unwrap(), Some(expected));
        assert_eq!(world.store.public_principal(session, pretender.id).await.unwrap(), None);
        assert_eq!(world.store.public_principal(SessionId(new_id()), public.id).await.unwrap(), None);
        assert_eq!(world.store.principal(session, PUBLIC_USER).await.unwrap(), None, "nobody in particular");
        world.reopen().await;
    }
    world.clock.set(START.plus(10));
    assert_eq!(world.store.public_principal(session, public.id).await.unwrap(), None);
    assert!(world.store.extend_session(session, PUBLIC_USER, START.plus(20)).await.unwrap());
    assert_eq!(world.store.public_principal(session, public.id).await.unwrap(), Some(expected));
    let ended = SessionId(new_id());
    world.store.open_public_session(ended, START.plus(20)).await.unwrap();
    world.store.close_session(ended, PUBLIC_USER).await.unwrap();
    assert_eq!(world.store.public_principal(ended, public.id).await.unwrap(), None);
    assert!(world.store.mark_customer(public.id).await.unwrap());
    assert_eq!(world.store.public_principal(session, public.id).await.unwrap(), None);
}

/// Titles need not be unique here.
pub async fn tenants_are_saved_and_listed(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let first = Tenant::titled(TENANT, START, "Maker");
    world.store.add_tenant(first.clone(), profile(TENANT)).await.unwrap();
    world.store.add_tenant(Tenant::titled(OTHER_TENANT, START.plus(1), "Maker"), profile(OTHER_TENANT)).await.unwrap();
    let named = TenantValues {
        title: "ÜBER".to_owned(),
        region: Some("Global".to_owned()),
        contact: Contact { phone: Some("1".to_owned()), ..Contact::default() },
        additional_info: Some(json!({"k": 1})),
    };
    let saved = world.store.save_tenant(TENANT, Some(1), named.clone()).await.unwrap();
    assert_eq!(saved, Tenant { version: 2, ..Tenant::new(TENANT, START, named.clone()) });
    let refused = world.store.save_tenant(TENANT, Some(1), named.clone()).await;
    assert!(matches!(refused, Err(AccountsError::VersionConflict)));
    let refused = world.store.save_tenant(new_id().into(), None, named).await;
    assert!(matches!(refused, Err(AccountsError::NotFound)));
    for _ in 0..2 {
        assert_eq!(world.store.tenant(TENANT).await.unwrap(), Some(saved.clone()));
        let list = world.store.tenants(page(AccountSort::Title, true)).await.unwrap();
        let ids: Vec<_> = list.rows.iter().map(|tenant| tenant.id).collect();
        assert_eq!((ids, list.total), (vec![TENANT, OTHER_TENANT], 2));
        let search = PageRequest { text_search: Some("über".to_owned()), ..page(AccountSort::Creation, false) };
        assert_eq!(world.store.tenants(search).await.unwrap().rows, std::slice::from_ref(&saved));
        world.reopen().await;
    }
}
