//! The use cases over a store, and whoever asks for them.

use std::sync::Arc;

use deed_adapters::{
    Store,
    postgres::{PostgresOptions, PostgresStore},
    secrets::{HmacDigester, Pepper},
    surroundings::OsEntropy,
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{Claims, Failure, NewDevice, ProfileChoice},
    device::ClaimPolicy,
    ids::TenantId,
    metadata::{Actor, Caller, Transport},
    ports::DeviceIdentity,
};
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(1));

pub(crate) async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(PostgresOptions::new(url, 4), None).await.unwrap()
}

pub(crate) fn claims(store: &PostgresStore) -> Claims {
    let pepper = Pepper { id: PepperId("p".into()), secret: zeroize::Zeroizing::new(vec![7; 32]) };
    let stored = Arc::new(store.clone());
    let digester = Arc::new(HmacDigester::new(vec![pepper]).unwrap());
    let policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
    Claims::new(stored.clone(), stored, digester, store.time(), Arc::new(OsEntropy), policy)
}

pub(crate) fn caller() -> Caller {
    Caller { actor: Actor::System, transport: Transport::Internal, correlation_id: "test".into(), command_id: None }
}

pub(crate) async fn register(claims: &Claims, name: &str) -> Result<DeviceIdentity, Failure> {
    let new = NewDevice {
        name: name.to_owned(),
        profile: ProfileChoice::Default,
        label: None,
        owner: None,
        additional_info: None,
        credentials: None,
    };
    Ok(DeviceIdentity::new(TENANT, claims.register(&caller(), TENANT, new).await?.device_id))
}

pub(crate) async fn issue(claims: &Claims, device: DeviceIdentity, key: &str, for_ms: i64) -> Result<(), Failure> {
    claims.issue_from_device(&caller(), device, ClaimKey::new(key), for_ms).await.map(drop)
}

/// The log is whole, and every read model follows from it.
pub(crate) async fn expect_whole(store: &PostgresStore) {
    let report = store.check(&mut |_, _| {}).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}
