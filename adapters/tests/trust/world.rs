//! Three devices of a tenant on a store, and what people do to them.

use std::sync::Arc;

use deed_adapters::{
    Store,
    conformance::SettableClock,
    secrets::{HmacDigester, Pepper},
    surroundings::OsEntropy,
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{ClaimingChange, Claims, NewDevice, ProfileChoice, SwitchChange},
    device::{ClaimPolicy, Reclaimer},
    ids::{CustomerId, TenantId, UserId},
    metadata::{Actor, Caller, Transport},
    ports::{Clock, DeviceIdentity},
    time::Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(1));

pub(crate) struct World<S> {
    pub(crate) store: S,
    pub(crate) claims: Claims,
    pub(crate) clock: Arc<SettableClock>,
    pub(crate) devices: Vec<DeviceIdentity>,
}

/// One thing that somebody does to one of three devices.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Issue,
    Claim(u8),
    ClaimWrongly(u8),
    Reclaim,
    Assign(u8),
    Expire,
    Rename(u8),
    Remove,
}

pub(crate) fn step() -> impl Strategy<Value = (usize, Step, i64)> {
    let step = prop_oneof![
        4 => Just(Step::Issue),
        3 => (0..3_u8).prop_map(Step::Claim),
        3 => (0..3_u8).prop_map(Step::ClaimWrongly),
        2 => Just(Step::Reclaim),
        1 => (0..3_u8).prop_map(Step::Assign),
        2 => Just(Step::Expire),
        1 => (0..9_u8).prop_map(Step::Rename),
        1 => Just(Step::Remove),
    ];
    (0..3_usize, step, prop_oneof![Just(0), 1..5_000_i64, 60_000..200_000_i64])
}

impl<S: Store + Clone + 'static> World<S> {
    pub(crate) async fn on(store: S, clock: Arc<SettableClock>) -> Self {
        let claims = claims(&store, &clock);
        let mut world = Self { store, claims, clock, devices: Vec::new() };
        for number in 0..3 {
            let new = NewDevice {
                name: format!("D{number}"),
                profile: ProfileChoice::Default,
                label: None,
                owner: None,
                additional_info: None,
                credentials: None,
            };
            let registered = world.claims.register(&caller(), TENANT, new).await.unwrap();
            let device = DeviceIdentity::new(TENANT, registered.device_id);
            let change = ClaimingChange { switch: Some(SwitchChange::Allow), data: None };
            world.claims.write_attributes(&caller(), device, change, Vec::new()).await.unwrap();
            world.devices.push(device);
        }
        world
    }

    /// Does it; a refusal is as good a history as a success.
    pub(crate) async fn take(&self, device: usize, step: Step, later: i64) {
        self.clock.set(self.clock.now().plus(later));
        let (id, name) = (self.devices[device], format!("D{device}"));
        let customer = |number: u8| CustomerId(Uuid::from_u128(100 + u128::from(number)));
        let user = |number: u8| UserId(Uuid::from_u128(200 + u128::from(number)));
        let claim = async |number, key: &str| {
            let key = ClaimKey::new(key);
            drop(self.claims.claim(&caller(), TENANT, &name, customer(number), user(number), key).await);
        };
        match step {
            Step::Issue => drop(self.claims.issue_from_device(&caller(), id, ClaimKey::new("right"), 60_000).await),
            Step::Claim(number) => claim(number, "right").await,
            Step::ClaimWrongly(number) => claim(number, "wrong").await,
            Step::Reclaim => drop(self.claims.reclaim(&caller(), TENANT, &name, Reclaimer::Tenant).await),
            Step::Assign(number) => {
                drop(self.claims.assign(&caller(), TENANT, id.device_id, customer(number)).await);
            }
            Step::Expire => drop(self.claims.expire(&caller(), id).await),
            Step::Rename(number) => {
                let change = deed_domain::claims::DeviceChange {
                    expected_version: None,
                    name: format!("D{device}").repeat(usize::from(number % 2) + 1),
                    profile: ProfileChoice::Default,
                    label: Some(number.to_string()),
                    owner: deed_domain::device::OwnerChange::Keep,
                    additional_info: None,
                    credentials: None,
                };
                drop(self.claims.change(&caller(), TENANT, id.device_id, change).await);
            }
            Step::Remove => drop(self.claims.remove(&caller(), TENANT, id.device_id).await),
        }
    }

    /// A device that was claimed, given back and offered again, one that somebody guessed at, and one that was assigned.
    pub(crate) async fn make_history(&self) {
        let steps = [(0, Step::Issue), (0, Step::Claim(0)), (0, Step::Reclaim), (0, Step::Issue), (1, Step::Issue)];
        for (device, step) in steps.into_iter().chain([(1, Step::ClaimWrongly(1)), (2, Step::Assign(2))]) {
            self.take(device, step, 10).await;
        }
    }
}

pub(crate) fn clock() -> Arc<SettableClock> {
    Arc::new(SettableClock::new(Timestamp(1_000_000)))
}

pub(crate) fn claims<S: Store + Clone + 'static>(store: &S, clock: &Arc<SettableClock>) -> Claims {
    let pepper = Pepper { id: PepperId("p".into()), secret: zeroize::Zeroizing::new(vec![7; 32]) };
    Claims::new(
        Arc::new(store.clone()),
        Arc::new(store.clone()),
        Arc::new(HmacDigester::new(vec![pepper]).unwrap()),
        clock.clone(),
        Arc::new(OsEntropy),
        ClaimPolicy::default(),
    )
}

pub(crate) fn caller() -> Caller {
    Caller { actor: Actor::System, transport: Transport::Internal, correlation_id: "test".into(), command_id: None }
}
