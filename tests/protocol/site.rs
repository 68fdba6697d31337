//! A device protocol over an empty database, with a gateway.

use std::sync::Arc;

use deed_adapters::{
    secrets::{HmacDigester, Pepper},
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::{OsEntropy, SystemClock},
};
use deed_domain::{
    claim_key::{ClaimKey, PepperId},
    claims::{Claims, Failure, NewDevice, ProfileChoice},
    device::ClaimPolicy,
    gateways::{Connected, Gateways},
    ids::{CustomerId, ProfileId, TenantId, UserId},
    metadata::{Actor, Caller, Transport},
    ports::{
        Appended, Clock, DeviceIdentity, EventStore, PayloadEncoding, Payloads, Profile, ProfileTransport,
        ProfileValues, Profiles,
    },
    provisioning::Provisioning,
};
use deed_transports::device_protocol::{DeviceProtocol, GatewayError, Waiting};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e));
pub(crate) const ALICE: CustomerId = CustomerId(Uuid::from_u128(0xa));

pub(crate) struct Site {
    pub(crate) protocol: DeviceProtocol,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) gateway: DeviceIdentity,
    _directory: TempDir,
}

impl Site {
    pub(crate) async fn open(allow_by_default: bool) -> Self {
        Self::open_over(allow_by_default, |store| store).await
    }

    /// Commands go through what is made of the store.
    pub(crate) async fn open_over(
        allow_by_default: bool,
        over: impl FnOnce(Arc<SqliteStore>) -> Arc<dyn EventStore>,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = SqliteOptions::new(directory.path().join("deed.db"));
        let store = Arc::new(SqliteStore::open(options, clock.clone()).unwrap());
        let pepper = Pepper { id: PepperId("p".into()), secret: vec![7; 32].into() };
        let digester = Arc::new(HmacDigester::new(vec![pepper]).unwrap());
        let policy = ClaimPolicy { allow_by_default, ..ClaimPolicy::default() };
        let claims =
            Claims::new(over(store.clone()), store.clone(), digester, clock.clone(), Arc::new(OsEntropy), policy);
        let protocol = DeviceProtocol {
            claims: claims.clone(),
            gateways: Gateways::new(claims.clone(), store.clone()),
            provisioning: Provisioning::new(claims.clone(), store.clone(), store.clone(), store.clone()),
            credentials: store.clone(),
            attributes: store.clone(),
            profiles: store.clone(),
            numeric_text_is_number: true,
            most_attribute_bytes: 262_144,
            store: store.clone(),
            feed: store.clone(),
            waiting: Waiting::on(&*store),
            clock,
            message_limit: None,
        };
        let gateway = DeviceIdentity::new(TENANT, Uuid::nil().into());
        let mut site = Self { protocol, store, gateway, _directory: directory };
        site.gateway = site.add("Gateway", Some(json!({"gateway": true})), ProfileChoice::Default).await;
        site
    }

    pub(crate) async fn add(&self, name: &str, info: Option<Value>, profile: ProfileChoice) -> DeviceIdentity {
        let new = NewDevice {
            name: name.to_owned(),
            profile,
            label: None,
            owner: None,
            additional_info: info,
            credentials: None,
        };
        let added = self.protocol.claims.register(&administrator(), TENANT, new).await.unwrap();
        DeviceIdentity::new(TENANT, added.device_id)
    }

    /// A device of a profile with that encoding.
    pub(crate) async fn add_writing(
        &self,
        name: &str,
        info: Option<Value>,
        encoding: PayloadEncoding,
    ) -> DeviceIdentity {
        let values = ProfileValues {
            name: format!("profile of {name}"),
            transport: ProfileTransport::Mqtt,
            payloads: Payloads { encoding, acknowledges_faults: false },
            ..ProfileValues::default()
        };
        let id = ProfileId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()));
        let profile = Profile::new(id, TENANT, self.protocol.clock.now(), values);
        self.store.add_profile(profile.clone()).await.unwrap();
        self.add(name, info, ProfileChoice::Existing(profile)).await
    }

    pub(crate) async fn connect(&self, gateway: DeviceIdentity, message: &[u8]) -> Result<Connected, GatewayError> {
        let encoding = self.protocol.payloads(gateway).await.unwrap().encoding;
        self.protocol.connect_through_gateway(gateway, Transport::Mqtt, "r".into(), encoding, message).await
    }

    pub(crate) async fn register(&self, gateway: DeviceIdentity, message: &[u8]) -> Result<(), GatewayError> {
        let encoding = self.protocol.payloads(gateway).await.unwrap().encoding;
        self.protocol.register_claims_of_gateway(gateway, Transport::Mqtt, "r".into(), encoding, message).await
    }

    /// A customer claims the device of that name.
    pub(crate) async fn claim(&self, name: &str, key: &str) -> Result<Appended, Failure> {
        let user = UserId(Uuid::from_u128(0xa1));
        let caller = Caller { actor: Actor::User(user), ..administrator() };
        self.protocol.claims.claim(&caller, TENANT, name, ALICE, user, ClaimKey::new(key)).await
    }
}

pub(crate) fn administrator() -> Caller {
    Caller {
        actor: Actor::User(UserId(Uuid::from_u128(0xad))),
        transport: Transport::Rest,
        correlation_id: "r".into(),
        command_id: None,
    }
}
