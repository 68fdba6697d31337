//! The endpoints, one file each.

mod activation;
mod api_keys;
mod attributes;
mod audit;
mod audit_log;
mod authentication;
mod claim_keys;
mod claiming;
mod contact;
mod credentials;
mod customers;
mod device_profiles;
mod devices;
mod forgotten_password;
mod operation;
mod tenants;
mod users;

use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use devices::labels::{DEED_LABELS, DEED_LEFT_OUT};
pub use forgotten_password::reset_link;
pub(crate) use operation::OPENAPI_PATH;

use crate::state::Shared;

/// Every route, with its part of the OpenAPI document.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(authentication::log_in::log_in))
        .routes(routes!(authentication::log_in_public::log_in_public))
        .routes(routes!(authentication::refresh::refresh))
        .routes(routes!(authentication::who_am_i::who_am_i))
        .routes(routes!(users::save::save_user))
        .routes(routes!(users::read::user, users::delete::delete_user))
        .routes(routes!(users::set_enabled::set_user_credentials_enabled))
        .routes(routes!(users::activation_link::activation_link))
        .routes(routes!(users::activation_link::activation_link_info))
        .routes(routes!(users::send_activation_mail::send_activation_mail))
        .routes(routes!(users::list::users))
        .routes(routes!(users::list::users_of_user))
        .routes(routes!(users::list_infos::user_infos))
        .routes(routes!(users::list_of_customer::users_of_customer))
        .routes(routes!(users::list_of_tenant::administrators_of_tenant))
        .routes(routes!(activation::follow::follow_activation_link, activation::activate::activate))
        .routes(routes!(forgotten_password::ask::reset_password_by_email))
        .routes(routes!(forgotten_password::follow::follow_reset_link, forgotten_password::reset::reset_password))
        .routes(routes!(authentication::log_out::log_out))
        .routes(routes!(authentication::change_password::change_password))
        .routes(routes!(authentication::password_policy::password_policy))
        .routes(routes!(authentication::act_as::act_as))
        .routes(routes!(api_keys::create::create_api_key))
        .routes(routes!(api_keys::list::list_api_keys))
        .routes(routes!(api_keys::describe::describe_api_key))
        .routes(routes!(api_keys::enable::enable_api_key))
        .routes(routes!(api_keys::delete::delete_api_key))
        .routes(routes!(customers::save::save_customer))
        .routes(routes!(customers::read::customer, customers::delete::delete_customer))
        .routes(routes!(customers::read_short::short_customer))
        .routes(routes!(customers::read_title::customer_title))
        .routes(routes!(customers::list::customers))
        .routes(routes!(customers::list_infos::customer_infos))
        .routes(routes!(customers::read_by_title::customer_by_title))
        .routes(routes!(tenants::save::save_tenant))
        .routes(routes!(tenants::read::tenant, tenants::delete::delete_tenant))
        .routes(routes!(tenants::read_info::tenant_info))
        .routes(routes!(tenants::list::tenants))
        .routes(routes!(tenants::profile::default_tenant_profile))
        .routes(routes!(device_profiles::save::save_device_profile))
        .routes(routes!(device_profiles::read::device_profile, device_profiles::delete::delete_device_profile))
        .routes(routes!(device_profiles::make_default::make_device_profile_default))
        .routes(routes!(device_profiles::names::device_profile_names))
        .routes(routes!(device_profiles::list::device_profiles))
        .routes(routes!(device_profiles::read_info::default_device_profile_info))
        .routes(routes!(device_profiles::read_info::device_profile_info))
        .routes(routes!(device_profiles::list_infos::device_profile_infos))
        .routes(routes!(devices::save::save_device))
        .routes(routes!(devices::bulk_import::bulk_import))
        .routes(routes!(devices::read::device, devices::delete::delete_device))
        .routes(routes!(devices::save_with_credentials::save_device_with_credentials))
        .routes(routes!(devices::read_info::device_info))
        .routes(routes!(devices::read_of_tenant::tenant_devices))
        .routes(routes!(devices::read_of_tenant::device_by_name))
        .routes(routes!(devices::read_several::devices))
        .routes(routes!(devices::types::device_types))
        .routes(routes!(devices::list_claiming::devices_by_claiming))
        .routes(routes!(devices::labels::print_labels_by_query, devices::labels::print_labels))
        .routes(routes!(devices::list_infos::tenant_device_infos))
        .routes(routes!(devices::list_infos::device_infos))
        .routes(routes!(devices::list_of_user::user_devices))
        .routes(routes!(devices::list_of_customer::customer_devices))
        .routes(routes!(devices::list_of_customer::customer_device_infos))
        .routes(routes!(devices::assign::assign_device))
        .routes(routes!(devices::make_public::make_device_public))
        .routes(routes!(devices::unassign::unassign_device))
        .routes(routes!(devices::change_owner::give_to_customer))
        .routes(routes!(devices::change_owner::give_to_tenant))
        .routes(routes!(credentials::read::device_credentials))
        .routes(routes!(credentials::replace::save_credentials))
        .routes(routes!(attributes::save::save, attributes::delete::delete))
        .routes(routes!(attributes::save::save_second_form))
        .routes(routes!(attributes::save::save_of_device, attributes::delete::delete_of_device))
        .routes(routes!(attributes::read_values::values))
        .routes(routes!(attributes::read_values::values_in_scope))
        .routes(routes!(attributes::read_keys::keys))
        .routes(routes!(attributes::read_keys::keys_in_scope))
        .routes(routes!(claiming::claim::claim, claiming::reclaim::reclaim))
        .routes(routes!(claim_keys::add::add_key, claim_keys::list::list_keys))
        .routes(routes!(claim_keys::revoke::revoke_key))
        .routes(routes!(audit::devices::audited_devices))
        .routes(routes!(audit::device_names::device_names))
        .routes(routes!(audit::device_events::device_events))
        .routes(routes!(audit::device_state::device_state))
        .routes(routes!(audit::device_ownership::device_ownership))
        .routes(routes!(audit::device_claim_history::device_claim_history))
        .routes(routes!(audit::tenant_events::tenant_events))
        .routes(routes!(audit::add_auditor::add_auditor))
        .routes(routes!(audit_log::of_tenant::tenant_audit_log))
        .routes(routes!(audit_log::of_entity::entity_audit_log))
        .routes(routes!(audit_log::of_customer::customer_audit_log))
        .routes(routes!(audit_log::of_user::user_audit_log))
        .routes(routes!(operation::health::live))
        .routes(routes!(operation::health::ready))
        .routes(routes!(operation::system_info::system_info))
        .routes(routes!(operation::metrics::metrics))
        .routes(routes!(operation::openapi::openapi_document))
}
