//! Who is let in, by what, and until when.

use deed_domain::{
    ids::{SessionId, UserId},
    ports::{Authority, NewLogin, Principal, Proof},
    time::Timestamp,
};

use super::{
    Factory,
    registry::{customer_titled, enabled, user},
    world::{START, TENANT, World, customer, new_id},
};

fn login(id: SessionId, user_id: UserId, expires_at: Timestamp) -> NewLogin {
    NewLogin { id, user_id, expires_at, checked_hash: None }
}

fn session() -> SessionId {
    SessionId(new_id())
}

async fn is_in(world: &World<'_>, session: SessionId, user: UserId) -> bool {
    world.store.principal(session, user).await.unwrap().is_some()
}

/// A token is good while its login lasts, for its user alone, and not for somebody who may not sign in.
pub async fn a_login_lasts_until_it_expires(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    world.store.add_customer(customer_titled(1, "Customer A", TENANT)).await.unwrap();
    let (anna, ben) = (user("anna@example.org", Some(customer(1))), user("ben@example.org", None));
    let (disabled, orphan) = (user("off@example.org", None), user("orphan@example.org", Some(customer(9))));
    for (user, may) in [(&anna, true), (&ben, true), (&disabled, false), (&orphan, true)] {
        world.store.add_user(user.clone(), enabled(may)).await.unwrap();
    }
    let sessions = [session(), session(), session(), session()];
    for (session, user) in sessions.into_iter().zip([&anna, &ben, &disabled, &orphan]) {
        let opened = world.store.open_session(login(session, user.id, START.plus(10))).await.unwrap();
        assert_eq!(opened, user.id != disabled.id);
    }
    assert!(!world.store.open_session(login(session(), UserId(new_id()), START.plus(10))).await.unwrap());
    let of_anna = Principal {
        user_id: anna.id,
        proof: Proof::Login(sessions[0]),
        authority: Authority::CustomerUser,
        tenant_id: Some(TENANT),
        customer_id: Some(customer(1)),
    };
    world.clock.set(START.plus(9));
    for _ in 0..2 {
        assert_eq!(world.store.principal(sessions[0], anna.id).await.unwrap(), Some(of_anna));
        let of_ben = world.store.principal(sessions[1], ben.id).await.unwrap();
        assert_eq!(of_ben.map(|ben| ben.customer_id), Some(None));
        assert!(!is_in(&world, sessions[1], anna.id).await, "another's login");
        assert!(!is_in(&world, session(), anna.id).await, "no login");
        assert!(!is_in(&world, sessions[2], disabled.id).await);
        assert!(!is_in(&world, sessions[3], orphan.id).await, "its customer is gone");
        world.reopen().await;
    }
    // A refreshed login lasts longer; nobody else can lengthen it, and nothing shortens it.
    assert!(world.store.extend_session(sessions[0], anna.id, START.plus(20)).await.unwrap());
    assert!(world.store.extend_session(sessions[0], anna.id, START.plus(1)).await.unwrap());
    assert!(!world.store.extend_session(sessions[1], anna.id, START.plus(20)).await.unwrap());
    world.clock.set(START.plus(10));
    assert_eq!(world.store.principal(sessions[0], anna.id).await.unwrap(), Some(of_anna));
    assert!(!is_in(&world, sessions[1], ben.id).await);
    world.clock.set(START.plus(20));
    assert!(!is_in(&world, sessions[0], anna.id).await);
}

/// Only that one, only by its user, and no refresh brings it back.
pub async fn a_login_ends_when_its_user_ends_it(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (user("anna@example.org", None), user("ben@example.org", None));
    let (first, second) = (session(), session());
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), enabled(true)).await.unwrap();
    }
    for session in [first, second] {
        world.store.open_session(login(session, anna.id, START.plus(10))).await.unwrap();
    }
    world.store.close_session(first, ben.id).await.unwrap();
    assert!(is_in(&world, first, anna.id).await, "another cannot end it");
    for _ in 0..2 {
        world.store.close_session(first, anna.id).await.unwrap();
        assert!(!is_in(&world, first, anna.id).await);
        assert!(!world.store.extend_session(first, anna.id, START.plus(20)).await.unwrap());
        assert!(!is_in(&world, first, anna.id).await);
        assert!(is_in(&world, second, anna.id).await, "the other login goes on");
        world.reopen().await;
    }
}

/// In the same moment, whenever they began; who was let in by the old password is not, even if that was checked before.
pub async fn another_password_ends_all_logins(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (user("anna@example.org", None), user("ben@example.org", None));
    let sessions = [session(), session(), session()];
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), enabled(true)).await.unwrap();
    }
    for (session, user) in sessions.into_iter().zip([&anna, &anna, &ben]) {
        world.store.open_session(login(session, user.id, START.plus(10))).await.unwrap();
    }
    let checked =
        |id, hash: &str| NewLogin { checked_hash: Some(hash.to_owned()), ..login(id, anna.id, START.plus(10)) };
    let old = enabled(true).password_hash.unwrap();
    let set = async |user, checked: Option<&str>, hash: &str| {
        world.store.set_password(user, checked.map(str::to_owned), hash.to_owned()).await.unwrap()
    };
    assert!(!set(anna.id, Some("another"), "never").await, "another one was checked");
    assert!(!set(anna.id, None, "never").await, "none was checked");
    assert!(set(anna.id, Some(&old), "new").await);
    assert!(!set(anna.id, Some(&old), "never").await, "somebody was first");
    assert!(!set(UserId(new_id()), None, "new").await, "nobody");
    let (late, after) = (session(), session());
    assert!(!world.store.open_session(checked(late, &old)).await.unwrap(), "checked against the old one");
    assert!(world.store.open_session(checked(after, "new")).await.unwrap());
    for _ in 0..2 {
        for (session, user, expected) in [
            (sessions[0], anna.id, false),
            (sessions[1], anna.id, false),
            (late, anna.id, false),
            (after, anna.id, true),
            (sessions[2], ben.id, true),
        ] {
            assert_eq!(is_in(&world, session, user).await, expected);
        }
        let (_, credentials) = world.store.user_by_email("anna@example.org").await.unwrap().unwrap();
        assert_eq!((credentials.password_hash.as_deref(), credentials.enabled), (Some("new"), true));
        let (_, of_ben) = world.store.user_by_email("ben@example.org").await.unwrap().unwrap();
        assert_eq!(of_ben, enabled(true));
        world.reopen().await;
    }
}
