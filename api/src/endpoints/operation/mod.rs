//! What operates the service: health, metrics, the API's document. None of it needs credentials, and none names a
//! device, a key or a person.

pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod system_info;

/// Where the OpenAPI document is served.
pub(crate) const OPENAPI_PATH: &str = "/api/openapi.json";
