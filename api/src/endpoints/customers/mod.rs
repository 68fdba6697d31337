//! Customers (`docs/protocol.md`, customers).

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod list_infos;
pub(crate) mod read;
pub(crate) mod read_by_title;
pub(crate) mod read_short;
pub(crate) mod read_title;
pub(crate) mod save;

use deed_domain::{
    ids::CustomerId,
    ports::{AccountsError, Customer},
};

use crate::{authentication::DeviceUser, error::ApiError, state::ApiState};

/// The customer of that id if the user may see it: another tenant's, and to a customer's user every other one, is
/// forbidden.
async fn find(state: &ApiState, user: DeviceUser, id: CustomerId) -> Result<Customer, ApiError> {
    let customer = state.accounts.customer(id).await?.ok_or_else(|| not_found(id))?;
    if customer.tenant_id == user.tenant_id() && user.may_use(Some(id)) {
        Ok(customer)
    } else {
        Err(ApiError::Forbidden)
    }
}

fn not_found(id: CustomerId) -> ApiError {
    ApiError::NotFound(format!("Customer with id [{id}] is not found").into())
}

/// Why the customer of that id was not added or saved.
fn refused(id: CustomerId, error: AccountsError) -> ApiError {
    match error {
        AccountsError::TitleTaken => ApiError::invalid("Customer with such title already exists!"),
        AccountsError::VersionConflict => ApiError::Changed("Customer"),
        AccountsError::NotFound => not_found(id),
        AccountsError::Store(error) => error.into(),
        other => ApiError::Unreadable(format!("saving a customer failed: {other}")),
    }
}
