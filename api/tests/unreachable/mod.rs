//! An API whose store cannot be reached: enough to see what surrounds the endpoints.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use deed_api::{ApiSettings, ApiState, LabelPress, OpenStreams, Readiness, RequestLimits};
use deed_domain::{
    claim_key::{ClaimKey, PepperId, PresentedKey},
    claims::Claims,
    deletions::Deletions,
    device::{ClaimPolicy, Device},
    ids::{ApiKeyId, CustomerId, DeviceId, Position, ProfileId, Sequence, SessionId, TenantId, UserId},
    people::People,
    ports::{
        Account, AccountChange, AccountSort, AccountsError, ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, Append,
        AppendError, Appended, Attribute, AttributeScope, Attributes, Authority, Clock, Credentials, Customer,
        CustomerValues, Customers, DeviceCredentials, DeviceIdentity, DeviceToken, Entity, Entropy, EventStore, Feed,
        Holder, Holdings, KeyDigester, KeyRefused, LastOne, Letter, LinkPurpose, LinkToken, ListPage, ListedUser,
        Logins, Mailer, NewLink, NewLogin, OfferedLink, Page, PageRequest, Password, PasswordHasher, Payloads,
        PendingLink, PersonalLinks, Principal, Profile, ProfileSort, ProfileTransport, ProfileValues, Profiles,
        ProfilesError, Proof, PublicLogins, RecordedEvent, Scope, StoreError, Subscription, Tenant, TenantValues,
        Tenants, TokenClaims, TokenError, TokenSigner, User, UserCredentials, UserSort, Users, UsersOf,
    },
    time::Timestamp,
};
use deed_labels::Font;
use deed_projections::{
    ActiveKeyRow, ActiveKeysQuery, ClaimHistoryQuery, ClaimHistoryRow, DeviceFilter, DeviceListQuery, DeviceOrder,
    DeviceRow, DueDevice, OwnershipQuery, OwnershipSpan,
};
use serde_json::Value;
use uuid::Uuid;

/// What a caller must never see.
pub(crate) const DETAIL: &str = "disk failure at /secret/place";
/// The tokens that are accepted.
pub(crate) const ADMIN: &str = "admin";
/// Of a customer's user.
pub(crate) const CUSTOMER: &str = "customer";
/// Of a login that has ended.
pub(crate) const ENDED: &str = "ended";
/// Of a user who is gone.
pub(crate) const VANISHED: &str = "vanished";
/// A refresh token.
pub(crate) const REFRESH: &str = "refresh";
/// The longest body, bytes.
pub(crate) const MAX_BODY: usize = 1_000;

/// Signs nobody in but the holders of those tokens, and fails in everything else.
#[derive(Clone, Copy)]
struct Unreachable;

/// The state over it.
pub(crate) fn state(readiness: Readiness) -> ApiState {
    let ports = Arc::new(Unreachable);
    let claims =
        Claims::new(ports.clone(), ports.clone(), ports.clone(), ports.clone(), ports.clone(), ClaimPolicy::default());
    ApiState {
        deletions: Deletions::new(claims.clone(), ports.clone(), ports.clone()),
        claims,
        people: People::new(ports.clone(), ports.clone(), ports.clone(), ports.clone(), ports.clone()),
        feed: ports.clone(),
        accounts: ports.clone(),
        credentials: ports.clone(),
        attributes: ports.clone(),
        profiles: ports.clone(),
        read_models: ports.clone(),
        passwords: ports.clone(),
        tokens: ports.clone(),
        clock: ports.clone(),
        entropy: ports,
        limits: RequestLimits::default(),
        streams: OpenStreams::default(),
        label_press: LabelPress::new(Font::built_in().unwrap()),
        settings: ApiSettings { max_body_bytes: MAX_BODY, ..ApiSettings::default() },
        metrics: Arc::new(|| "deed_up 1\n".to_owned()),
        readiness,
    }
}

fn fails<T, E: From<StoreError>>() -> Result<T, E> {
    Err(StoreError::Unavailable(DETAIL.into()).into())
}

impl TokenSigner for Unreachable {
    fn sign(&self, _: &TokenClaims) -> Result<String, TokenError> {
        Err(TokenError::Malformed)
    }

    fn verify(&self, token: &str) -> Result<TokenClaims, TokenError> {
        let number = match token {
            ADMIN => 1,
            CUSTOMER => 2,
            ENDED => 3,
            VANISHED => 4,
            REFRESH => 5,
            "expired" => return Err(TokenError::Expired),
            _ => return Err(TokenError::Malformed),
        };
        let id = Uuid::from_u128(number).to_string();
        let scope = if token == REFRESH { "REFRESH_TOKEN" } else { "TENANT_ADMIN" };
        Ok(TokenClaims {
            sub: "a@b.org".into(),
            user_id: id.clone(),
            scopes: vec![scope.into()],
            session_id: id,
            exp: 0,
            iss: String::new(),
            iat: 0,
            enabled: None,
            is_public: false,
            tenant_id: None,
            customer_id: None,
            first_name: None,
            last_name: None,
            jti: None,
        })
    }
}

#[async_trait]
impl Credentials for Unreachable {
    async fn by_access_token(&self, _: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError> {
        fails()
    }

    async fn by_credentials_id(&self, _: &DeviceToken) -> Result<Option<DeviceCredentials>, StoreError> {
        fails()
    }

    async fn of_device(&self, _: DeviceId) -> Result<Option<DeviceCredentials>, StoreError> {
        fails()
    }
}

#[async_trait]
impl Tenants for Unreachable {
    async fn add_tenant(&self, _: Tenant, _: Profile) -> Result<(), AccountsError> {
        fails()
    }

    async fn save_tenant(&self, _: TenantId, _: Option<u32>, _: TenantValues) -> Result<Tenant, AccountsError> {
        fails()
    }

    async fn tenant(&self, _: TenantId) -> Result<Option<Tenant>, StoreError> {
        fails()
    }

    async fn tenants(&self, _: PageRequest<AccountSort>) -> Result<ListPage<Tenant>, StoreError> {
        fails()
    }

    async fn mark_tenant(&self, _: TenantId) -> Result<bool, StoreError> {
        fails()
    }

    async fn marked_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        fails()
    }

    async fn erase_tenant(&self, _: TenantId) -> Result<(), StoreError> {
        fails()
    }
}

#[async_trait]
impl Customers for Unreachable {
    async fn add_customer(&self, _: Customer) -> Result<(), AccountsError> {
        fails()
    }

    async fn save_customer(&self, _: CustomerId, _: Option<u32>, _: CustomerValues) -> Result<Customer, AccountsError> {
        fails()
    }

    async fn customer(&self, _: CustomerId) -> Result<Option<Customer>, StoreError> {
        fails()
    }

    async fn customer_titled(&self, _: TenantId, _: &str) -> Result<Option<Customer>, StoreError> {
        fails()
    }

    async fn customers(&self, _: TenantId, _: PageRequest<AccountSort>) -> Result<ListPage<Customer>, StoreError> {
        fails()
    }

    async fn public_customer(&self, _: TenantId, _: CustomerId) -> Result<Customer, StoreError> {
        fails()
    }

    async fn mark_customer(&self, _: CustomerId) -> Result<bool, StoreError> {
        fails()
    }

    async fn marked_customers(&self) -> Result<Vec<(TenantId, CustomerId)>, StoreError> {
        fails()
    }

    async fn erase_customer(&self, _: CustomerId) -> Result<(), StoreError> {
        fails()
    }
}

#[async_trait]
impl Users for Unreachable {
    async fn add_user(&self, _: User, _: UserCredentials) -> Result<(), AccountsError> {
        fails()
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok((id.0 != Uuid::from_u128(4)).then(|| User {
            id,
            tenant_id: Some(TenantId(id.0)),
            customer_id: None,
            authority: Authority::TenantAdmin,
            email: "a@b.org".into(),
            first_name: None,
            last_name: None,
            phone: None,
            created_at: Timestamp(0),
            version: 1,
            additional_info: None,
        }))
    }

    async fn emails(&self, _: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
        fails()
    }

    async fn user_by_email(&self, _: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        fails()
    }

    async fn set_password(&self, _: UserId, _: Option<String>, _: String) -> Result<bool, StoreError> {
        fails()
    }

    async fn account(&self, _: UserId) -> Result<Option<Account>, StoreError> {
        fails()
    }

    async fn users(&self, _: UsersOf, _: PageRequest<UserSort>) -> Result<ListPage<ListedUser>, StoreError> {
        fails()
    }

    async fn save_user(&self, _: User, _: Option<u32>) -> Result<User, AccountsError> {
        fails()
    }

    async fn set_enabled(&self, _: UserId, _: bool, _: LastOne) -> Result<AccountChange, StoreError> {
        fails()
    }

    async fn delete_user(&self, _: UserId, _: LastOne) -> Result<AccountChange, StoreError> {
        fails()
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        fails()
    }
}

#[async_trait]
impl PersonalLinks for Unreachable {
    async fn offer_link(&self, _: NewLink, _: Timestamp) -> Result<OfferedLink, StoreError> {
        fails()
    }

    async fn pending_link(&self, _: UserId, _: LinkPurpose) -> Result<Option<PendingLink>, StoreError> {
        fails()
    }

    async fn link_bearer(&self, _: LinkPurpose, _: &LinkToken) -> Result<Option<(UserId, Timestamp)>, StoreError> {
        fails()
    }

    async fn redeem_link(&self, _: LinkPurpose, _: &LinkToken, _: String) -> Result<bool, StoreError> {
        fails()
    }
}

impl Mailer for Unreachable {
    fn has_server(&self) -> bool {
        false
    }

    fn post(&self, _: Letter) {}
}

#[async_trait]
impl ApiKeys for Unreachable {
    async fn add_api_key(&self, _: ApiKey, _: ApiKeyValue) -> Result<bool, StoreError> {
        fails()
    }

    async fn api_key(&self, _: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        fails()
    }

    async fn api_keys_of(&self, _: UserId, _: PageRequest<ApiKeySort>) -> Result<ListPage<ApiKey>, StoreError> {
        fails()
    }

    async fn save_api_key(&self, _: ApiKey) -> Result<bool, StoreError> {
        fails()
    }

    async fn delete_api_key(&self, _: ApiKeyId) -> Result<(), StoreError> {
        fails()
    }

    async fn principal_of_key(&self, _: &ApiKeyValue) -> Result<Result<Principal, KeyRefused>, StoreError> {
        fails()
    }
}

#[async_trait]
impl Logins for Unreachable {
    async fn open_session(&self, _: NewLogin) -> Result<bool, StoreError> {
        fails()
    }

    async fn extend_session(&self, _: SessionId, _: UserId, _: Timestamp) -> Result<bool, StoreError> {
        fails()
    }

    async fn close_session(&self, _: SessionId, _: UserId) -> Result<(), StoreError> {
        fails()
    }

    async fn principal(&self, session_id: SessionId, user_id: UserId) -> Result<Option<Principal>, StoreError> {
        let tenant_id = Some(TenantId(user_id.0));
        let proof = Proof::Login(session_id);
        let admin = Principal { user_id, proof, authority: Authority::TenantAdmin, tenant_id, customer_id: None };
        let customer_id = Some(CustomerId(user_id.0));
        Ok(match user_id.0.as_u128() {
            1 => Some(admin),
            2 => Some(Principal { authority: Authority::CustomerUser, customer_id, ..admin }),
            _ => None,
        })
    }
}

#[async_trait]
impl PublicLogins for Unreachable {
    async fn open_public_session(&self, _: SessionId, _: Timestamp) -> Result<(), StoreError> {
        fails()
    }

    async fn public_principal(&self, _: SessionId, _: CustomerId) -> Result<Option<Principal>, StoreError> {
        fails()
    }
}

#[async_trait]
impl EventStore for Unreachable {
    async fn append(&self, _: Append) -> Result<Appended, AppendError> {
        Err(AppendError::Overloaded)
    }

    async fn load(&self, _: DeviceId) -> Result<(Device, Sequence), StoreError> {
        fails()
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        fails()
    }
}

#[async_trait]
impl Holdings for Unreachable {
    async fn held_by(&self, _: Holder, _: usize) -> Result<Vec<DeviceId>, StoreError> {
        fails()
    }
}

#[async_trait]
impl Feed for Unreachable {
    async fn read_after(&self, _: Scope, _: Position, _: usize) -> Result<Page, StoreError> {
        fails()
    }

    async fn head(&self) -> Result<Position, StoreError> {
        fails()
    }

    async fn position_before(&self, _: Timestamp) -> Result<Position, StoreError> {
        fails()
    }

    async fn last_of_each(&self, _: &[DeviceId], _: &[&str]) -> Result<Vec<RecordedEvent>, StoreError> {
        fails()
    }

    fn subscribe(&self, _: Scope, _: Position) -> Box<dyn Subscription> {
        Box::new(*self)
    }
}

#[async_trait]
impl Subscription for Unreachable {
    async fn next(&mut self) -> Result<Page, StoreError> {
        fails()
    }
}

#[async_trait]
impl Attributes for Unreachable {
    async fn of(&self, _: Entity, _: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError> {
        fails()
    }

    async fn put(&self, _: Entity, _: AttributeScope, _: Vec<(String, Value)>) -> Result<(), StoreError> {
        fails()
    }

    async fn delete(&self, _: Entity, _: AttributeScope, _: Vec<String>) -> Result<(), StoreError> {
        fails()
    }

    async fn additional_info(&self, _: DeviceId) -> Result<Option<Value>, StoreError> {
        fails()
    }
}

#[async_trait]
impl Profiles for Unreachable {
    async fn by_name(&self, _: TenantId, _: &str) -> Result<Option<Profile>, StoreError> {
        fails()
    }

    async fn by_id(&self, _: ProfileId) -> Result<Option<Profile>, StoreError> {
        fails()
    }

    async fn default_of(&self, _: TenantId) -> Result<Option<Profile>, StoreError> {
        fails()
    }

    async fn by_provision_key(&self, _: &str) -> Result<Option<Profile>, StoreError> {
        fails()
    }

    async fn payloads_of(&self, _: DeviceId) -> Result<Payloads, StoreError> {
        fails()
    }

    async fn profiles(
        &self,
        _: TenantId,
        _: Option<ProfileTransport>,
        _: PageRequest<ProfileSort>,
    ) -> Result<ListPage<Profile>, StoreError> {
        fails()
    }

    async fn add_profile(&self, _: Profile) -> Result<(), ProfilesError> {
        fails()
    }

    async fn save_profile(&self, _: ProfileId, _: Option<u32>, _: ProfileValues) -> Result<Profile, ProfilesError> {
        fails()
    }

    async fn make_default(&self, _: ProfileId) -> Result<Profile, ProfilesError> {
        fails()
    }

    async fn delete_profile(&self, _: ProfileId) -> Result<(), ProfilesError> {
        fails()
    }
}

#[async_trait]
impl DeviceListQuery for Unreachable {
    async fn device(&self, _: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        fails()
    }

    async fn device_names(&self, _: &[DeviceId]) -> Result<HashMap<DeviceId, String>, StoreError> {
        fails()
    }

    async fn device_named(&self, _: TenantId, _: &str) -> Result<Option<DeviceRow>, StoreError> {
        fails()
    }

    async fn devices(&self, _: &DeviceFilter, _: &PageRequest<DeviceOrder>) -> Result<ListPage<DeviceRow>, StoreError> {
        fails()
    }

    async fn device_types(&self, _: TenantId) -> Result<Vec<String>, StoreError> {
        fails()
    }

    async fn device_count(&self) -> Result<u64, StoreError> {
        fails()
    }
}

#[async_trait]
impl OwnershipQuery for Unreachable {
    async fn ownerships(&self, _: DeviceId) -> Result<Vec<OwnershipSpan>, StoreError> {
        fails()
    }
}

#[async_trait]
impl ActiveKeysQuery for Unreachable {
    async fn active_keys(&self, _: DeviceId) -> Result<Vec<ActiveKeyRow>, StoreError> {
        fails()
    }

    async fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        fails()
    }

    async fn take_due(&self, _: Timestamp, _: usize) -> Result<Vec<DueDevice>, StoreError> {
        fails()
    }

    async fn peppers(&self) -> Result<Vec<PepperId>, StoreError> {
        fails()
    }

    async fn active_key_count(&self) -> Result<u64, StoreError> {
        fails()
    }
}

#[async_trait]
impl ClaimHistoryQuery for Unreachable {
    async fn claim_history(&self, _: DeviceId, _: Position, _: usize) -> Result<Vec<ClaimHistoryRow>, StoreError> {
        fails()
    }
}

#[async_trait]
impl PasswordHasher for Unreachable {
    async fn hash(&self, _: Password) -> Result<String, StoreError> {
        fails()
    }

    async fn verify(&self, _: Password, _: Option<String>) -> Result<bool, StoreError> {
        fails()
    }
}

impl KeyDigester for Unreachable {
    fn digest(&self, _: TenantId, _: DeviceId, key: &ClaimKey) -> PresentedKey {
        PresentedKey::new(Vec::new(), key.is_empty())
    }
}

impl Clock for Unreachable {
    fn now(&self) -> Timestamp {
        Timestamp(1_735_689_600_000)
    }
}

impl Entropy for Unreachable {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}
