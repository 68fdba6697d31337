//! Users.

use deed_domain::{
    ids::{CustomerId, SessionId, TenantId, UserId},
    ports::{
        Account, AccountChange, AccountsError, AttributeScope, Authority, Customer, Entity, LastOne, LinkPurpose,
        LinkToken, NewLink, NewLogin, OfferedLink, PageRequest, RegistryWrite, Target, User, UserCredentials, UserSort,
        UsersOf,
    },
};
use serde_json::json;

use super::{
    Factory,
    world::{OTHER_TENANT, START, TENANT, World, append, customer, new_id, nothing},
};

fn user(email: &str, authority: Authority, tenant_id: TenantId, customer_id: Option<CustomerId>) -> User {
    User {
        id: new_id().into(),
        tenant_id: Some(tenant_id),
        customer_id,
        authority,
        email: email.to_owned(),
        first_name: None,
        last_name: None,
        phone: None,
        created_at: START,
        version: 1,
        additional_info: None,
    }
}

pub(super) fn administrator(email: &str) -> User {
    user(email, Authority::TenantAdmin, TENANT, None)
}

pub(super) const WAITING: UserCredentials = UserCredentials { password_hash: None, enabled: false };

pub(super) fn active() -> UserCredentials {
    UserCredentials { password_hash: Some("hash".to_owned()), enabled: true }
}

pub(super) async fn enable(world: &World<'_>, id: UserId, enabled: bool) -> AccountChange {
    world.store.set_enabled(id, enabled, LastOne::Goes).await.unwrap()
}

/// A login without a password.
pub(super) fn granted(id: SessionId, user: &User) -> NewLogin {
    NewLogin { id, user_id: user.id, expires_at: START.plus(100), checked_hash: None }
}

pub(super) fn link(user: &User, purpose: LinkPurpose, token: &str, good_for_ms: i64) -> NewLink {
    NewLink {
        user_id: user.id,
        email: user.email.clone(),
        purpose,
        token: LinkToken::new(token),
        expires_at: START.plus(good_for_ms),
        is_shown_again: true,
    }
}

fn page(size: u32, number: u32) -> PageRequest<UserSort> {
    PageRequest { page: number, page_size: size, text_search: None, sort: UserSort::Creation, descending: false }
}

/// In order of creation or of a property, those with the text in e-mail or names, and never an auditor.
pub async fn users_are_listed_page_by_page(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let titled = |number, title: &str| Customer::titled(customer(number), TENANT, START, title);
    world.store.add_customer(titled(1, "Customer A")).await.unwrap();
    world.store.add_customer(titled(2, "Customer B")).await.unwrap();
    let of = |email: &str, number| user(email, Authority::CustomerUser, TENANT, Some(customer(number)));
    let named = |user: User, first: &str, last: &str| User {
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..user
    };
    let mut everybody = [
        administrator("c@example.org"),
        named(of("A@example.org", 1), "Änne", "50%"),
        of("b@example.org", 1),
        named(of("d@example.org", 2), "Zoe", "Anders"),
        user("auditor@example.org", Authority::Auditor, TENANT, None),
        user("e@example.org", Authority::TenantAdmin, OTHER_TENANT, None),
    ];
    for (age, user) in everybody.iter_mut().enumerate() {
        user.created_at = START.plus(i64::try_from(age).unwrap());
        world.store.add_user(user.clone(), active()).await.unwrap();
    }
    let emails = async |world: &World<'_>, of, page| -> (Vec<String>, u64) {
        let list = world.store.users(of, page).await.unwrap();
        (list.rows.into_iter().map(|row| row.user.email).collect(), list.total)
    };
    let all = UsersOf::Tenant(TENANT);
    for _ in 0..2 {
        let ids: Vec<_> = everybody.iter().map(|user| user.id).chain([new_id().into()]).collect();
        let expected = everybody.iter().map(|user| (user.id, user.email.clone()));
        assert_eq!(world.store.emails(&ids).await.unwrap(), expected.collect());

        let list = world.store.users(UsersOf::Customer(customer(1)), page(10, 0)).await.unwrap();
        assert_eq!(list.rows[0].user, everybody[1]);
        assert_eq!(list.rows[0].customer_title.as_deref(), Some("Customer A"));
        assert_eq!(list.total, 2);

        let letters = |letters: &str, total: u64| {
            (letters.chars().map(|letter| format!("{letter}@example.org")).collect::<Vec<_>>(), total)
        };
        assert_eq!(emails(&world, all, page(10, 0)).await, letters("cAbd", 4));
        assert_eq!(emails(&world, all, page(3, 1)).await, letters("d", 4));
        assert_eq!(emails(&world, all, page(3, 2)).await, letters("", 4));
        assert_eq!(emails(&world, UsersOf::TenantAlone(TENANT), page(10, 0)).await, letters("c", 1));
        assert_eq!(emails(&world, UsersOf::Tenant(new_id().into()), page(10, 0)).await, letters("", 0));

        let sorted = |sort, descending| PageRequest { sort, descending, ..page(10, 0) };
        assert_eq!(emails(&world, all, sorted(UserSort::Creation, true)).await, letters("dbAc", 4));
        assert_eq!(emails(&world, all, sorted(UserSort::Email, false)).await, letters("Abcd", 4));
        assert_eq!(emails(&world, all, sorted(UserSort::Email, true)).await, letters("dcbA", 4));
        assert_eq!(emails(&world, all, sorted(UserSort::FirstName, false)).await, letters("cbdA", 4));
        assert_eq!(emails(&world, all, sorted(UserSort::LastName, true)).await, letters("dAcb", 4));
        assert_eq!(emails(&world, all, sorted(UserSort::Authority, true)).await, letters("cAbd", 4));

        let searched = |text: &str| PageRequest { text_search: Some(text.to_owned()), ..page(10, 0) };
        for (text, found) in
            [("B@EX", "b"), ("äNN", "A"), ("anders", "d"), ("50%", "A"), ("%", "A"), ("_", ""), ("example", "cAbd")]
        {
            let total = u64::try_from(found.len()).unwrap();
            assert_eq!(emails(&world, all, searched(text)).await, letters(found, total), "{text}");
        }
        world.reopen().await;
    }
}

/// What can be saved is, the version counts, and nothing happens if somebody else was quicker or has the e-mail.
pub async fn a_user_is_saved_at_the_expected_version(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), active()).await.unwrap();
    }
    let changed = User {
        email: "Änne@example.org".to_owned(),
        first_name: Some("Änne".to_owned()),
        phone: Some("+1".to_owned()),
        additional_info: Some(json!({"a": [1]})),
        // These are for life.
        tenant_id: Some(OTHER_TENANT),
        authority: Authority::SysAdmin,
        version: 9,
        ..anna.clone()
    };
    let expected = User { tenant_id: anna.tenant_id, authority: anna.authority, version: 2, ..changed.clone() };
    assert_eq!(world.store.save_user(changed.clone(), Some(1)).await.unwrap(), expected);
    let late = world.store.save_user(changed.clone(), Some(1)).await;
    assert!(matches!(late, Err(AccountsError::VersionConflict)), "{late:?}");
    let taken = world.store.save_user(User { email: "BEN@example.org".to_owned(), ..changed.clone() }, None).await;
    assert!(matches!(taken, Err(AccountsError::EmailTaken)), "{taken:?}");
    let nobody = world.store.save_user(administrator("x@example.org"), None).await;
    assert!(matches!(nobody, Err(AccountsError::NotFound)), "{nobody:?}");
    for version in 2..4 {
        let expected = User { version, ..expected.clone() };
        let found = world.store.user_by_email("änne@EXAMPLE.org").await.unwrap();
        assert_eq!(found, Some((expected, active())));
        assert_eq!(world.store.user_by_email("anna@example.org").await.unwrap(), None, "the old e-mail is free");
        let searched = PageRequest { text_search: Some("ÄNNE".to_owned()), ..page(10, 0) };
        assert_eq!(world.store.users(UsersOf::Tenant(TENANT), searched).await.unwrap().total, 1);
        world.store.save_user(changed.clone(), None).await.unwrap();
        world.reopen().await;
    }
}

/// Enabling it again brings no login back, and whoever has no password is not enabled.
pub async fn a_disabled_user_is_out_at_once(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, waiting) = (administrator("anna@example.org"), administrator("waiting@example.org"));
    world.store.add_user(anna.clone(), active()).await.unwrap();
    world.store.add_user(waiting.clone(), WAITING).await.unwrap();
    let session = SessionId(new_id());
    assert!(world.store.open_session(granted(session, &anna)).await.unwrap());
    let account = async |world: &World<'_>, id| world.store.account(id).await.unwrap();
    let never = |is_enabled, is_activated| Some(Account { is_enabled, is_activated, last_login: None });
    assert_eq!(account(&world, anna.id).await, never(true, true));
    assert_eq!(account(&world, waiting.id).await, never(false, false));
    assert_eq!(account(&world, new_id().into()).await, None);
    world.wait(5);
    for (hash, is_good) in [("hash", true), ("other", false)] {
        let checked_hash = Some(hash.to_owned());
        let login = NewLogin { checked_hash, ..granted(SessionId(new_id()), &anna) };
        assert_eq!(world.store.open_session(login).await.unwrap(), is_good);
        world.wait(1);
    }
    let last_login = Some(START.plus(5));
    let expected = |is_enabled| Some(Account { is_enabled, is_activated: true, last_login });

    assert_eq!(enable(&world, anna.id, false).await, AccountChange::Made);
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);
    world.reopen().await;
    assert_eq!(account(&world, anna.id).await, expected(false));
    assert_eq!(enable(&world, anna.id, true).await, AccountChange::Made);
    assert_eq!(account(&world, anna.id).await, expected(true));
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);

    assert_eq!(enable(&world, waiting.id, true).await, AccountChange::Impossible);
    assert_eq!(account(&world, waiting.id).await, never(false, false));
    assert_eq!(enable(&world, new_id().into(), false).await, AccountChange::Impossible);
}

/// Of two who shut out each other at once, by deleting or disabling, one is left, in each tenant and among operators;
/// who may not sign in, is of another authority or tenant, or shares no tenant with anybody does not count.
pub async fn of_two_who_shut_out_each_other_one_stays(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let operator = |email: &str| User { authority: Authority::SysAdmin, tenant_id: None, ..administrator(email) };
    let others = [
        (administrator("waiting@example.org"), WAITING),
        (user("auditor@example.org", Authority::Auditor, TENANT, None), active()),
        (user("customer@example.org", Authority::CustomerUser, TENANT, Some(customer(1))), active()),
        (user("elsewhere@example.org", Authority::TenantAdmin, OTHER_TENANT, None), active()),
    ];
    world.store.add_customer(Customer::titled(customer(1), TENANT, START, "A")).await.unwrap();
    for (user, credentials) in others {
        world.store.add_user(user, credentials).await.unwrap();
    }
    let shut_out = async |id, deletes: bool| match deletes {
        true => world.store.delete_user(id, LastOne::Stays).await.unwrap(),
        false => world.store.set_enabled(id, false, LastOne::Stays).await.unwrap(),
    };
    for round in 0..32 {
        let emails = [format!("a{round}@example.org"), format!("b{round}@example.org")];
        let pair = emails.map(|email| if round % 2 == 0 { administrator(&email) } else { operator(&email) });
        for user in &pair {
            world.store.add_user(user.clone(), active()).await.unwrap();
        }
        let [a, b] = [pair[0].id, pair[1].id];
        let (first, second) = tokio::join!(shut_out(a, round % 3 == 0), shut_out(b, round % 5 == 0));
        let expected = [AccountChange::Made, AccountChange::LastOne];
        assert!([first, second] == expected || [second, first] == expected, "{first:?} {second:?}");
        let left = if first == AccountChange::Made { b } else { a };
        assert!(world.store.account(left).await.unwrap().unwrap().is_enabled);
        // One who may not sign in goes, and so does the last one where another can be added.
        let waits = if round % 2 == 0 { administrator("w@example.org") } else { operator("w@example.org") };
        world.store.add_user(waits.clone(), WAITING).await.unwrap();
        assert_eq!(shut_out(waits.id, true).await, AccountChange::Made);
        assert_eq!(shut_out(left, false).await, AccountChange::LastOne);
        assert_eq!(enable(&world, left, true).await, AccountChange::Made);
        assert_eq!(world.store.delete_user(left, LastOne::Goes).await.unwrap(), AccountChange::Made);
    }
}

/// The e-mail is free, and logins, links and attributes are gone; others keep theirs.
pub async fn nothing_is_left_of_a_deleted_user(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    let session = SessionId(new_id());
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), active()).await.unwrap();
        let token = user.id.to_string();
        let wanted = link(user, LinkPurpose::PasswordReset, &token, 100);
        assert_eq!(world.store.offer_link(wanted, START).await.unwrap(), OfferedLink::Taken);
        let mut write = append(Target::Device(device_id), |_| nothing());
        let put = vec![("a".to_owned(), json!(1))];
        write.registry = vec![RegistryWrite::PutAttributes(Entity::User(user.id), AttributeScope::Server, put)];
        world.store.append(write).await.unwrap();
    }
    assert!(world.store.open_session(granted(session, &anna)).await.unwrap());
    assert_eq!(world.store.delete_user(anna.id, LastOne::Stays).await.unwrap(), AccountChange::Made);
    assert_eq!(world.store.delete_user(anna.id, LastOne::Stays).await.unwrap(), AccountChange::Impossible);
    for _ in 0..2 {
        assert_eq!(world.store.user(anna.id).await.unwrap(), None);
        assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);
        for (user, left) in [(&anna, false), (&ben, true)] {
            let attributes = world.store.of(Entity::User(user.id), None).await.unwrap();
            assert_eq!(attributes.len(), usize::from(left));
            let token = LinkToken::new(user.id.to_string());
            let bearer = world.store.link_bearer(LinkPurpose::PasswordReset, &token).await.unwrap();
            assert_eq!(bearer.is_some(), left);
        }
        world.reopen().await;
    }
    world.store.add_user(administrator("ANNA@example.org"), active()).await.unwrap();
}
