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
    ids::TenantId,
    metadata::{Actor, Caller, Transport},
    ports::{DeviceIdentity, Users},
};
use tokio::task::JoinSet;

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

/// Registers `count` devices of the demo's tenant, each allowed to be claimed.
pub(crate) async fn devices(database: PathBuf, count: usize) -> Result<(), Failure> {
    let clock = Arc::new(SystemClock);
    let store = SqliteStore::open(SqliteOptions::new(database), clock.clone())?;
    let (admin, _) = store.user_by_email("tenant@thingsboard.org").await?.ok_or("no demo data")?;
    let tenant_id = admin.tenant_id.ok_or("no tenant")?;
    // No key is digested here, so any pepper does.
    let pepper = Pepper { id: PepperId("none".into()), secret: zeroize::Zeroizing::new(vec![0; 32]) };
    let claims = Claims::new(
        Arc::new(store.clone()),
        Arc::new(store.clone()),
        Arc::new(HmacDigester::new(vec![pepper])?),
        clock,
        Arc::new(OsEntropy),
        ClaimPolicy::default(),
    );
    let mut tasks = JoinSet::new();
    for device in 0..count {
        if tasks.len() >= AT_ONCE {
            tasks.join_next().await.transpose()?.transpose()?;
        }
        tasks.spawn(register(claims.clone(), tenant_id, device));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    store.close().await;
    Ok(())
}

async fn register(claims: Claims, tenant_id: TenantId, device: usize) -> Result<(), Failure> {
    let caller = Caller {
        actor: Actor::System,
        transport: Transport::Internal,
        correlation_id: "load".into(),
        command_id: None,
    };
    let new = NewDevice {
        name: name(device),
        profile: ProfileChoice::Default,
        label: None,
        owner: None,
        additional_info: None,
        credentials: Some(NewCredentials::access_token(&token(device))?),
    };
    let registered = claims.register(&caller, tenant_id, new).await?;
    let identity = DeviceIdentity::new(tenant_id, registered.device_id);
    let change = ClaimingChange { switch: Some(SwitchChange::Allow), data: None };
    Ok(claims.write_attributes(&caller, identity, change, Vec::new()).await?)
}
