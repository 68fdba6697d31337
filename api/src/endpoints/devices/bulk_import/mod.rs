//! `POST /api/device/bulk_import`: devices from a file (`docs/protocol.md`, bulk import).

mod importer;
mod request;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    importer::{Importer, Outcome},
    request::BulkImport,
};
use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, JsonBody, JsonObject},
    state::Shared,
};

/// How an import went.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BulkImportResult)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultJson {
    /// Lines that added a device.
    #[schema(example = 3)]
    created: usize,
    /// Lines whose device was there; without `update` it was left as it is.
    updated: usize,
    /// Lines that failed.
    errors: usize,
    /// What is wrong with them, in the order of the file.
    #[schema(example = json!(["Line 4: Device name should be specified!"]))]
    errors_list: Vec<String>,
}

impl ResultJson {
    fn of(outcomes: Vec<Outcome>) -> Self {
        let mut result = Self::default();
        for outcome in outcomes {
            match outcome {
                Outcome::Created => result.created += 1,
                Outcome::Updated => result.updated += 1,
                Outcome::Failed(line, why) => {
                    result.errors += 1;
                    result.errors_list.push(format!("Line {line}: {why}"));
                }
            }
        }
        result
    }
}

/// Import devices from a file
///
/// Each line of the file adds a device with credentials, attributes and claim key, or updates the one of its name. A line
/// that fails leaves the others alone. If the service cannot go on (`503`), some lines have been carried out; the same
/// file may be sent again.
#[utoipa::path(
    post, path = "/api/device/bulk_import", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that each line is carried out once.")),
    request_body = BulkImport,
    responses(
        (status = 200, description = "How it went, also if every line failed.", body = ResultJson),
        (status = 400, description = "The request is malformed, or the file as a whole cannot be read or has more than 100,000 lines of devices; then nothing is imported."),
    )
)]
pub(crate) async fn bulk_import(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    JsonBody(body): JsonBody,
) -> Result<Json<ResultJson>, ApiError> {
    let BulkImport { file, mapping } = BulkImport::read(&JsonObject::parse(&body)?)?;
    let plan = mapping.plan(&file)?;
    let importer = Importer::new(&state, command.caller(admin.user_id), admin.tenant_id, mapping.update);
    Ok(Json(ResultJson::of(importer.import(plan).await?)))
}
