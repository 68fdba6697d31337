//! Which tenant is meant.

use deed_adapters::Store;
use deed_domain::{
    ids::TenantId,
    ports::{AccountSort, PageRequest},
};

use crate::cli::CliError;

/// Tenants that are looked through.
const MOST: u32 = 1_000_000;

/// The tenant of that title or id, or the only one; `setting` is what says which one is wanted.
///
/// # Errors
/// [`CliError::Usage`] if it is not clear which one is meant; [`CliError::NotFound`] if there is none.
pub(super) async fn find(store: &dyn Store, wanted: Option<&str>, setting: &str) -> Result<TenantId, CliError> {
    let all =
        PageRequest { page: 0, page_size: MOST, text_search: None, sort: AccountSort::Creation, descending: false };
    let tenants = store.tenants(all).await?.rows;
    let titles =
        || tenants.iter().map(|tenant| format!("{:?} ({})", tenant.title, tenant.id)).collect::<Vec<_>>().join(", ");
    let Some(wanted) = wanted else {
        return match tenants.as_slice() {
            [] => Err(CliError::NotFound("there is no tenant".to_owned())),
            [only] => Ok(only.id),
            _ => Err(CliError::Usage(format!("{setting} has to say whose devices they are: {}", titles()))),
        };
    };
    let named: Vec<_> =
        tenants.iter().filter(|tenant| tenant.title == wanted || tenant.id.to_string() == wanted).collect();
    match named.as_slice() {
        [] => Err(CliError::NotFound(format!("there is no tenant {wanted:?}"))),
        [one] => Ok(one.id),
        _ => Err(CliError::Usage(format!(
            "several tenants are called {wanted:?}; say which one by its id: {}",
            titles()
        ))),
    }
}
