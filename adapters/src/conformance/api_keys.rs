//! Keys with which programs act for a user.

use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{ApiKey, ApiKeySort, ApiKeyValue, KeyRefused, PageRequest, Proof},
};

use super::{
    Factory,
    registry::{enabled, user},
    world::{START, World, new_id},
};

fn key(user_id: UserId, description: &str, age: i64) -> ApiKey {
    let id = ApiKeyId(new_id());
    let created_at = START.plus(-age);
    ApiKey { id, user_id, description: description.to_owned(), enabled: true, expires_at: None, created_at }
}

/// By its value, as long as it and its user may be used; of others' keys nothing is changed.
pub async fn a_key_speaks_for_its_user(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let (anna, off) = (user("anna@example.org", None), user("off@example.org", None));
    world.store.add_user(anna.clone(), enabled(true)).await.unwrap();
    world.store.add_user(off.clone(), enabled(false)).await.unwrap();
    let first = key(anna.id, "first", 0);
    let short = ApiKey { expires_at: Some(START.plus(10)), ..key(anna.id, "short", 0) };
    let of_off = key(off.id, "off", 0);
    for (key, value) in [(&first, "tb_first"), (&short, "tb_short"), (&of_off, "tb_off")] {
        assert!(world.store.add_api_key(key.clone(), ApiKeyValue::new(value)).await.unwrap());
    }
    let nobodys = key(UserId(new_id()), "nobody's", 0);
    assert!(!world.store.add_api_key(nobodys, ApiKeyValue::new("tb_none")).await.unwrap());
    for _ in 0..2 {
        let found = async |value: &str| world.store.principal_of_key(&ApiKeyValue::new(value)).await.unwrap();
        let principal = found("tb_first").await.unwrap();
        assert_eq!((principal.user_id, principal.proof), (anna.id, Proof::ApiKey(first.id)));
        assert_eq!(found("tb_off").await, Err(KeyRefused::Disabled));
        for unknown in ["tb_none", "TB_FIRST", "tb_first ", ""] {
            assert_eq!(found(unknown).await, Err(KeyRefused::Unknown), "{unknown}");
        }
        world.clock.set(START.plus(9));
        assert!(found("tb_short").await.is_ok());
        world.clock.set(START.plus(10));
        assert_eq!(found("tb_short").await, Err(KeyRefused::Expired));
        assert_eq!(world.store.api_key(short.id).await.unwrap(), Some(short.clone()));
        world.reopen().await;
    }
    let off = ApiKey { enabled: false, description: "switched off".to_owned(), ..first.clone() };
    assert!(world.store.save_api_key(off.clone()).await.unwrap());
    let found = async |value: &str| world.store.principal_of_key(&ApiKeyValue::new(value)).await.unwrap();
    assert_eq!(found("tb_first").await, Err(KeyRefused::Disabled));
    assert_eq!(world.store.api_key(first.id).await.unwrap(), Some(off.clone()));
    world.store.delete_api_key(first.id).await.unwrap();
    assert!(!world.store.save_api_key(off).await.unwrap());
    assert_eq!(found("tb_first").await, Err(KeyRefused::Unknown));
}

/// The user's alone, in the order that is asked for, with the right total on every page.
pub async fn keys_are_listed_page_by_page(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let (anna, ben) = (user("anna@example.org", None), user("ben@example.org", None));
    for user in [&anna, &ben] {
        world.store.add_user(user.clone(), enabled(true)).await.unwrap();
    }
    let keys = [key(anna.id, "c", 1), key(anna.id, "a", 2), key(anna.id, "Bü%", 3), key(ben.id, "b", 4)];
    for (number, key) in keys.iter().enumerate() {
        world.store.add_api_key(key.clone(), ApiKeyValue::new(number.to_string())).await.unwrap();
    }
    let list = async |page, sort, descending, text: &str| {
        let text_search = (!text.is_empty()).then(|| text.to_owned());
        let request = PageRequest { page, page_size: 2, text_search, sort, descending };
        let found = world.store.api_keys_of(anna.id, request).await.unwrap();
        (found.rows.into_iter().map(|key| key.description).collect::<Vec<_>>().join(" "), found.total)
    };
    assert_eq!(list(0, ApiKeySort::Creation, false, "").await, ("Bü% a".to_owned(), 3));
    assert_eq!(list(1, ApiKeySort::Creation, false, "").await, ("c".to_owned(), 3));
    assert_eq!(list(9, ApiKeySort::Creation, false, "").await, (String::new(), 3));
    assert_eq!(list(0, ApiKeySort::Description, true, "").await, ("c a".to_owned(), 3));
    assert_eq!(list(0, ApiKeySort::Creation, false, "bÜ").await, ("Bü%".to_owned(), 1));
    assert_eq!(list(0, ApiKeySort::Creation, false, "%").await, ("Bü%".to_owned(), 1));
}
