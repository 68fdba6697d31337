//! Makes the demo's people and devices, by the use cases and ports that everybody else goes through.

use std::{borrow::Cow, time::Duration};

use deed_adapters::Store;
use deed_domain::{
    claim_key::ClaimKey,
    claims::{ClaimingChange, ClaimingData, DataChange, Failure, NewDevice, ProfileChoice, SwitchChange},
    credentials::{InvalidCredentials, NewCredentials},
    device::KeySlot,
    ids::{CustomerId, ProfileId, TenantId, UserId},
    metadata::{Actor, Caller, Transport},
    ports::{
        AccountsError, Authority, Customer, DEFAULT_PROFILE, DeviceIdentity, Password, Profile, StoreError, Tenant,
        User, UserCredentials,
    },
    time::Timestamp,
};
use uuid::Uuid;

use super::{CUSTOMERS, Claiming, DEVICES, DemoDevice, PEOPLE, Person, Role, TENANT};
use crate::wiring::Service;

/// Fixed ids, so that seeding that was cut off can be taken up again.
const TENANT_ID: TenantId = TenantId(Uuid::from_u128(0x0193_7500_0000_7000_8000_0000_0000_0001));
const CUSTOMER_IDS: [CustomerId; 2] = [
    CustomerId(Uuid::from_u128(0x0193_7500_0000_7000_8000_0000_0000_000a)),
    CustomerId(Uuid::from_u128(0x0193_7500_0000_7000_8000_0000_0000_000b)),
];

/// The first millisecond of the year 2100: the server-side keys of the demo outlast it.
const KEYS_EXPIRE_AT: Timestamp = Timestamp(4_102_444_800_000);

/// What one node does at a time.
const WORK: &str = "demo";
/// How often the others look whether it has.
const PAUSE: Duration = Duration::from_millis(200);

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeedError {
    /// Somebody uses the database, and not for a demo.
    #[error("the database holds something already, and no demo, which begins with an empty one")]
    NotADemo,
    /// A person, customer or tenant was not added.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A device was not added.
    #[error(transparent)]
    Device(#[from] Failure),
    /// A device's token cannot be used.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
}

/// Whether a demo was made in the database, or begun, with passwords that everybody knows.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn is_demo(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.tenant(TENANT_ID).await?.is_some())
}

/// Makes a demo in an empty database; goes on where that was cut off.
///
/// # Errors
/// [`SeedError`].
pub(crate) async fn seed(service: &Service) -> Result<(), SeedError> {
    while !is_whole(&*service.store).await? {
        // Of several nodes that start at once, one makes it.
        if service.store.hold(WORK).await? {
            let made = make(service).await;
            service.store.release(WORK).await?;
            return made;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Whether there is nothing to be made any more.
async fn is_whole(store: &dyn Store) -> Result<bool, SeedError> {
    // First: what another node makes meanwhile is a demo.
    let is_empty = store.is_empty().await?;
    if !is_demo(store).await? {
        return if is_empty { Ok(false) } else { Err(SeedError::NotADemo) };
    }
    let [.., last] = &PEOPLE;
    Ok(store.user_by_email(last.email).await?.is_some())
}

async fn make(service: &Service) -> Result<(), SeedError> {
    if is_whole(&*service.store).await? {
        return Ok(());
    }
    let [people @ .., last] = &PEOPLE;
    let now = service.clock.now();
    if service.store.by_name(TENANT_ID, DEFAULT_PROFILE).await?.is_none() {
        let tenant = Tenant::titled(TENANT_ID, now, TENANT);
        let id = ProfileId(service.entropy.new_id(now));
        let profile = Profile::first(id, TENANT_ID, now);
        service.store.add_tenant(tenant, profile).await?;
    }
    for (id, title) in CUSTOMER_IDS.into_iter().zip(CUSTOMERS) {
        if service.store.customer(id).await?.is_none() {
            service.store.add_customer(Customer::titled(id, TENANT_ID, now, title)).await?;
        }
    }
    for person in people {
        if service.store.user_by_email(person.email).await?.is_none() {
            add_person(service, person, now).await?;
        }
    }
    for device in &DEVICES {
        add_device(service, device).await?;
    }
    add_person(service, last, now).await
}

async fn add_person(service: &Service, person: &Person, now: Timestamp) -> Result<(), SeedError> {
    let (authority, customer_id) = match person.role {
        Role::Operator => (Authority::SysAdmin, None),
        Role::TenantAdmin => (Authority::TenantAdmin, None),
        Role::Auditor => (Authority::Auditor, None),
        Role::CustomerUser(customer) => (Authority::CustomerUser, Some(CUSTOMER_IDS[customer])),
    };
    let password_hash = Some(service.passwords.hash(Password::new(person.password)).await?);
    let user = User {
        id: UserId(service.entropy.new_id(now)),
        tenant_id: (authority != Authority::SysAdmin).then_some(TENANT_ID),
        customer_id,
        authority,
        email: person.email.into(),
        first_name: None,
        last_name: None,
        phone: None,
        created_at: now,
        version: 1,
        additional_info: None,
    };
    Ok(service.store.add_user(user, UserCredentials { password_hash, enabled: true }).await?)
}

async fn add_device(service: &Service, device: &DemoDevice) -> Result<(), SeedError> {
    let caller = Caller {
        actor: Actor::System,
        transport: Transport::Cli,
        correlation_id: Cow::Borrowed("demo"),
        command_id: None,
    };
    let device_id = match service.store.device_named(TENANT_ID, device.name).await? {
        Some(known) => known.device_id,
        None => {
            let new = NewDevice {
                name: device.name.into(),
                profile: ProfileChoice::Default,
                label: None,
                owner: None,
                additional_info: None,
                credentials: Some(NewCredentials::access_token(device.token)?),
            };
            service.claims.register(&caller, TENANT_ID, new).await?.device_id
        }
    };
    let change = match device.claiming {
        Claiming::DeviceSide => ClaimingChange { switch: Some(SwitchChange::Allow), data: None },
        Claiming::ServerSide(key) => ClaimingChange { switch: None, data: Some(DataChange::Set(known_key(key))) },
        Claiming::NotYet => return Ok(()),
    };
    let identity = DeviceIdentity { device_id, tenant_id: TENANT_ID };
    Ok(service.claims.write_attributes(&caller, identity, change, Vec::new()).await?)
}

fn known_key(key: &str) -> ClaimingData {
    ClaimingData { key: ClaimKey::new(key), expires_at: KEYS_EXPIRE_AT, form: KeySlot::AttributeObject }
}
