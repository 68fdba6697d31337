//! Gateways: which devices are some, what they make, and through which a device is reached.

use deed_domain::{
    claim_key::ClaimKey,
    claims::{ClaimingChange, DeviceChange, Failure, IssuedKey, NewDevice, ProfileChoice, SwitchChange},
    device::{ClaimPolicy, DeviceEvent, IssueRefusedReason, KeyOrigin, OwnerChange, Refusal},
    gateways::{Connected, Gateway, GatewayClaim, Gateways, NotReached, UnusableName},
    ids::{CustomerId, DeviceId, Position},
    metadata::{Actor, Caller, Transport},
    ports::{CredentialsKind, DeviceIdentity, NamedDevice, RecordedEvent, Scope},
    texts::InvalidText,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    Factory,
    world::{OTHER_TENANT, TENANT, World, caller, claim, command, customer, named, new_device, register},
};

/// A store with gateways.
struct Site<'a> {
    world: World<'a>,
    policy: ClaimPolicy,
}

impl<'a> Site<'a> {
    async fn open(factory: &'a dyn Factory) -> Self {
        Self::open_under(factory, true).await
    }

    async fn open_under(factory: &'a dyn Factory, allow_by_default: bool) -> Self {
        let world = World::open(factory).await;
        Self { world, policy: ClaimPolicy { allow_by_default, ..ClaimPolicy::default() } }
    }

    fn gateways(&self) -> Gateways {
        Gateways::new(self.world.claims_under(self.policy), self.world.store.clone())
    }

    async fn add(&self, name: &str, additional_info: Option<Value>, owner: Option<CustomerId>) -> DeviceIdentity {
        let new = NewDevice { additional_info, owner, ..named(name) };
        let added = self.world.claims().register(&caller(), TENANT, new).await.unwrap();
        DeviceIdentity::new(TENANT, added.device_id)
    }

    async fn gateway(&self, name: &str, owner: Option<CustomerId>) -> Gateway {
        let device = self.add(name, Some(json!({"gateway": true})), owner).await;
        self.gateways().gateway(device).await.unwrap().unwrap()
    }

    async fn connect(&self, gateway: &Gateway, name: &str, device_type: Option<&str>) -> Result<Connected, NotReached> {
        self.gateways().connect(&way(gateway), gateway, name, device_type).await
    }

    /// Connects a device; whether the gateway reaches it from then on.
    async fn reaches(&self, gateway: &Gateway, name: &str) -> bool {
        self.connect(gateway, name, None).await.unwrap().is_reached
    }

    async fn register(&self, gateway: &Gateway, names: &[&str]) -> Vec<Result<IssuedKey, NotReached>> {
        let claims = names.iter().map(|name| GatewayClaim {
            name: (*name).to_owned(),
            key: ClaimKey::new("key"),
            duration_ms: 60_000,
        });
        self.gateways().claim(&way(gateway), gateway, claims.collect()).await.unwrap()
    }

    async fn register_one(&self, gateway: &Gateway, name: &str) -> Result<IssuedKey, NotReached> {
        self.register(gateway, &[name]).await.remove(0)
    }

    async fn named(&self, name: &str) -> Option<NamedDevice> {
        self.world.store.devices_named(TENANT, vec![name.to_owned()]).await.unwrap().pop()
    }

    /// Replaces the `additionalInfo` of a device.
    async fn save(&self, name: &str, additional_info: Option<Value>) {
        let device = self.named(name).await.unwrap();
        let change = DeviceChange {
            expected_version: None,
            name: device.name,
            profile: ProfileChoice::Named(device.device_type),
            label: device.label,
            owner: OwnerChange::Keep,
            additional_info,
            credentials: None,
        };
        self.world.claims().change(&caller(), TENANT, device.device_id, change).await.unwrap();
    }
}

fn way(gateway: &Gateway) -> Caller {
    gateway.caller(Transport::Mqtt, "conformance".into())
}

fn actor_of(event: &RecordedEvent) -> Actor {
    event.decode_metadata().unwrap().actor
}

fn refusal<T: std::fmt::Debug>(result: Result<T, NotReached>) -> Refusal {
    match result {
        Err(NotReached::Failed(Failure::Refused(refusal))) => refusal,
        other => panic!("{other:?}"),
    }
}

/// It counts at once what is written there, and only the flag itself.
pub async fn a_gateway_is_one_as_long_as_its_device_says_so(factory: &dyn Factory) {
    let mut site = Site::open(factory).await;
    let gateway = site.add("G", Some(json!({"gateway": true, "x": 1})), Some(customer(1))).await;
    let mut others = vec![new_device()];
    let infos = [None, Some(json!({"gateway": false})), Some(json!({"gateway": "true"})), Some(json!({"gateway": 1}))];
    for (n, info) in infos.into_iter().chain([Some(json!([true])), Some(json!("gateway"))]).enumerate() {
        others.push(site.add(&format!("D-{n}"), info, None).await.device_id);
    }
    for _ in 0..2 {
        let among = others.iter().copied().chain([gateway.device_id]).collect();
        let known = site.world.store.gateways_among(among).await.unwrap();
        assert_eq!(known.iter().map(|known| known.device_id).collect::<Vec<_>>(), [gateway.device_id]);
        assert_eq!(known[0].owner, Some(customer(1)));
        site.world.reopen().await;
    }
    site.save("G", Some(json!({"gateway": false}))).await;
    assert!(site.gateways().gateway(gateway).await.unwrap().is_none());
    site.save("G", Some(json!({"gateway": true}))).await;
    assert!(site.gateways().gateway(gateway).await.unwrap().is_some());
    site.world.claims().remove(&caller(), TENANT, gateway.device_id).await.unwrap();
    assert!(site.gateways().gateway(gateway).await.unwrap().is_none());
}

/// By name in its tenant, with all that belongs to it.
pub async fn what_a_gateway_names_is_found(factory: &dyn Factory) {
    let mut site = Site::open(factory).await;
    let info = json!({"x": [1, null]});
    let first = site.add("D-1", Some(info.clone()), Some(customer(1))).await.device_id;
    let second = site.add("D-2", None, None).await.device_id;
    site.world.store.append(command(new_device(), register(OTHER_TENANT, "D-1"))).await.unwrap();
    for _ in 0..2 {
        let names = ["D-2", "none", "D-1", "d-1"].map(str::to_owned).to_vec();
        let mut found = site.world.store.devices_named(TENANT, names).await.unwrap();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let ids: Vec<_> = found.iter().map(|device| (device.device_id, device.name.as_str())).collect();
        assert_eq!(ids, [(first, "D-1"), (second, "D-2")]);
        assert_eq!((found[0].owner, &found[0].additional_info), (Some(customer(1)), &Some(info.clone())));
        assert_eq!((found[0].device_type.as_str(), found[0].version, found[0].gateway), ("default", 1, None));
        assert_eq!((found[1].owner, &found[1].additional_info), (None, &None));
        assert_eq!(site.world.store.devices_named(TENANT, Vec::new()).await.unwrap(), []);
        site.world.reopen().await;
    }
}

/// With a token, the profile of its type, and the gateway's owner; a name or a type that cannot be one makes nothing.
pub async fn a_gateway_makes_what_it_names(factory: &dyn Factory) {
    let mut site = Site::open(factory).await;
    let owned = site.gateway("G-1", Some(customer(1))).await;
    let free = site.gateway("G-2", None).await;
    let before = site.world.head().await;
    let made = site.connect(&owned, "K-1", Some("meter")).await.unwrap();
    assert!(made.is_reached && made.device.tenant_id == TENANT);
    let other = site.connect(&free, "K-2", None).await.unwrap().device;
    for _ in 0..2 {
        let device = site.named("K-1").await.unwrap();
        assert_eq!((device.device_id, device.owner), (made.device.device_id, Some(customer(1))));
        assert_eq!((device.device_type.as_str(), device.version), ("meter", 1));
        let said = json!({"lastConnectedGateway": owned.device().device_id.to_string()});
        assert_eq!((device.additional_info, device.gateway), (Some(said), Some(owned.device().device_id)));
        let profile = site.world.store.by_name(TENANT, "meter").await.unwrap().unwrap();
        assert_eq!(device.profile_id, profile.id);
        let credentials = site.world.store.of_device(device.device_id).await.unwrap().unwrap();
        assert_eq!(credentials.kind, CredentialsKind::AccessToken);
        assert_eq!(credentials.credentials_id.expose().len(), 20);
        let device = site.named("K-2").await.unwrap();
        assert_eq!((device.device_id, device.owner, device.device_type.as_str()), (other.device_id, None, "default"));
        site.world.reopen().await;
    }
    let log = site.world.store.read_after(Scope::All, before, usize::MAX).await.unwrap().events;
    assert!(log.iter().all(|event| matches!(actor_of(event), Actor::Gateway(_))), "{log:?}");

    let head = site.world.head().await;
    for (name, device_type, expected) in [
        ("", None, UnusableName::Empty("name")),
        (" ", None, UnusableName::Empty("name")),
        ("K-3", Some(""), UnusableName::Empty("type")),
        ("<a>x</a>", None, InvalidText::Markup("name").into()),
        ("a\u{0}b", None, InvalidText::ControlCharacter("name").into()),
        ("K-3", Some("\n"), UnusableName::Empty("type")),
    ] {
        let result = site.connect(&free, name, device_type).await;
        assert!(matches!(&result, Err(NotReached::Unusable(why)) if *why == expected), "{name:?}: {result:?}");
    }
    assert!(matches!(site.connect(&free, &"x".repeat(256), None).await, Err(NotReached::Unusable(_))));
    // Of a device that exists, the type is not looked at.
    assert_eq!(site.connect(&free, "K-2", Some("")).await.unwrap().device, other);
    assert_eq!(site.world.head().await, head, "nothing was made");
}

/// It says so where clients keep an object, and inside in any case. What a customer or another gateway has stays.
pub async fn a_device_is_reached_through_the_first_gateway_that_names_it(factory: &dyn Factory) {
    let site = Site::open(factory).await;
    let (first, second) = (site.gateway("G-1", None).await, site.gateway("G-2", None).await);
    let id = first.device().device_id;
    site.add("null", None, None).await;
    site.add("object", Some(json!({"x": 1})), None).await;
    site.add("bought", Some(json!({})), Some(customer(1))).await;

    assert!(site.reaches(&first, "null").await && site.reaches(&first, "object").await);
    assert!(!site.reaches(&first, "bought").await);
    let state = async |name| {
        let device = site.named(name).await.unwrap();
        (device.additional_info, device.gateway, device.version)
    };
    assert_eq!(state("null").await, (None, Some(id), 1));
    let said = json!({"x": 1, "lastConnectedGateway": id.to_string()});
    assert_eq!(state("object").await, (Some(said.clone()), Some(id), 2));
    assert_eq!(state("bought").await, (Some(json!({})), None, 1));

    let head = site.world.head().await;
    assert!(!site.reaches(&second, "null").await && !site.reaches(&second, "object").await);
    assert!(site.reaches(&first, "null").await && site.reaches(&first, "object").await, "again");
    assert_eq!(state("object").await, (Some(said), Some(id), 2));
    assert_eq!(site.world.head().await, head, "nothing was written");

    // The gateway keeps what it had before a customer bought it.
    let device = site.named("null").await.unwrap().device_id;
    site.world.claims().assign(&caller(), TENANT, device, customer(1)).await.unwrap();
    assert!(site.reaches(&first, "null").await && !site.reaches(&second, "null").await);
}

/// Whichever comes first; a device that both make is made once.
pub async fn of_two_gateways_at_once_one_has_the_device(factory: &dyn Factory) {
    let site = Site::open(factory).await;
    let gateways = [site.gateway("G-1", None).await, site.gateway("G-2", None).await];
    for n in 0..5 {
        let names = [format!("made-{n}"), format!("there-{n}"), format!("object-{n}")];
        site.add(&names[1], None, None).await;
        site.add(&names[2], Some(json!({})), None).await;
        for name in names {
            let both = join_all(gateways.iter().map(|gateway| site.connect(gateway, &name, None))).await;
            let both: Vec<_> = both.into_iter().map(Result::unwrap).collect();
            assert_eq!(both[0].device, both[1].device, "{name}");
            let reached: Vec<_> = both.iter().map(|one| one.is_reached).collect();
            let device = site.named(&name).await.unwrap();
            let winner = gateways.iter().position(|gateway| device.gateway == Some(gateway.device().device_id));
            assert_eq!(reached.iter().filter(|reached| **reached).count(), 1, "{name}");
            assert_eq!(reached.iter().position(|reached| *reached), winner, "{name}");
        }
    }
}

/// When the gateway is deleted, or no longer one, the next that names the device has it.
pub async fn a_gateway_goes_and_its_devices_are_free(factory: &dyn Factory) {
    let mut site = Site::open(factory).await;
    let (first, second) = (site.gateway("G-1", None).await, site.gateway("G-2", None).await);
    let third = site.gateway("G-3", None).await;
    assert!(site.reaches(&first, "K-1").await && site.reaches(&first, "K-2").await);
    assert!(!site.reaches(&second, "K-1").await);
    site.save("G-1", Some(json!({"gateway": false}))).await;
    assert!(site.reaches(&second, "K-1").await);
    assert_eq!(site.named("K-1").await.unwrap().gateway, Some(second.device().device_id));
    site.save("G-1", Some(json!({"gateway": true}))).await;
    assert!(!site.reaches(&first, "K-1").await, "it comes too late");
    assert!(site.reaches(&first, "K-2").await, "nobody else has named it");

    site.world.claims().remove(&caller(), TENANT, second.device().device_id).await.unwrap();
    for _ in 0..2 {
        assert_eq!(site.named("K-1").await.unwrap().gateway, None);
        site.world.reopen().await;
    }
    assert!(site.reaches(&third, "K-1").await);
    let device = site.named("K-1").await.unwrap().device_id;
    site.world.claims().remove(&caller(), TENANT, device).await.unwrap();
    assert!(site.named("K-1").await.is_none());
    assert!(site.reaches(&first, "K-1").await, "made anew, and by another one");
}

/// The one that `additionalInfo` names has the device, too, and the other one does not take it back.
pub async fn an_administrator_names_another_gateway(factory: &dyn Factory) {
    let site = Site::open(factory).await;
    let (first, second) = (site.gateway("G-1", None).await, site.gateway("G-2", None).await);
    assert!(site.reaches(&first, "K").await);
    let said = json!({"lastConnectedGateway": second.device().device_id.to_string()});
    site.save("K", Some(said.clone())).await;
    assert!(site.reaches(&first, "K").await && site.reaches(&second, "K").await);
    assert_eq!(site.named("K").await.unwrap().additional_info, Some(said));
    site.register_one(&second, "K").await.unwrap();
    // What names no gateway names nobody.
    site.add("old", Some(json!({"lastConnectedGateway": new_device().to_string()})), None).await;
    assert!(site.reaches(&second, "old").await);
}

/// Every refusal is recorded with the gateway that tried.
pub async fn a_gateway_registers_for_its_own_devices_alone(factory: &dyn Factory) {
    let site = Site::open(factory).await;
    let (first, second) = (site.gateway("G-1", None).await, site.gateway("G-2", None).await);
    site.register_one(&first, "K").await.unwrap();
    site.add("free", None, None).await;
    site.register_one(&second, "free").await.unwrap();
    assert_eq!(refusal(site.register_one(&second, "K").await), Refusal::NotItsGateway);
    assert_eq!(refusal(site.register_one(&first, "free").await), Refusal::NotItsGateway);
    let device = site.named("K").await.unwrap().device_id;
    let refused = site.world.store.read_after(Scope::Device(device), Position(0), usize::MAX).await.unwrap().events;
    let last = refused.last().unwrap();
    assert_eq!(actor_of(last), Actor::Gateway(second.device().device_id));
    assert!(
        matches!(
            last.decode().unwrap(),
            DeviceEvent::IssueRefused {
                origin: KeyOrigin::Gateway,
                reason: IssueRefusedReason::OtherGateway,
                key_id: None,
                suppressed: 0,
                ..
            }
        ),
        "{last:?}"
    );

    let claims = site.world.claims();
    claim(&claims, "K", customer(1), "key").await.unwrap();
    for gateway in [&first, &second] {
        assert_eq!(refusal(site.register_one(gateway, "K").await), Refusal::AlreadyClaimed);
    }
    // What a claimed gateway makes is its owner's from the start.
    let owned = site.gateway("G-3", Some(customer(2))).await;
    assert_eq!(refusal(site.register_one(&owned, "K-3").await), Refusal::AlreadyClaimed);
    assert_eq!(site.named("K-3").await.unwrap().owner, Some(customer(2)));
    assert!(site.named("K-3").await.unwrap().gateway.is_some());
}

/// All are tried, and each is told what came of it. What was just made needs the switch, too.
pub async fn what_cannot_be_registered_harms_no_other_device(factory: &dyn Factory) {
    let site = Site::open_under(factory, false).await;
    let (gateway, other) = (site.gateway("G-1", None).await, site.gateway("G-2", None).await);
    let allow = async |device_id: DeviceId| {
        let change = ClaimingChange { switch: Some(SwitchChange::Allow), data: None };
        let device = DeviceIdentity::new(TENANT, device_id);
        site.world.claims().write_attributes(&caller(), device, change, Vec::new()).await.unwrap();
    };
    for name in ["good", "also good", "another's"] {
        allow(site.add(name, None, None).await.device_id).await;
    }
    site.add("not allowed", None, None).await;
    site.add("bought", None, Some(customer(1))).await;
    assert!(site.reaches(&other, "another's").await);

    let names = ["good", "", "not allowed", "bought", "new", "another's", "<b>", "also good"];
    let mut results = site.register(&gateway, &names).await;
    assert_eq!(results.len(), names.len());
    let mut next = || results.remove(0);
    assert!(next().is_ok());
    assert!(matches!(next(), Err(NotReached::Unusable(UnusableName::Empty("name")))));
    assert_eq!(refusal(next()), Refusal::ClaimingNotAllowed);
    assert_eq!(refusal(next()), Refusal::AlreadyClaimed);
    assert_eq!(refusal(next()), Refusal::ClaimingNotAllowed);
    assert_eq!(refusal(next()), Refusal::NotItsGateway);
    assert!(matches!(next(), Err(NotReached::Unusable(_))));
    assert!(next().is_ok());
    let claims = site.world.claims();
    claim(&claims, "good", customer(1), "key").await.unwrap();
    claim(&claims, "also good", customer(2), "key").await.unwrap();
    assert!(site.named("new").await.is_some(), "it was made all the same");

    // Many at once, more than are under way at the same time.
    let many: Vec<String> = (0..600).map(|n| format!("N-{n}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = site.register(&gateway, &names).await;
    assert_eq!(refused.len(), 600);
    for result in refused {
        assert_eq!(refusal(result), Refusal::ClaimingNotAllowed);
    }
    assert_eq!(site.world.store.devices_named(TENANT, many).await.unwrap().len(), 600);
}
