use deed_domain::{
    ids::{DeviceId, TenantId},
    ports::{
        AppendError, Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken, RegistryWrite,
        UniqueClaim,
    },
    time::{HOUR, Timestamp},
};

use crate::{Registry, START, new_id};

fn credentials(device_id: DeviceId, tenant_id: TenantId, token: &str) -> DeviceCredentials {
    DeviceCredentials {
        id: new_id(),
        device_id,
        tenant_id,
        created_at: Timestamp(0),
        kind: CredentialsKind::AccessToken,
        credentials_id: DeviceToken::new(token),
        credentials_value: None,
        version: 1,
    }
}

#[tokio::test]
async fn a_device_is_found_by_its_token_as_it_was_given() {
    let registry = Registry::new();
    let put = credentials(new_id(), new_id(), "A1_TÖKEN");
    registry.write(put.device_id, vec![RegistryWrite::PutCredentials(put.clone())]).await;
    let found = async |token: &str| registry.store.by_access_token(&DeviceToken::new(token)).await.unwrap();
    let identity = DeviceIdentity { device_id: put.device_id, tenant_id: put.tenant_id };
    assert_eq!(found("A1_TÖKEN").await, Some(identity));
    for other in ["a1_tÖken", "A1_TÖKEN ", "A1_T%", ""] {
        assert_eq!(found(other).await, None, "{other}");
    }
    let stored = registry.store.of_device(put.device_id).await.unwrap();
    assert_eq!(stored, Some(DeviceCredentials { created_at: START, ..put }));
}

#[tokio::test]
async fn new_credentials_take_the_place_of_the_old_ones_in_the_same_record() {
    let registry = Registry::new();
    let first = credentials(new_id(), new_id(), "OLD");
    registry.write(first.device_id, vec![RegistryWrite::PutCredentials(first.clone())]).await;
    registry.wait_until(START.plus(HOUR));
    let mut second = credentials(first.device_id, first.tenant_id, "NEW");
    second.credentials_value = Some(DeviceToken::new("value"));
    registry.write(first.device_id, vec![RegistryWrite::PutCredentials(second.clone())]).await;
    let expected = DeviceCredentials {
        created_at: START,
        credentials_id: second.credentials_id.clone(),
        credentials_value: second.credentials_value.clone(),
        version: 2,
        ..first.clone()
    };
    assert_eq!(registry.store.of_device(first.device_id).await.unwrap(), Some(expected));
    assert_eq!(registry.store.by_access_token(&first.credentials_id).await.unwrap(), None);
    assert!(registry.store.by_access_token(&second.credentials_id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_that_another_device_has_is_taken_on_the_whole_platform() {
    let registry = Registry::new();
    let first = credentials(new_id(), new_id(), "TOKEN");
    let claim = || vec![UniqueClaim::CredentialsId("TOKEN".to_owned())];
    let put = |put: &DeviceCredentials| vec![RegistryWrite::PutCredentials(put.clone())];
    registry.append(first.device_id, claim(), put(&first)).await.unwrap();
    registry.append(first.device_id, claim(), put(&first)).await.unwrap();
    let other = credentials(new_id(), new_id(), "TOKEN");
    let refused = registry.append(other.device_id, claim(), put(&other)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Taken(UniqueClaim::CredentialsId(_))), "{refused}");
    assert!(!refused.to_string().contains("TOKEN"));
    assert_eq!(registry.store.of_device(other.device_id).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_devices_that_take_a_token_at_once_one_gets_it() {
    let registry = Registry::new();
    let appends = (0..32).map(|_| {
        let put = credentials(new_id(), new_id(), "TOKEN");
        let claim = UniqueClaim::CredentialsId("TOKEN".to_owned());
        registry.append(put.device_id, vec![claim], vec![RegistryWrite::PutCredentials(put)])
    });
    let appended = futures_util::future::join_all(appends).await;
    assert_eq!(appended.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(appended.iter().filter_map(|result| result.as_ref().err()).all(|e| matches!(e, AppendError::Taken(_))));
}

#[tokio::test]
async fn the_token_of_an_erased_device_is_free() {
    let registry = Registry::new();
    let first = credentials(new_id(), new_id(), "TOKEN");
    registry.write(first.device_id, vec![RegistryWrite::PutCredentials(first.clone())]).await;
    registry.write(first.device_id, vec![RegistryWrite::EraseDevice(first.device_id)]).await;
    assert_eq!(registry.store.by_access_token(&first.credentials_id).await.unwrap(), None);
    let other = credentials(new_id(), new_id(), "TOKEN");
    let claim = UniqueClaim::CredentialsId("TOKEN".to_owned());
    registry.append(other.device_id, vec![claim], vec![RegistryWrite::PutCredentials(other.clone())]).await.unwrap();
    assert!(registry.store.of_device(other.device_id).await.unwrap().is_some());
}
