//! Personal links, with which users choose their passwords.

use deed_domain::{
    ids::SessionId,
    ports::{LinkPurpose, LinkToken, NewLink, OfferedLink, PendingLink, User, UserCredentials},
};

use super::{
    Factory,
    users::{WAITING, active, administrator, enable, granted, link},
    world::{START, World, new_id},
};

/// An activation gives the user its password and lets it sign in; nobody activates it again.
pub async fn a_link_is_good_once_and_until_it_expires(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), WAITING).await.unwrap();
    }
    for (user, token) in [(&anna, "a"), (&ben, "b")] {
        world.store.offer_link(link(user, LinkPurpose::Activation, token, 100), START).await.unwrap();
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
    world.store.offer_link(link(&anna, LinkPurpose::Activation, "late", 1_000), START).await.unwrap();
    assert!(!redeem(&world, LinkPurpose::Activation, "late").await);
}

/// Asking again shows the same link, as far as it may be shown; each purpose has its own, and nobody who is gone has one.
pub async fn a_link_stays_while_it_is_good_for_long_enough(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let anna = administrator("anna@example.org");
    world.store.add_user(anna.clone(), active()).await.unwrap();
    let offer = async |world: &World<'_>, new, least| world.store.offer_link(new, START.plus(least)).await.unwrap();
    let (activation, reset) = (LinkPurpose::Activation, LinkPurpose::PasswordReset);
    let hidden = NewLink { is_shown_again: false, ..link(&anna, reset, "hidden", 50) };
    assert_eq!(offer(&world, link(&anna, activation, "first", 100), 20).await, OfferedLink::Taken);
    assert_eq!(offer(&world, hidden, 20).await, OfferedLink::Taken);
    world.reopen().await;
    let first = PendingLink { token: Some(LinkToken::new("first")), expires_at: START.plus(100) };
    let second = link(&anna, activation, "second", 200);
    assert_eq!(offer(&world, second.clone(), 99).await, OfferedLink::Kept(first.clone()));
    assert_eq!(world.store.pending_link(anna.id, activation).await.unwrap(), Some(first));
    let kept = PendingLink { token: None, expires_at: START.plus(50) };
    assert_eq!(world.store.pending_link(anna.id, reset).await.unwrap(), Some(kept.clone()));
    assert_eq!(offer(&world, link(&anna, reset, "again", 60), 49).await, OfferedLink::Kept(kept));
    assert_eq!(offer(&world, second, 100).await, OfferedLink::Taken);
    let bearer =
        async |world: &World<'_>, token: &str| world.store.link_bearer(activation, &LinkToken::new(token)).await;
    assert_eq!(bearer(&world, "first").await.unwrap(), None, "the newer one took its place");
    assert_eq!(bearer(&world, "second").await.unwrap(), Some((anna.id, START.plus(200))));

    let stranger = administrator("stranger@example.org");
    offer(&world, link(&stranger, activation, "stranger", 100), 0).await;
    assert_eq!(bearer(&world, "stranger").await.unwrap(), None);
}

/// Neither what was sent to the old one nor what is made for it afterwards; a new link is good.
pub async fn a_link_goes_with_the_email(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    let purposes = [LinkPurpose::Activation, LinkPurpose::PasswordReset];
    let offer = async |world: &World<'_>, user: &User, purpose: LinkPurpose, token: &str| {
        let wanted = link(user, purpose, &format!("{token} {}", purpose.as_str()), 100);
        assert_eq!(world.store.offer_link(wanted, START.plus(20)).await.unwrap(), OfferedLink::Taken);
    };
    let is_good = async |world: &World<'_>, purpose: LinkPurpose, token: &str| {
        let token = LinkToken::new(format!("{token} {}", purpose.as_str()));
        world.store.link_bearer(purpose, &token).await.unwrap().is_some()
    };
    for (user, token) in [(&anna, "anna"), (&ben, "ben")] {
        world.store.add_user(user.clone(), active()).await.unwrap();
        for purpose in purposes {
            offer(&world, user, purpose, token).await;
        }
    }
    let named = |email: &str| User { email: email.to_owned(), ..anna.clone() };
    let (capitals, moved) = (named("ANNA@example.org"), named("a@example.org"));
    world.store.save_user(capitals, None).await.unwrap();
    for purpose in purposes {
        assert!(is_good(&world, purpose, "anna").await, "{purpose:?}: it is the same e-mail");
    }
    world.store.save_user(moved.clone(), None).await.unwrap();
    world.reopen().await;
    for purpose in purposes {
        assert!(!is_good(&world, purpose, "anna").await, "{purpose:?}");
        assert!(is_good(&world, purpose, "ben").await, "{purpose:?}");
        offer(&world, &anna, purpose, "late").await;
        assert!(!is_good(&world, purpose, "late").await, "{purpose:?}: it is sent to the old e-mail");
        offer(&world, &moved, purpose, "new").await;
        assert!(is_good(&world, purpose, "new").await, "{purpose:?}");
    }
}

/// Logins end with the old password; a user who is disabled meanwhile keeps it.
pub async fn a_link_for_another_password_serves_only_who_may_sign_in(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (anna, ben) = (administrator("anna@example.org"), administrator("ben@example.org"));
    let session = SessionId(new_id());
    let reset = LinkPurpose::PasswordReset;
    for (user, token) in [(&anna, "a"), (&ben, "b")] {
        world.store.add_user(user.clone(), active()).await.unwrap();
        world.store.offer_link(link(user, reset, token, 100), START).await.unwrap();
    }
    assert!(world.store.open_session(granted(session, &anna)).await.unwrap());
    enable(&world, ben.id, false).await;
    enable(&world, ben.id, true).await;
    for (token, is_good) in [("a", true), ("a", false), ("b", false)] {
        let redeemed = world.store.redeem_link(reset, &LinkToken::new(token), "new".to_owned()).await.unwrap();
        assert_eq!(redeemed, is_good, "{token}");
    }
    assert_eq!(world.store.principal(session, anna.id).await.unwrap(), None);
    let (_, credentials) = world.store.user_by_email(&ben.email).await.unwrap().unwrap();
    assert_eq!(credentials, active());
    world.store.offer_link(link(&ben, reset, "late", 100), START).await.unwrap();
    enable(&world, ben.id, false).await;
    world.store.offer_link(link(&ben, reset, "later", 100), START).await.unwrap();
    assert!(!world.store.redeem_link(reset, &LinkToken::new("later"), "new".to_owned()).await.unwrap());
}
