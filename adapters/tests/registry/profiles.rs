use deed_domain::{
    ids::TenantId,
    ports::{AppendError, Profile, Profiles, RegistryWrite, UniqueClaim},
    time::Timestamp,
};

use crate::{Registry, START, new_id};

fn profile(tenant_id: TenantId, name: &str) -> Profile {
    Profile::named(new_id(), tenant_id, Timestamp(0), name)
}

async fn add(registry: &Registry, profile: &Profile) -> Result<(), AppendError> {
    let claim = UniqueClaim::ProfileName(profile.tenant_id, profile.name.clone());
    registry.append(new_id(), vec![claim], vec![RegistryWrite::PutProfile(profile.clone())]).await.map(drop)
}

#[tokio::test]
async fn a_profile_is_found_by_name_within_its_tenant_and_by_id() {
    let registry = Registry::new();
    let meter = profile(new_id(), "meter");
    add(&registry, &meter).await.unwrap();
    let expected = Profile { created_at: START, ..meter.clone() };
    assert_eq!(registry.store.by_name(meter.tenant_id, "meter").await.unwrap(), Some(expected.clone()));
    assert_eq!(registry.store.by_id(meter.id).await.unwrap(), Some(expected));
    assert_eq!(registry.store.by_name(meter.tenant_id, "Meter").await.unwrap(), None);
    assert_eq!(registry.store.by_name(new_id(), "meter").await.unwrap(), None);
    assert_eq!(registry.store.by_id(new_id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_taken_within_the_tenant_only() {
    let registry = Registry::new();
    let meter = profile(new_id(), "meter");
    add(&registry, &meter).await.unwrap();
    let refused = add(&registry, &profile(meter.tenant_id, "meter")).await;
    assert!(matches!(refused, Err(AppendError::Taken(UniqueClaim::ProfileName(..)))), "{refused:?}");
    add(&registry, &profile(meter.tenant_id, "Meter")).await.unwrap();
    add(&registry, &profile(new_id(), "meter")).await.unwrap();
}
