use deed_adapters::{
    Store,
    sqlite::{SqliteOptions, SqliteStore},
};
use deed_domain::{
    ids::{CustomerId, SessionId, TenantId},
    ports::{
        AccountsError, Authority, Customer, Customers, DEFAULT_PROFILE, Logins, NewLogin, Principal, Profile, Profiles,
        Proof, StoreError, Tenant, Tenants, User, UserCredentials, Users,
    },
    time::HOUR,
};
use serde_json::json;

use crate::{Registry, START, new_id};

fn customer(tenant_id: TenantId, title: &str) -> Customer {
    let additional_info = Some(json!({ "isPublic": true }));
    Customer { additional_info, ..Customer::titled(new_id(), tenant_id, START, title) }
}

fn user(email: &str, tenant_id: TenantId, customer_id: Option<CustomerId>) -> User {
    User {
        id: new_id(),
        tenant_id: Some(tenant_id),
        customer_id,
        authority: if customer_id.is_some() { Authority::CustomerUser } else { Authority::TenantAdmin },
        email: email.to_owned(),
        first_name: Some("Anna".to_owned()),
        last_name: None,
        phone: None,
        created_at: START,
        version: 1,
        additional_info: None,
    }
}

fn active() -> UserCredentials {
    UserCredentials { password_hash: Some("$argon2id$…".to_owned()), enabled: true }
}

/// A user who has signed in for an hour.
async fn signed_in(registry: &Registry, user: &User) -> SessionId {
    registry.store.add_user(user.clone(), active()).await.unwrap();
    let session = new_id();
    assert!(registry.store.open_session(login(session, user, HOUR)).await.unwrap());
    session
}

fn login(id: SessionId, user: &User, milliseconds: i64) -> NewLogin {
    NewLogin { id, user_id: user.id, expires_at: START.plus(milliseconds), checked_hash: None }
}

#[tokio::test]
async fn a_tenant_starts_with_its_default_profile() {
    let registry = Registry::new();
    let tenant = Tenant::titled(new_id(), START, "Maker");
    let profile = Profile::first(new_id(), tenant.id, START);
    registry.store.add_tenant(tenant.clone(), profile.clone()).await.unwrap();
    assert_eq!(registry.store.by_name(tenant.id, DEFAULT_PROFILE).await.unwrap(), Some(profile));
}

#[tokio::test]
async fn a_customer_reads_back_and_its_title_is_its_own_within_the_tenant() {
    let registry = Registry::new();
    let (tenant, other): (TenantId, TenantId) = (new_id(), new_id());
    let first = customer(tenant, "A");
    registry.store.add_customer(first.clone()).await.unwrap();
    let refused = registry.store.add_customer(customer(tenant, "A")).await;
    assert!(matches!(refused, Err(AccountsError::TitleTaken)), "{refused:?}");
    for free in [customer(tenant, "a"), customer(other, "A")] {
        registry.store.add_customer(free).await.unwrap();
    }
    assert_eq!(registry.store.customer(first.id).await.unwrap(), Some(first));
    assert_eq!(registry.store.customer(new_id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_user_is_found_by_id_and_by_e_mail_however_it_is_written() {
    let registry = Registry::new();
    let anna = user("Änna@Example.org", new_id(), Some(new_id()));
    registry.store.add_user(anna.clone(), active()).await.unwrap();
    assert_eq!(registry.store.user(anna.id).await.unwrap().as_ref(), Some(&anna));
    for email in ["Änna@Example.org", "änna@example.org", "ÄNNA@EXAMPLE.ORG"] {
        assert_eq!(registry.store.user_by_email(email).await.unwrap(), Some((anna.clone(), active())), "{email}");
    }
    assert_eq!(registry.store.user_by_email("anna@example.org").await.unwrap(), None);
    assert_eq!(registry.store.user(new_id()).await.unwrap(), None);
}

#[tokio::test]
async fn an_e_mail_is_taken_on_the_whole_platform_however_it_is_written() {
    let registry = Registry::new();
    registry.store.add_user(user("jürgen@example.org", new_id(), None), active()).await.unwrap();
    let refused = registry.store.add_user(user("JÜRGEN@example.org", new_id(), None), active()).await;
    assert!(matches!(refused, Err(AccountsError::EmailTaken)), "{refused:?}");
}

#[tokio::test]
async fn of_many_who_take_an_e_mail_at_once_one_gets_it() {
    let registry = Registry::new();
    let tenant = new_id();
    let added = (0..32).map(|i| {
        let email = if i % 2 == 0 { "one@example.org" } else { "ONE@example.org" };
        registry.store.add_user(user(email, tenant, None), active())
    });
    let added = futures_util::future::join_all(added).await;
    assert_eq!(added.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(added.iter().filter_map(|result| result.as_ref().err()).all(|e| matches!(e, AccountsError::EmailTaken)));
}

#[tokio::test]
async fn the_registry_is_empty_until_there_is_a_user() {
    let registry = Registry::new();
    registry.store.add_customer(customer(new_id(), "A")).await.unwrap();
    assert!(registry.store.is_empty().await.unwrap());
    registry.store.add_user(user("a@example.org", new_id(), None), active()).await.unwrap();
    assert!(!registry.store.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_login_speaks_for_its_user_and_for_nobody_else() {
    let registry = Registry::new();
    let customer = customer(new_id(), "A");
    registry.store.add_customer(customer.clone()).await.unwrap();
    let anna = user("anna@example.org", customer.tenant_id, Some(customer.id));
    let session = signed_in(&registry, &anna).await;
    let expected = Principal {
        user_id: anna.id,
        proof: Proof::Login(session),
        authority: Authority::CustomerUser,
        tenant_id: anna.tenant_id,
        customer_id: anna.customer_id,
    };
    assert_eq!(registry.store.principal(session, anna.id).await.unwrap(), Some(expected));
    let bert = user("bert@example.org", customer.tenant_id, None);
    signed_in(&registry, &bert).await;
    assert_eq!(registry.store.principal(session, bert.id).await.unwrap(), None);
    assert_eq!(registry.store.principal(new_id(), anna.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_login_expires_in_the_very_millisecond() {
    let registry = Registry::new();
    let anna = user("anna@example.org", new_id(), None);
    let session = signed_in(&registry, &anna).await;
    registry.wait_until(START.plus(HOUR - 1));
    assert!(registry.store.principal(session, anna.id).await.unwrap().is_some());
    registry.wait_until(START.plus(HOUR));
    assert_eq!(registry.store.principal(session, anna.id).await.unwrap(), None);
}

#[tokio::test]
async fn expired_logins_are_forgotten_when_others_sign_in() {
    let registry = Registry::new();
    let anna = user("anna@example.org", new_id(), None);
    registry.store.add_user(anna.clone(), active()).await.unwrap();
    for _ in 0..20 {
        registry.store.open_session(login(new_id(), &anna, HOUR)).await.unwrap();
    }
    registry.wait_until(START.plus(HOUR));
    let kept =
        || -> u32 { registry.file().query_row("SELECT count(*) FROM login_sessions", [], |row| row.get(0)).unwrap() };
    let mut counts = Vec::new();
    for _ in 0..2 {
        registry.store.open_session(login(new_id(), &anna, 2 * HOUR)).await.unwrap();
        counts.push(kept());
    }
    assert_eq!(counts, [5, 2], "sixteen at a time, and only expired ones");
}

#[tokio::test]
async fn nobody_is_let_in_whose_login_account_or_customer_is_gone_disabled_or_being_deleted() {
    for change in [
        "DELETE FROM login_sessions",
        "DELETE FROM users",
        "UPDATE users SET enabled = 0",
        "DELETE FROM customers",
        "UPDATE customers SET deleting = 1",
    ] {
        let registry = Registry::new();
        let customer = customer(new_id(), "A");
        registry.store.add_customer(customer.clone()).await.unwrap();
        let anna = user("anna@example.org", customer.tenant_id, Some(customer.id));
        let session = signed_in(&registry, &anna).await;
        assert!(registry.store.principal(session, anna.id).await.unwrap().is_some());
        registry.file().execute(change, []).unwrap();
        assert_eq!(registry.store.principal(session, anna.id).await.unwrap(), None, "{change}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_named_without_showing_what_is_in_it() {
    let registry = Registry::new();
    let anna = user("anna@example.org", new_id(), None);
    let session = signed_in(&registry, &anna).await;
    registry.file().execute("UPDATE users SET authority = 'KING'", []).unwrap();
    for error in
        [registry.store.user(anna.id).await.unwrap_err(), registry.store.principal(session, anna.id).await.unwrap_err()]
    {
        assert!(!error.to_string().contains("KING"));
        let StoreError::Damaged { table, column, row, .. } = error else { panic!("{error}") };
        assert_eq!((table, column, row), ("users", "authority", anna.id.to_string()));
    }
}

#[tokio::test]
async fn what_was_added_is_still_there_after_a_restart() {
    let registry = Registry::new();
    let anna = user("anna@example.org", new_id(), None);
    let session = signed_in(&registry, &anna).await;
    registry.store.close().await;
    let path = registry.store.path().to_owned();
    let again = SqliteStore::open(SqliteOptions::new(path), registry.clock.clone()).unwrap();
    assert!(again.principal(session, anna.id).await.unwrap().is_some());
    assert!(registry.store.add_user(anna, active()).await.is_err(), "the closed store takes nothing");
}
