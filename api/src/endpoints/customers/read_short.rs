//! `GET /api/customer/{customerId}/shortInfo`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// What a page shows of a customer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShortCustomerJson {
    /// Its title.
    #[schema(example = "Customer A")]
    title: String,
    /// Whether it is the public customer.
    is_public: bool,
}

/// Read a customer's title and whether it is public
#[utoipa::path(
    get, path = "/api/customer/{customerId}/shortInfo", tag = "customers",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer.")),
    responses(
        (status = 200, description = "Title and publicity.", body = ShortCustomerJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such customer."),
    )
)]
pub(crate) async fn short_customer(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
) -> Result<Json<ShortCustomerJson>, ApiError> {
    let customer = super::find(&state, user, path.id("customerId")?).await?;
    Ok(Json(ShortCustomerJson { is_public: customer.is_public(), title: customer.title }))
}
