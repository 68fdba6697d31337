//! `POST /api/customer`: adds a customer or saves one.

use axum::{Json, extract::State};
use deed_domain::{
    ids::CustomerId,
    ports::{AccountsError, Customer, CustomerValues, PUBLIC_CUSTOMER},
};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    endpoints::{
        contact::{check_title, read_contact, read_title, read_version},
        devices::DraftId,
    },
    error::ApiError,
    extract::{Attempt, JsonBody, JsonObject, NameConflict, NameConflictParams, QueryParams},
    state::{ApiState, Shared},
    wire::CustomerJson,
};

/// A customer to save. Further members of a customer are accepted and mean nothing.
#[derive(ToSchema)]
#[schema(as = CustomerToSave, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; `Wanted` is read from it")]
pub(crate) struct CustomerDraft {
    /// The customer to change; missing or null makes a new one.
    id: Option<DraftId>,
    /// The version that the client saw; missing or null overwrites.
    version: Option<i64>,
    /// Unique among the tenant's customers; `Public` is reserved.
    #[schema(example = "Customer A", max_length = 255)]
    title: String,
    /// Country.
    #[schema(max_length = 255)]
    country: Option<String>,
    /// State or province.
    #[schema(max_length = 255)]
    state: Option<String>,
    /// City.
    #[schema(max_length = 255)]
    city: Option<String>,
    /// Street and number.
    #[schema(max_length = 255)]
    address: Option<String>,
    /// What does not fit there.
    #[schema(max_length = 255)]
    address2: Option<String>,
    /// Postal code.
    #[schema(max_length = 255)]
    zip: Option<String>,
    /// Telephone number.
    #[schema(max_length = 255)]
    phone: Option<String>,
    /// An address for mail.
    #[schema(max_length = 255, example = "office@example.org")]
    email: Option<String>,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
}

/// What a request asks for.
#[derive(Debug)]
struct Wanted {
    id: Option<CustomerId>,
    version: Option<u32>,
    values: CustomerValues,
}

impl Wanted {
    fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let title = read_title(members, "Customer")?;
        if title == PUBLIC_CUSTOMER {
            return Err(ApiError::invalid("'Public' title for customer is system reserved!"));
        }
        Ok(Self {
            id: members.entity_id("id", "CUSTOMER")?.map(CustomerId),
            version: read_version(members, "Customer")?,
            values: CustomerValues {
                title,
                contact: read_contact(members)?,
                additional_info: members.object("additionalInfo")?,
            },
        })
    }
}

/// Add or save a customer
#[utoipa::path(
    post, path = "/api/customer", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(NameConflictParams),
    request_body = CustomerDraft,
    responses(
        (status = 200, description = "The customer as it is now.", body = CustomerJson),
        (status = 400, description = "The request is malformed or breaks a rule: the title is taken, reserved or missing."),
        (status = 404, description = "There is no customer of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the customer in between."),
    )
)]
pub(crate) async fn save_customer(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
    JsonBody(body): JsonBody,
) -> Result<Json<CustomerJson>, ApiError> {
    let on_conflict = NameConflict::read(&query)?;
    let wanted = Wanted::read(&JsonObject::parse(&body)?)?;
    if let Some(id) = wanted.id
        && super::find(&state, DeviceUser::Admin(admin), id).await?.is_public()
    {
        return Err(ApiError::invalid("The public customer cannot be changed!"));
    }
    save(&state, admin, wanted, &on_conflict).await.map(CustomerJson::from).map(Json)
}

async fn save(
    state: &ApiState,
    admin: TenantAdmin,
    wanted: Wanted,
    on_conflict: &NameConflict,
) -> Result<Customer, ApiError> {
    let Wanted { id, version, values } = wanted;
    let now = state.clock.now();
    let new_id = id.unwrap_or_else(|| CustomerId(state.entropy.new_id(now)));
    let save = async |title: String| {
        check_title(&title)?;
        let values = CustomerValues { title, ..values.clone() };
        let saved = match id {
            Some(id) => state.accounts.save_customer(id, version, values).await,
            None => {
                let customer = Customer::new(new_id, admin.tenant_id, now, values);
                state.accounts.add_customer(customer.clone()).await.map(|()| customer)
            }
        };
        match saved {
            Ok(customer) => Ok(Attempt::Saved(customer)),
            Err(error @ AccountsError::TitleTaken) => Ok(Attempt::Taken(super::refused(new_id, error))),
            Err(error) => Err(super::refused(new_id, error)),
        }
    };
    let is_taken = async |title: String| Ok(state.accounts.customer_titled(admin.tenant_id, &title).await?.is_some());
    on_conflict.save(&*state.entropy, &values.title, save, is_taken).await
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Wanted, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Wanted::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_title_is_enough_and_a_read_customer_can_be_sent_back() {
        let wanted = read(&json!({"title": "A", "name": "B", "tenantId": {"id": "x"}, "createdTime": "?"})).unwrap();
        assert_eq!(wanted.values, CustomerValues { title: "A".to_owned(), ..CustomerValues::default() });
        assert_eq!((wanted.id, wanted.version), (None, None));
    }

    #[test]
    fn the_public_title_is_reserved_in_that_spelling() {
        let refused = read(&json!({"title": "Public"})).unwrap_err();
        assert_eq!(refused, "'Public' title for customer is system reserved!");
        assert!(read(&json!({"title": "public"})).is_ok());
    }

    #[test]
    fn a_version_that_nothing_has_is_stale() {
        for version in [-1_i64, i64::MAX] {
            let error = read(&json!({"title": "A", "version": version})).unwrap_err();
            assert_eq!(error, "Customer was already changed by someone else");
        }
    }
}
