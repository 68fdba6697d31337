use deed_domain::{
    ids::{CustomerId, DeviceId},
    ports::{Attribute, AttributeScope, Attributes, Entity, RegistryWrite, StoreError},
    time::{HOUR, Timestamp},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Registry, START, new_id};

fn put(entity: Entity, scope: AttributeScope, attributes: &[(&str, Value)]) -> RegistryWrite {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    RegistryWrite::PutAttributes(entity, scope, attributes)
}

fn attribute(key: &str, scope: AttributeScope, value: Value, last_update: Timestamp) -> Attribute {
    Attribute { key: key.to_owned(), scope, value, last_update }
}

#[tokio::test]
async fn attributes_read_back_by_key_each_with_the_time_it_was_last_set() {
    use AttributeScope::{Client, Server, Shared};
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    let device = Entity::Device(device_id);
    registry
        .write(
            device_id,
            vec![
                put(device, Server, &[("b", json!(1)), ("a", json!("x"))]),
                put(device, Client, &[("b", json!({ "n": [null, 1.5] }))]),
                put(device, Shared, &[("b", json!(true))]),
            ],
        )
        .await;
    let later = START.plus(HOUR);
    registry.wait_until(later);
    registry.write(device_id, vec![put(device, Server, &[("b", json!(2))])]).await;
    assert_eq!(
        registry.store.of(device, None).await.unwrap(),
        [
            attribute("a", Server, json!("x"), START),
            attribute("b", Client, json!({ "n": [null, 1.5] }), START),
            attribute("b", Server, json!(2), later),
            attribute("b", Shared, json!(true), START),
        ]
    );
    assert_eq!(registry.store.of(device, Some(Shared)).await.unwrap(), [attribute("b", Shared, json!(true), START)]);
}

#[tokio::test]
async fn attributes_belong_to_one_entity_of_one_kind() {
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    let entities = [Entity::Device(device_id), Entity::Customer(CustomerId(device_id.0)), Entity::Device(new_id())];
    for (number, entity) in entities.into_iter().enumerate() {
        registry.write(device_id, vec![put(entity, AttributeScope::Server, &[("n", json!(number))])]).await;
    }
    for (number, entity) in entities.into_iter().enumerate() {
        let expected = [attribute("n", AttributeScope::Server, json!(number), START)];
        assert_eq!(registry.store.of(entity, None).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn only_the_named_attributes_of_the_scope_are_deleted() {
    use AttributeScope::{Server, Shared};
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    let device = Entity::Device(device_id);
    let delete = |scope, keys: &[&str]| {
        RegistryWrite::DeleteAttributes(device, scope, keys.iter().map(|key| (*key).to_owned()).collect())
    };
    registry
        .write(
            device_id,
            vec![
                put(device, Server, &[("a", json!(1)), ("b", json!(1))]),
                put(device, Shared, &[("a", json!(1))]),
                delete(Server, &["a", "unknown"]),
            ],
        )
        .await;
    assert_eq!(
        registry.store.of(device, None).await.unwrap(),
        [attribute("a", Shared, json!(1), START), attribute("b", Server, json!(1), START),]
    );
}

#[tokio::test]
async fn additional_info_is_replaced_as_a_whole_and_null_is_none() {
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    for (put, expected) in [
        (Some(json!({ "gateway": true })), Some(json!({ "gateway": true }))),
        (Some(json!({ "description": "x" })), Some(json!({ "description": "x" }))),
        (None, None),
        (Some(Value::Null), None),
    ] {
        registry.write(device_id, vec![RegistryWrite::PutAdditionalInfo(device_id, put)]).await;
        assert_eq!(registry.store.additional_info(device_id).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn nothing_of_an_erased_device_remains_and_nothing_of_others_goes() {
    let registry = Registry::new();
    let (device_id, other): (DeviceId, DeviceId) = (new_id(), new_id());
    for id in [device_id, other] {
        registry
            .write(
                id,
                vec![
                    put(Entity::Device(id), AttributeScope::Server, &[("a", json!(1))]),
                    RegistryWrite::PutAdditionalInfo(id, Some(json!({}))),
                ],
            )
            .await;
    }
    registry.write(device_id, vec![RegistryWrite::EraseDevice(device_id)]).await;
    assert_eq!(registry.store.of(Entity::Device(device_id), None).await.unwrap(), []);
    assert_eq!(registry.store.additional_info(device_id).await.unwrap(), None);
    assert_eq!(registry.store.of(Entity::Device(other), None).await.unwrap().len(), 1);
    assert_eq!(registry.store.additional_info(other).await.unwrap(), Some(json!({})));
}

#[tokio::test]
async fn a_damaged_value_is_named_by_entity_scope_and_key() {
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    let device = Entity::Device(device_id);
    registry.write(device_id, vec![put(device, AttributeScope::Server, &[("a", json!(1))])]).await;
    registry.file().execute(r#"UPDATE attributes SET value = '{"secret'"#, []).unwrap();
    let error = registry.store.of(device, None).await.unwrap_err();
    assert!(!error.to_string().contains("secret"));
    let StoreError::Damaged { table, column, row, .. } = error else { panic!("{error}") };
    assert_eq!((table, column, row), ("attributes", "value", format!("{device_id}/SERVER_SCOPE/a")));
}

#[tokio::test]
async fn a_number_reads_back_to_its_last_digit() {
    let registry = Registry::new();
    let device_id: DeviceId = new_id();
    let device = Entity::Device(device_id);
    for number in [-7.479_120_932_569_08e301, 0.1 + 0.2, f64::MIN_POSITIVE] {
        registry.write(device_id, vec![put(device, AttributeScope::Server, &[("n", json!(number))])]).await;
        let read = registry.store.of(device, None).await.unwrap();
        assert_eq!(read, [attribute("n", AttributeScope::Server, json!(number), START)]);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

#[test]
fn whatever_key_and_value_are_written_read_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let registry = Registry::new();
    proptest!(|(key in "\\PC{0,16}|.{0,16}", value in json_value())| {
        let device_id: DeviceId = new_id();
        let device = Entity::Device(device_id);
        let read = runtime.block_on(async {
            registry.write(device_id, vec![put(device, AttributeScope::Server, &[(&key, value.clone())])]).await;
            registry.store.of(device, None).await.unwrap()
        });
        prop_assert_eq!(read, [attribute(&key, AttributeScope::Server, value, START)]);
    });
}
