//! `GET /api/customer/{customerId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::CustomerJson,
};

/// Read a customer
///
/// Administrators read every customer of the tenant, a customer's users their own.
#[utoipa::path(
    get, path = "/api/customer/{customerId}", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer.")),
    responses(
        (status = 200, description = "The customer.", body = CustomerJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such customer."),
    )
)]
pub(crate) async fn customer(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
) -> Result<Json<CustomerJson>, ApiError> {
    super::find(&state, user, path.id("customerId")?).await.map(CustomerJson::from).map(Json)
}
