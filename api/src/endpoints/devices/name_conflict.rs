//! What becomes of a device whose name is taken.

use std::future::Future;

use deed_domain::{
    claims::Failure,
    ids::TenantId,
    ports::{AppendError, Appended, Entropy, UniqueClaim},
    texts::check_name,
};

use utoipa::{IntoParams, ToSchema};

use crate::{error::ApiError, extract::QueryParams, state::ApiState};

/// Characters that make a name unique at random.
const RANDOM_LENGTH: usize = 6;
/// How often another name is tried, as others may take it first.
const TRIES: usize = 10;

/// How a save says what it wants then.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the query, which is read by `NameConflict::read`")]
pub(crate) struct NameConflictParams {
    /// `UNIQUIFY` gives the device another name if its own is taken; `FAIL`, or nothing, refuses it.
    name_conflict_policy: Option<PolicyWord>,
    /// What stands between the name and its suffix; `_` if it is missing.
    uniquify_separator: Option<String>,
    /// What the suffix is: six letters and digits, or a number from 1 on that is free. `RANDOM` if it is missing.
    uniquify_strategy: Option<StrategyWord>,
}

/// Whether a taken name is refused.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "describes the query")]
enum PolicyWord {
    Fail,
    Uniquify,
}

/// How another name is made.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "describes the query")]
enum StrategyWord {
    Random,
    Incremental,
}

/// What becomes of a device whose name is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameConflict {
    /// It is refused.
    Fail,
    /// It gets the name with the separator and a suffix behind it.
    Uniquify { separator: String, suffix: Suffix },
}

/// What makes a name unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    /// Six letters and digits.
    Random,
    /// A number from 1 on that is free.
    Incremental,
}

impl NameConflict {
    pub(super) fn read(query: &QueryParams) -> Result<Self, ApiError> {
        let given = |name| query.text(name).filter(|text| !text.is_empty());
        let unknown = |name| ApiError::malformed(format!("Query parameter '{name}' has an unknown value"));
        let suffix = match given("uniquifyStrategy") {
            None | Some("RANDOM") => Suffix::Random,
            Some("INCREMENTAL") => Suffix::Incremental,
            Some(_) => return Err(unknown("uniquifyStrategy")),
        };
        match given("nameConflictPolicy") {
            None | Some("FAIL") => Ok(Self::Fail),
            Some("UNIQUIFY") => {
                let separator = query.text("uniquifySeparator").unwrap_or("_").to_owned();
                Ok(Self::Uniquify { separator, suffix })
            }
            Some(_) => Err(unknown("nameConflictPolicy")),
        }
    }

    /// Saves a device under its name, or under another one if the name is taken and that is wanted.
    pub(super) async fn save<F: Future<Output = Result<Appended, ApiError>>>(
        &self,
        state: &ApiState,
        tenant_id: TenantId,
        name: &str,
        save: impl Fn(String) -> F,
    ) -> Result<Appended, ApiError> {
        let mut result = save(name.to_owned()).await;
        for _ in 0..TRIES {
            let Self::Uniquify { separator, suffix } = self else { break };
            if !is_name_taken(&result) {
                break;
            }
            let name = match suffix {
                Suffix::Random => format!("{name}{separator}{}", random(&*state.entropy)),
                Suffix::Incremental => numbered(state, tenant_id, &format!("{name}{separator}")).await?,
            };
            check_name("name", &name).map_err(|why| ApiError::invalid(why.to_string()))?;
            result = save(name).await;
        }
        result
    }
}

fn is_name_taken(result: &Result<Appended, ApiError>) -> bool {
    matches!(result, Err(ApiError::Failed(Failure::NotAppended(AppendError::Taken(UniqueClaim::DeviceName(..))))))
}

fn random(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; RANDOM_LENGTH];
    entropy.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

/// The name with a number behind it that is free: the next one where the numbers in use have no gaps. It is found in steps
/// that double and then halve, so that a thousand devices of one name do not take a thousand looks.
async fn numbered(state: &ApiState, tenant_id: TenantId, beginning: &str) -> Result<String, ApiError> {
    let name = |number: u64| format!("{beginning}{number}");
    let is_taken = async |number| -> Result<bool, ApiError> {
        Ok(state.read_models.device_named(tenant_id, &name(number)).await?.is_some())
    };
    let (mut taken, mut free) = (0, 1);
    while is_taken(free).await? {
        (taken, free) = (free, free * 2);
    }
    while taken + 1 < free {
        let middle = taken.midpoint(free);
        if is_taken(middle).await? {
            taken = middle;
        } else {
            free = middle;
        }
    }
    Ok(name(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<NameConflict, String> {
        NameConflict::read(&QueryParams::of(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_taken_name_is_refused_unless_another_one_is_wanted() {
        assert_eq!(read(""), Ok(NameConflict::Fail));
        assert_eq!(read("nameConflictPolicy=FAIL&uniquifySeparator=-"), Ok(NameConflict::Fail));
        let uniquify = |separator: &str, suffix| Ok(NameConflict::Uniquify { separator: separator.to_owned(), suffix });
        assert_eq!(read("nameConflictPolicy=UNIQUIFY"), uniquify("_", Suffix::Random));
        assert_eq!(
            read("nameConflictPolicy=UNIQUIFY&uniquifySeparator=&uniquifyStrategy=INCREMENTAL"),
            uniquify("", Suffix::Incremental)
        );
        for query in ["nameConflictPolicy=x", "uniquifyStrategy=x", "nameConflictPolicy=fail"] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
