//! Tokens of the public customer, for whom nobody in particular signs in.

use deed_domain::{
    ids::{CustomerId, SessionId},
    ports::{Authority, Customer, PUBLIC_CUSTOMER, PUBLIC_USER, Principal, TokenClaims, User},
};

use super::{CustomerUser, DeviceUser, Role, TokenKind, TokenPair, issue, lasting_until};
use crate::{
    error::{ApiError, Unauthenticated},
    state::ApiState,
};

/// Who may read what has to do with devices: everybody who may use them, and the public customer what is its own.
pub(crate) struct DeviceReader(pub(crate) DeviceUser);

impl Role for DeviceReader {
    fn of(principal: &Principal) -> Option<Self> {
        let public = || public_reader(principal).map(DeviceUser::Customer);
        DeviceUser::of(principal).or_else(public).map(Self)
    }
}

/// Who is heard when a device is claimed: a customer's user, and the public customer, to be refused on record.
pub(crate) enum Claimant {
    Customer(CustomerUser),
    Public(CustomerUser),
}

impl Role for Claimant {
    fn of(principal: &Principal) -> Option<Self> {
        let public = || Some(Self::Public(public_reader(principal)?));
        CustomerUser::of(principal).map(Self::Customer).or_else(public)
    }
}

fn public_reader(principal: &Principal) -> Option<CustomerUser> {
    let (tenant_id, customer_id) = (principal.tenant_id?, principal.customer_id?);
    principal.is_public().then_some(CustomerUser { user_id: principal.user_id, tenant_id, customer_id })
}

/// The person that the public customer's tokens speak of: nobody in particular.
pub(crate) fn public_user(customer: &Customer) -> User {
    User {
        id: PUBLIC_USER,
        tenant_id: Some(customer.tenant_id),
        customer_id: Some(customer.id),
        authority: Authority::CustomerUser,
        email: customer.id.to_string(),
        first_name: Some(PUBLIC_CUSTOMER.to_owned()),
        last_name: Some(PUBLIC_CUSTOMER.to_owned()),
        phone: None,
        created_at: customer.created_at,
        version: 1,
        additional_info: None,
    }
}

/// Who a token of a public login speaks for; its `sub` is the customer.
pub(super) async fn principal(
    state: &ApiState,
    claims: &TokenClaims,
    session: SessionId,
    kind: TokenKind,
) -> Result<(SessionId, Principal), ApiError> {
    let customer: CustomerId = claims.sub.parse().map_err(|_| Unauthenticated::BadCredentials)?;
    if let Some(principal) = state.accounts.public_principal(session, customer).await? {
        return Ok((session, principal));
    }
    let is_there = state.accounts.customer(customer).await?.is_some();
    Err(super::not_let_in(kind, is_there).into())
}

/// A new public login for the customer, and its tokens.
///
/// # Errors
/// [`Unauthenticated::BadCredentials`] if it is not public, or gone by now.
pub(crate) async fn sign_in_public(state: &ApiState, customer: &Customer) -> Result<TokenPair, ApiError> {
    if !customer.is_public() {
        return Err(Unauthenticated::BadCredentials.into());
    }
    let session = SessionId(state.entropy.new_id(state.clock.now()));
    state.accounts.open_public_session(session, lasting_until(state)).await?;
    if state.accounts.public_principal(session, customer.id).await?.is_none() {
        return Err(Unauthenticated::BadCredentials.into());
    }
    issue(state, session, &public_user(customer))
}

#[cfg(test)]
mod tests {
    use deed_domain::ids::TenantId;
    use uuid::Uuid;

    use super::{super::Person, *};

    #[test]
    fn the_public_customer_reads_what_is_its_own_and_does_nothing_else() {
        let id = Uuid::from_u128(1);
        let principal = Principal {
            user_id: PUBLIC_USER,
            proof: deed_domain::ports::Proof::Login(SessionId(id)),
            authority: Authority::CustomerUser,
            tenant_id: Some(TenantId(id)),
            customer_id: Some(CustomerId(id)),
        };
        let DeviceReader(reader) = DeviceReader::of(&principal).unwrap();
        assert!(reader.may_use(Some(CustomerId(id))) && !reader.may_use(None));
        assert!(CustomerUser::of(&principal).is_none() && DeviceUser::of(&principal).is_none());
        assert!(Person::of(&principal).is_none());
    }
}
