//! `GET /api/devices/labels` and `POST /api/devices/labels`: labels with new claim keys (`docs/protocol.md`, labels).

mod devices;
mod printing;
mod request;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, Method, header},
    response::{IntoResponse, Response},
};
use deed_domain::{claims::NewKey, ids::DeviceId};
use utoipa::ToSchema;

use self::{devices::Devices, printing::Printer, request::LabelsRequest};
use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{BaseUrl, CommandContext, JsonBody, JsonObject, QueryParams},
    state::Shared,
};

/// The most labels that one request prints.
const MOST_DEVICES: u32 = 100_000;

/// How many labels an answer holds.
pub(crate) const DEED_LABELS: HeaderName = HeaderName::from_static("deed-labels");
/// How many devices were left out, because a customer owns them.
pub(crate) const DEED_LEFT_OUT: HeaderName = HeaderName::from_static("deed-left-out");

/// Bytes that are no text.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the answer")]
struct File(Vec<u8>);

/// A device that gets a label.
struct Labelled {
    id: DeviceId,
    name: String,
}

/// Print labels by a query
///
/// As `POST /api/devices/labels`, for what can only follow an address. It makes keys like that one, so it is not safe in
/// the sense of RFC 9110: each request makes new ones. `HEAD` is answered with 405.
#[utoipa::path(
    get, path = "/api/devices/labels", tag = "claiming", security(("bearer" = []), ("x-authorization" = [])),
    params(request::LabelsParams),
    responses(
        (status = 200, description = "As of `POST`.", content(
            (inline(File) = "application/pdf"), (String = "image/svg+xml"), (inline(File) = "image/png"), (String = "application/zpl"),
        )),
        (status = 400, description = "As of `POST`."),
        (status = 404, description = "As of `POST`."),
        (status = 409, description = "As of `POST`."),
    )
)]
pub(crate) async fn print_labels_by_query(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    method: Method,
    headers: HeaderMap,
    command: CommandContext,
    base_url: BaseUrl,
    query: QueryParams,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        // The router would take it for a GET whose answer nobody wants to see, keys included.
        return Ok(([(header::ALLOW, "GET,POST")], ApiError::NoMethod(method)).into_response());
    }
    let request = LabelsRequest::read(&query)?;
    print(&state, admin, &headers, command, &base_url, request).await
}

/// Print labels
///
/// Each label holds a QR code with a link to the claim page, the device's name, and a claim key that is made for it and
/// shown nowhere else. Devices that a customer owns are left out, unless no keys are made. The devices and their names are
/// looked at before the first key is made: a request that is refused has made none. Then the answer is written as the keys
/// are made, however many there are; if the service cannot go on, the answer breaks off, and keys that nobody has seen run out
/// by themselves. A device that cannot be given a key any more keeps its place, which says why.
///
/// `textSearch`, `type`, `deviceProfileId` and `state` find what they find in `GET /api/devices/claiming`.
#[utoipa::path(
    post, path = "/api/devices/labels", tag = "claiming", security(("bearer" = []), ("x-authorization" = [])),
    request_body = request::LabelsParams,
    responses(
        (status = 200, description = "The labels, in the order of the request.", content(
            (inline(File) = "application/pdf"), (String = "image/svg+xml"), (inline(File) = "image/png"), (String = "application/zpl"),
        ), headers(
            ("Deed-Labels" = usize, description = "How many labels there are, with the places of devices that could be given \
                                              no key any more."),
            ("Deed-Left-Out" = usize, description = "How many devices were left out, because a customer owns them."),
        )),
        (status = 400, description = "The request is malformed; it names no device, more than 100,000, or more than one for \
                                      a picture; a name cannot be printed or is too long; the key would never be valid; or \
                                      `Idempotency-Key` is there: keys cannot be shown a second time."),
        (status = 404, description = "The tenant has no such device, or none that fits."),
        (status = 409, description = "Customers own all these devices."),
    )
)]
pub(crate) async fn print_labels(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    headers: HeaderMap,
    command: CommandContext,
    base_url: BaseUrl,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = LabelsRequest::read(&JsonObject::parse(&body)?)?;
    print(&state, admin, &headers, command, &base_url, request).await
}

async fn print(
    state: &Shared,
    admin: TenantAdmin,
    headers: &HeaderMap,
    command: CommandContext,
    base_url: &BaseUrl,
    request: LabelsRequest,
) -> Result<Response, ApiError> {
    if headers.contains_key("idempotency-key") {
        return Err(ApiError::invalid("Labels take no Idempotency-Key: their keys cannot be shown a second time"));
    }
    let LabelsRequest { format, keys, selection } = request;
    let devices = Devices::find(state, admin.tenant_id, selection, keys.is_some()).await?;
    if format.is_of_one() && devices.labelled.len() > 1 {
        let count = devices.labelled.len();
        return Err(ApiError::invalid(format!("A picture holds one label, and {count} devices are asked for")));
    }
    let devices = devices.checked(state, format, base_url, keys).await?;
    let (count, left_out) = (devices.labelled.len(), devices.left_out);
    let key = keys.map(|ends| NewKey { key: None, not_before: None, ends });
    let printer = Printer::new(state, command.caller(admin.user_id), admin.tenant_id, key, base_url);
    let body = printer.print(format, devices.labelled).await?;
    let file = format!("attachment; filename=\"labels.{}\"", format.extension());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, file),
        (DEED_LABELS, count.to_string()),
        (DEED_LEFT_OUT, left_out.to_string()),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}
