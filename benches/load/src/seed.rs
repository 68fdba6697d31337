//! Devices for the load, registered through the use cases but without HTTP.

use std::{path::PathBuf, sync::Arc};

use deed_adapters::{
    Store,
    secrets::{HmacDigester, Pepper},
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::{OsEntropy, SystemClock},
};
use deed_domain::{
    claim_key::PepperId,
    claims::{ClaimingChange, Claims, NewDevice, ProfileChoice, SwitchChange},
    credentials::NewCredentials,
    device::ClaimPolicy,
    ids::{DeviceId, TenantId},
    metadata::{Actor, Caller, Transport},
    ports::DeviceIdentity,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::Failure;

/// Commands in flight.
const AT_ONCE: usize = 512;

pub(crate) fn name(device: usize) -> String {
    format!("load-{device:07}")
}

pub(crate) fn token(device: usize) -> String {
    format!("load-token-{device:07}")
}

pub(crate) fn key(device: usize) -> String {
    format!("KEY-{device:07}")
}

/// Registers `count` devices of the demo's tenant in a file, each allowed to be claimed.
pub(crate) async fn devices(database: PathBuf, count: usize) -> Result<(), Failure> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(SqliteOptions::new(database), Arc::new(SystemClock))?);
    devices_in(&store, count).await?;
    store.close().await;
    Ok(())
}

/// The tenant of the demo.
pub(crate) async fn tenant(store: &Arc<dyn Store>) -> Result<TenantId, Failure> {
    let (admin, _) = store.user_by_email("tenant@thingsboard.org").await?.ok_or("no demo data")?;
    Ok(admin.tenant_id.ok_or("no tenant")?)
}

/// The use cases over a store.
pub(crate) fn claims(store: &Arc<dyn Store>) -> Result<Claims, Failure> {
    let pepper = Pepper { id: PepperId("of-the-load".into()), secret: zeroize::Zeroizing::new(vec![0; 32]) };
    let digester = Arc::new(HmacDigester::new(vec![pepper])?);
    let (events, profiles) = (Arc::clone(store), Arc::clone(store));
    Ok(Claims::new(events, profiles, digester, store.time(), Arc::new(OsEntropy), ClaimPolicy::default()))
}

/// Who acts where nobody is signed in.
pub(crate) fn caller() -> Caller {
    Caller { actor: Actor::System, transport: Transport::Internal, correlation_id: "load".into(), command_id: None }
}

/// Registers `count` devices of the demo's tenant, each allowed to be claimed; gives their ids, in order.
pub(crate) async fn devices_in(store: &Arc<dyn Store>, count: usize) -> Result<Vec<DeviceIdentity>, Failure> {
    let (tenant_id, claims) = (tenant(store).await?, claims(store)?);
    let mut devices = vec![DeviceIdentity::new(tenant_id, DeviceId(Uuid::nil())); count];
    let mut tasks = JoinSet::new();
    for device in 0..count {
        if tasks.len() >= AT_ONCE {
            let (number, id) = tasks.join_next().await.ok_or("no task")???;
            devices[number] = id;
        }
        let claims = claims.clone();
        tasks.spawn(async move { Ok::<_, Failure>((device, register(claims, tenant_id, device).await?)) });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, id) = done??;
        devices[number] = id;
    }
    Ok(devices)
}

async fn register(claims: Claims, tenant_id: TenantId, device: usize) -> Result<DeviceIdentity, Failure> {
    let new = NewDevice {
        name: name(device),
        profile: ProfileChoice::Default,
        label: None,
        owner: None,
        additional_info: None,
        credentials: Some(NewCredentials::access_token(&token(device))?),
    };
    let registered = claims.register(&caller(), tenant_id, new).await?;
    let identity = DeviceIdentity::new(tenant_id, registered.device_id);
    let change = ClaimingChange { switch: Some(SwitchChange::Allow), data: None };
    claims.write_attributes(&caller(), identity, change, Vec::new()).await?;
    Ok(identity)
}
