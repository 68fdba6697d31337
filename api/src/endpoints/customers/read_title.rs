//! `GET /api/customer/{customerId}/title`.

use axum::extract::State;

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Read a customer's title as plain text
#[utoipa::path(
    get, path = "/api/customer/{customerId}/title", tag = "customers",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer.")),
    responses(
        (status = 200, description = "The title, whatever the `Accept` says.", body = String, content_type = "text/plain"),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such customer."),
    )
)]
pub(crate) async fn customer_title(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
) -> Result<String, ApiError> {
    Ok(super::find(&state, user, path.id("customerId")?).await?.title)
}
