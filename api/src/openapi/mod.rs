//! The OpenAPI document: generated from the endpoints, served by one of them, and committed as `docs/openapi.json`.

mod device_api;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    endpoints,
    error::{ErrorBody, Problem},
};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

const TOO_LARGE: &str = "413";

/// How the description of a refusal ends that is answered without a body in any form.
const NO_BODY: &str = "No body.";

/// Where the body of a `POST` may be left out, and is an object otherwise. An `Option` would say that it may be null, too.
const BODY_MAY_BE_LEFT_OUT: [&str; 2] = ["/api/v1/{token}/claim", "/api/devices/{deviceId}/claim-keys"];

/// What the paths of devices begin with.
const DEVICE_API: &str = "/api/v1/";

/// What stands for the device in them, where it has a token already.
const DEVICE_TOKEN: &str = "{token}";

/// The document of every endpoint of this crate, and of the device API.
pub fn document() -> Document {
    let (_, paths) = endpoints::routes().split_for_parts();
    let mut document = Base::openapi();
    document.merge(paths);
    document.merge(device_api::DeviceApi::openapi());
    CommonResponses.modify(&mut document);
    document
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "deed",
        description = "Device claiming: ThingsBoard-compatible endpoints, and native ones for claim keys and audits. \
                       Those under /api/v1 are for devices."
    ),
    components(schemas(ErrorBody, Problem)),
    modifiers(&SecuritySchemes),
    tags(
        (name = "authentication", description = "Signing in"),
        (name = "api keys", description = "Credentials for programs, in the place of a person's token"),
        (name = "users", description = "People who sign in"),
        (name = "activation", description = "A new user's first password, and another one for a forgotten one"),
        (name = "tenants", description = "Manufacturers and integrators, for those who run the platform"),
        (name = "customers", description = "Who can own the tenant's devices"),
        (name = "devices", description = "The tenant's devices"),
        (name = "device profiles", description = "Kinds of devices"),
        (name = "attributes", description = "Attributes of devices, the claiming ones included"),
        (name = "claiming", description = "Claim, reclaim, claim keys"),
        (name = "device API", description = "What devices call, unless `transport.http.enabled` is false. The access token in \
                                             the path is the only credential, where it has one: headers with others are \
                                             not looked at"),
        (name = "audit", description = "What happened, for administrators and auditors"),
        (name = "operation", description = "Health, metrics, this document"),
    )
)]
struct Base;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let header = ApiKeyValue::with_description("X-Authorization", "`Bearer <token>`; wins over `Authorization`");
        components.add_security_scheme("x-authorization", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// The methods of each path of the device API.
pub(crate) fn device_methods() -> Vec<(String, Vec<&'static str>)> {
    let paths = device_api::DeviceApi::openapi().paths.paths;
    let methods = |item: &PathItem| {
        let all = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
        all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
    };
    paths.into_iter().map(|(path, item)| (path, methods(&item))).collect()
}

/// Adds what every operation of a kind can answer, so that no endpoint has to repeat it, and the problem form of each
/// error.
struct CommonResponses;

impl Modify for CommonResponses {
    fn modify(&self, document: &mut Document) {
        for (path, item) in &mut document.paths.paths {
            for operation in operations(item) {
                add_common(path, operation);
                if let Some(RefOr::T(body)) = &mut operation.request_body
                    && BODY_MAY_BE_LEFT_OUT.contains(&path.as_str())
                {
                    body.required = None;
                }
                for (status, response) in &mut operation.responses.responses {
                    if let RefOr::T(response) = response
                        && (status.starts_with('4') || status.starts_with('5'))
                        && !response.description.ends_with(NO_BODY)
                    {
                        add_error_content(status, response);
                    }
                }
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().filter_map(Option::as_mut)
}

fn add_common(path: &str, operation: &mut Operation) {
    if !path.starts_with("/api/") || path == endpoints::OPENAPI_PATH {
        return;
    }
    let mut add = |status: &str, description: &str| {
        let response = ResponseBuilder::new().description(description).build();
        operation.responses.responses.entry(status.into()).or_insert(RefOr::T(response));
    };
    add("500", "A fault of the service.");
    add("503", "The store is not available, or too much is waiting. `Retry-After` says when to try again.");
    if operation.request_body.is_some() {
        add("400", "The request is malformed.");
        add("408", "The body did not arrive in time.");
        add(
            TOO_LARGE,
            "The body is too large. The answer is a JSON string without a `Content-Type`, or problem details.",
        );
    }
    if path.starts_with(DEVICE_API) && path.contains(DEVICE_TOKEN) {
        add("401", "No device has this token, whatever else is wrong with the request. No body.");
        add("429", "The device has sent as much as it may. `Retry-After` says how long to wait. No body.");
    }
    if operation.security.is_some() {
        add("401", "No credentials, or credentials that are not accepted.");
        add("403", "The caller may not do that.");
        add("429", "The tenant or the customer has sent as much as it may. `Retry-After` says how long to wait.");
    }
}

fn add_error_content(status: &str, response: &mut Response) {
    // A document cannot say that there may be no `Content-Type`.
    if status == TOO_LARGE {
        return;
    }
    let of = |name: &str| RefOr::T(ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build());
    if response.content.is_empty() {
        response.content.insert(JSON.into(), of("ErrorBody"));
    }
    response.content.insert(PROBLEM.into(), of("Problem"));
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test that is told to write the file anew")]
    fn the_committed_document_is_the_one_that_the_code_makes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let generated = document().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("DEED_BLESS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "docs/openapi.json is out of date; write it anew with: DEED_BLESS=1 cargo test -p deed-api openapi"
        );
    }

    #[test]
    fn a_body_that_may_be_left_out_is_no_null() {
        let paths = &serde_json::to_value(document()).unwrap()["paths"];
        for path in BODY_MAY_BE_LEFT_OUT {
            let body = &paths[path]["post"]["requestBody"];
            assert!(body.is_object() && body["required"] != true, "{path}");
            assert!(body["content"][JSON]["schema"]["$ref"].is_string(), "{path}: {body}");
        }
    }

    #[test]
    fn what_the_document_refers_to_is_in_it() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        let described: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                assert!(described.contains(&&operation["tags"][0]), "{path}");
            }
        }
    }

    #[test]
    fn every_operation_is_described_and_secured_unless_it_is_open() {
        let open = [
            "/api/auth/login",
            "/api/auth/login/public",
            "/api/auth/token",
            "/api/openapi.json",
            "/health/live",
            "/health/ready",
            "/metrics",
        ];
        let is_open =
            |path: &str| open.contains(&path) || path.starts_with("/api/noauth/") || path.starts_with(DEVICE_API);
        for (path, item) in &mut document().paths.paths {
            for operation in operations(item) {
                assert!(operation.summary.is_some(), "{path} has no summary");
                assert_eq!(operation.security.is_none(), is_open(path), "{path}");
                assert!(operation.tags.as_ref().is_some_and(|tags| tags.len() == 1), "{path}");
            }
        }
    }
}
