//! Users and their personal links.

use deed_domain::{
    ids::{CustomerId, SessionId, TenantId, UserId},
    ports::{
        Account, AccountsError, AttributeScope, Authority, Customer, Entity, LinkPurpose, LinkToken, NewLink, NewLogin,
        OfferedLink, PageRequest, PendingLink, RegistryWrite, Target, User, UserCredentials, UserSort, UsersOf,
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

fn administrator(email: &str) -> User {
    user(email, Authority::TenantAdmin, TENANT, None)
}

const WAITING: UserCredentials = UserCredentials { password_hash: None, enabled: false };

fn active() -> UserCredentials {
    UserCredentials { password_hash: Some("hash".to_owned()), enabled: true }
}

/// A login without a password.
fn granted(id: SessionId, user: &User) -> NewLogin {
    NewLogin { id, user_id: user.id, expires_at: START.plus(100), checked_hash: None }
}

fn link(user_id: UserId, purpose: LinkPurpose, token: &str, good_for_ms: i64) -> NewLink {
    NewLink {
        user_id,
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

    assert!(world.store.set_enabled(anna.id, false).await.unwrap());
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);
    world.reopen().await;
    assert_eq!(account(&world, anna.id).await, expected(false));
    assert!(world.store.set_enabled(anna.id, true).await.unwrap());
    assert_eq!(account(&world, anna.id).await, expected(true));
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);

    assert!(!world.store.set_enabled(waiting.id, true).await.unwrap());
    assert_eq!(account(&world, waiting.id).await, never(false, false));
    assert!(!world.store.set_enabled(new_id().into(), false).await.unwrap());
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
        let wanted = link(user.id, LinkPurpose::PasswordReset, &token, 100);
        assert_eq!(world.store.offer_link(wanted, START).await.unwrap(), OfferedLink::Taken);
        let mut write = append(Target::Device(device_id), |_| nothing());
        let put = vec![("a".to_owned(), json!(1))];
        write.registry = vec![RegistryWrite::PutAttributes(Entity::User(user.id), AttributeScope::Server, put)];
        world.store.append(write).await.unwrap();
    }
    assert!(world.store.open_session(granted(session, &anna)).await.unwrap());
    assert!(world.store.delete_user(anna.id).await.unwrap());
    assert!(!world.store.delete_user(anna.id).await.unwrap());
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

/// An activation gives the user its password and lets it sign in; nobody activates it again.
pub async fn a_link_is_good_once_and_until_it_expires(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), WAITING).await.unwrap();
    }
    for (user, token) in [(&anna, "a"), (&ben, "b")] {
        world.store.offer_link(link(user.id, LinkPurpose::Activation, token, 100), START).await.unwrap();
    }
    world.reopen().await;
    let redeem = async |world: &World<'_>, purpose, token: &str| {
        world.store.redeem_link(purpose, &LinkToken::new(token), "chosen".to_owned()).await.unwrap()
    };
    let bearer = async |world: &World<'_>, token: &str| {
        world.store.link_bearer(LinkPurpose::Activation, &LinkToken::new(token)).await.unwrap()
    };
    assert_eq!(bearer(&world, "a").await, Some((anna.id, START.plus(100))));
    assert_eq!(bearer(&world, "A").await, None);
    assert!(!redeem(&world, LinkPurpose::Activation, "").await);
    assert!(!redeem(&world, LinkPurpose::PasswordReset, "a").await, "it is for another purpose");
    world.clock.set(START.plus(99));
    assert!(redeem(&world, LinkPurpose::Activation, "a").await);
    assert!(!redeem(&world, LinkPurpose::Activation, "a").await);
    let chosen = UserCredentials { password_hash: Some("chosen".to_owned()), enabled: true };
    let credentials = async |world: &World<'_>, user: &User| {
        world.store.user_by_email(&user.email).await.unwrap().map(|(_, credentials)| credentials)
    };
    assert_eq!(credentials(&world, &anna).await, Some(chosen));
    assert_eq!(bearer(&world, "a").await, None);

    world.clock.set(START.plus(100));
    assert!(!redeem(&world, LinkPurpose::Activation, "b").await);
    assert_eq!(bearer(&world, "b").await, Some((ben.id, START.plus(100))), "its end can be told");
    assert_eq!(credentials(&world, &ben).await, Some(WAITING));
    assert_eq!(world.store.pending_link(ben.id, LinkPurpose::Activation).await.unwrap(), None);

    // A link that was made before somebody else activated the user is good for nothing.
    world.store.offer_link(link(anna.id, LinkPurpose::Activation, "late", 1_000), START).await.unwrap();
    assert!(!redeem(&world, LinkPurpose::Activation, "late").await);
}

/// Asking again shows the same link, as far as it may be shown; each purpose has its own, and nobody who is gone has one.
pub async fn a_link_stays_while_it_is_good_for_long_enough(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let anna = administrator("anna@example.org");
    world.store.add_user(anna.clone(), active()).await.unwrap();
    let offer = async |world: &World<'_>, new, least| world.store.offer_link(new, START.plus(least)).await.unwrap();
    let (activation, reset) = (LinkPurpose::Activation, LinkPurpose::PasswordReset);
    let hidden = NewLink { is_shown_again: false, ..link(anna.id, reset, "hidden", 50) };
    assert_eq!(offer(&world, link(anna.id, activation, "first", 100), 20).await, OfferedLink::Taken);
    assert_eq!(offer(&world, hidden, 20).await, OfferedLink::Taken);
    world.reopen().await;
    let first = PendingLink { token: Some(LinkToken::new("first")), expires_at: START.plus(100) };
    let second = link(anna.id, activation, "second", 200);
    assert_eq!(offer(&world, second.clone(), 99).await, OfferedLink::Kept(first.clone()));
    assert_eq!(world.store.pending_link(anna.id, activation).await.unwrap(), Some(first));
    let kept = PendingLink { token: None, expires_at: START.plus(50) };
    assert_eq!(world.store.pending_link(anna.id, reset).await.unwrap(), Some(kept.clone()));
    assert_eq!(offer(&world, link(anna.id, reset, "again", 60), 49).await, OfferedLink::Kept(kept));
    assert_eq!(offer(&world, second, 100).await, OfferedLink::Taken);
    let bearer =
        async |world: &World<'_>, token: &str| world.store.link_bearer(activation, &LinkToken::new(token)).await;
    assert_eq!(bearer(&world, "first").await.unwrap(), None, "the newer one took its place");
    assert_eq!(bearer(&world, "second").await.unwrap(), Some((anna.id, START.plus(200))));

    let stranger = new_id().into();
    offer(&world, link(stranger, activation, "stranger", 100), 0).await;
    assert_eq!(bearer(&world, "stranger").await.unwrap(), None);
}

/// Logins end with the old password; a user who is disabled meanwhile keeps it.
pub async fn a_link_for_another_password_serves_only_who_may_sign_in(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    let session = SessionId(new_id());
    let reset = LinkPurpose::PasswordReset;
    for (user, token) in [(&anna, "a"), (&ben, "b")] {
        world.store.add_user(user.clone(), active()).await.unwrap();
        world.store.offer_link(link(user.id, reset, token, 100), START).await.unwrap();
    }
    assert!(world.store.open_session(granted(session, &anna)).await.unwrap());
    world.store.set_enabled(ben.id, false).await.unwrap();
    world.store.set_enabled(ben.id, true).await.unwrap();
    for (token, is_good) in [("a", true), ("a", false), ("b", false)] {
        let redeemed = world.store.redeem_link(reset, &LinkToken::new(token), "new".to_owned()).await.unwrap();
        assert_eq!(redeemed, is_good, "{token}");
    }
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);
    let (_, credentials) = world.store.user_by_email(&ben.email).await.unwrap().unwrap();
    assert_eq!(credentials, active());
    world.store.offer_link(link(ben.id, reset, "late", 100), START).await.unwrap();
    world.store.set_enabled(ben.id, false).await.unwrap();
    world.store.offer_link(link(ben.id, reset, "later", 100), START).await.unwrap();
    assert!(!world.store.redeem_link(reset, &LinkToken::new("later"), "new".to_owned()).await.unwrap());
}
