//! What the tests act with: a store, a clock that is set by hand, the use cases, and a few people.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{Claims, Failure, NewDevice, NewKey, ProfileChoice},
    device::{ClaimPolicy, Decision, DeviceCommand, DeviceEvent, Facts, decide},
    ids::{CommandId, CustomerId, DeviceId, Position, TenantId, UserId},
    metadata::{Actor, Caller, Metadata, Transport},
    ports::{
        Append, AppendError, Appended, Clock, CommandName, Counted, DeviceIdentity, Entropy, RecordedEvent, Scope,
        Subject, Target,
    },
    time::Timestamp,
};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Factory, Ports};
use crate::{
    secrets::{HmacDigester, MIN_PEPPER_BYTES, Pepper},
    surroundings::OsEntropy,
};

pub(super) const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e));
pub(super) const OTHER_TENANT: TenantId = TenantId(Uuid::from_u128(0x7f));
pub(super) const START: Timestamp = Timestamp(1_735_689_600_000);

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct SettableClock(AtomicI64);

impl SettableClock {
    /// A clock that shows that time.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The store of one test, and what it is used with.
pub(super) struct World<'a> {
    factory: &'a dyn Factory,
    pub(super) clock: Arc<SettableClock>,
    pub(super) store: Arc<dyn Ports>,
}

impl<'a> World<'a> {
    pub(super) async fn open(factory: &'a dyn Factory) -> Self {
        let clock = Arc::new(SettableClock::new(START));
        let store = factory.open(clock.clone()).await;
        assert_eq!(store.head().await.unwrap(), Position(0), "a store is empty when it is first opened");
        Self { factory, clock, store }
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(&mut self) {
        self.store = self.factory.open(self.clock.clone()).await;
    }

    pub(super) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(super) fn wait(&self, milliseconds: i64) {
        self.clock.set(self.clock_now().plus(milliseconds));
    }

    /// The use cases over this store, with claiming allowed by default.
    pub(super) fn claims(&self) -> Claims {
        self.claims_under(ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() })
    }

    pub(super) fn claims_under(&self, policy: ClaimPolicy) -> Claims {
        let pepper = Pepper { id: PepperId("p1".to_owned()), secret: vec![7; MIN_PEPPER_BYTES].into() };
        let digester = HmacDigester::new(vec![pepper]).unwrap();
        let store = &self.store;
        let (events, profiles) = (Arc::clone(store), Arc::clone(store));
        Claims::new(events, profiles, Arc::new(digester), self.clock.clone(), Arc::new(OsEntropy), policy)
    }

    /// Every event of the log.
    pub(super) async fn log(&self) -> Vec<RecordedEvent> {
        self.store.read_after(Scope::All, Position(0), usize::MAX).await.unwrap().events
    }

    pub(super) async fn head(&self) -> Position {
        self.store.head().await.unwrap()
    }

    /// Carries the commands out in that order, in one batch where the store makes batches: they come while it is busy.
    pub(super) async fn together(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let busy = append(Target::Device(new_device()), |_| {
            std::thread::sleep(Duration::from_millis(20));
            nothing()
        });
        let all = std::iter::once(busy).chain(appends).map(|append| self.store.append(append));
        join_all(all).await.split_off(1)
    }

    /// A device of the tenant by its name, without an owner.
    pub(super) async fn register(&self, name: &str) -> DeviceId {
        let device_id = new_device();
        let appended = self.store.append(command(device_id, register(TENANT, name))).await.unwrap();
        assert_eq!(appended.result, Ok(()));
        device_id
    }

    /// A device with the key "right", which lasts.
    pub(super) async fn register_with_key(&self, name: &str) -> DeviceId {
        let claims = self.claims();
        let registered = claims.register(&caller(), TENANT, named(name)).await.unwrap();
        let device = DeviceIdentity::new(TENANT, registered.device_id);
        let key = NewKey { key: Some(ClaimKey::new("right")), not_before: None, ends: Timestamp::MAX.into() };
        claims.add_key(&caller(), device, key).await.unwrap();
        registered.device_id
    }
}

/// A customer presents a key for the device of that name.
pub(super) async fn claim(claims: &Claims, name: &str, customer: CustomerId, key: &str) -> Result<Appended, Failure> {
    let user_id = UserId(customer.0);
    let caller = Caller { actor: Actor::User(user_id), ..caller() };
    claims.claim(&caller, TENANT, name, customer, user_id, ClaimKey::new(key)).await
}

pub(super) fn customer(n: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(0xc000 + n))
}

pub(super) fn new_device() -> DeviceId {
    DeviceId(new_id())
}

pub(super) fn new_command() -> CommandId {
    CommandId(new_id())
}

pub(super) fn new_id() -> Uuid {
    OsEntropy.new_id(START)
}

pub(super) fn caller() -> Caller {
    Caller {
        actor: Actor::User(UserId(Uuid::from_u128(0xad))),
        transport: Transport::Rest,
        correlation_id: "conformance".into(),
        command_id: None,
    }
}

/// A device to be added under that name, with a token of its own.
pub(super) fn named(name: &str) -> NewDevice {
    NewDevice {
        name: name.to_owned(),
        profile: ProfileChoice::Default,
        label: None,
        owner: None,
        additional_info: None,
        credentials: None,
    }
}

pub(super) fn register(tenant_id: TenantId, name: &str) -> DeviceCommand {
    DeviceCommand::RegisterDevice {
        tenant_id,
        name: name.to_owned(),
        device_type: "default".to_owned(),
        label: None,
        profile_id: Uuid::from_u128(0x9f).into(),
        owner: None,
    }
}

pub(super) fn rename(name: &str) -> DeviceCommand {
    DeviceCommand::ChangeDevice {
        expected_version: None,
        name: name.to_owned(),
        device_type: "default".to_owned(),
        label: None,
        profile_id: Uuid::from_u128(0x9f).into(),
        owner: deed_domain::device::OwnerChange::Keep,
    }
}

/// A command by itself, decided by the rules.
pub(super) fn command(device_id: DeviceId, command: DeviceCommand) -> Append {
    command_to(Target::Device(device_id), command)
}

pub(super) fn command_to(target: Target, command: DeviceCommand) -> Append {
    append(target, move |subject| {
        let (now, counts) = (subject.now, subject.counts.clone());
        decide(subject.device, &command, &Facts { now, policy: ClaimPolicy::default(), counts })
    })
}

/// An append of whatever is decided.
pub(super) fn append(target: Target, decide: impl Fn(Subject<'_>) -> Decision + Send + Sync + 'static) -> Append {
    let command = CommandName::Fresh(new_command());
    Append {
        target,
        command,
        metadata: Metadata {
            actor: Actor::System,
            transport: Transport::Internal,
            correlation_id: "conformance".into(),
            command_id: command.id(),
            tenant_id: TENANT,
        },
        counted: Counted::Nothing,
        decide: Box::new(decide),
        registry: Vec::new(),
        unique: Vec::new(),
        parties: Vec::new(),
    }
}

pub(super) const fn nothing() -> Decision {
    events(Vec::new())
}

pub(super) const fn events(events: Vec<DeviceEvent>) -> Decision {
    Decision { events, counts: Vec::new(), result: Ok(()) }
}
