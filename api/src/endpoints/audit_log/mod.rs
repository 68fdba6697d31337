//! The log in the form of `ThingsBoard`'s audit log (`docs/protocol.md`, audit log), for tenants' administrators and auditors.

mod action;
pub(crate) mod entry;
mod names;
pub(crate) mod of_customer;
pub(crate) mod of_entity;
pub(crate) mod of_tenant;
pub(crate) mod of_user;
mod question;
mod reading;

use axum::Json;

use self::{entry::AuditLogJson, question::Question, reading::Reading};
use crate::{error::ApiError, state::ApiState, wire::PageJson};

type Answer = Result<Json<PageJson<AuditLogJson>>, ApiError>;

/// Reads the page that is asked for.
async fn answer(state: &ApiState, question: Question) -> Answer {
    let (page, page_size) = (question.page.page, question.page.page_size);
    let list = Reading::begin(state, question).page().await?;
    Ok(Json(PageJson::new(page, page_size, list)))
}
