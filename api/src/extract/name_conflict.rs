//! What becomes of a name that is taken (`docs/protocol.md`, devices and customers).

use std::future::Future;

use deed_domain::ports::Entropy;
use utoipa::{IntoParams, ToSchema};

use super::QueryParams;
use crate::error::ApiError;

/// Characters that make a name unique at random.
const RANDOM_LENGTH: usize = 6;
/// How often another name is tried, as others may take it first: many who ask at once for the next number all get one.
const TRIES: usize = 1_000;

/// How a save says what it wants then.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the query, which is read by `NameConflict::read`")]
pub(crate) struct NameConflictParams {
    /// `UNIQUIFY` gives it another name if its own is taken; `FAIL`, or nothing, refuses it.
    #[param(inline)]
    name_conflict_policy: Option<PolicyWord>,
    /// What stands between the name and its suffix; `_` if it is missing.
    uniquify_separator: Option<String>,
    /// What the suffix is: six letters and digits, or a number from 1 on that is free. `RANDOM` if it is missing.
    #[param(inline)]
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

/// What becomes of a name that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameConflict {
    /// It is refused.
    Fail,
    /// It gets the separator and a suffix behind it.
    Uniquify {
        /// Stands between the two.
        separator: String,
        /// What makes the name unique.
        suffix: Suffix,
    },
}

/// What makes a name unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// Six letters and digits.
    Random,
    /// A number from 1 on that is free.
    Incremental,
}

/// What came of a save.
pub(crate) enum Attempt<T> {
    /// It is saved.
    Saved(T),
    /// The name is taken, and this is how the caller is told.
    Taken(ApiError),
}

impl NameConflict {
    /// Reads `nameConflictPolicy`, `uniquifySeparator` and `uniquifyStrategy`.
    pub(crate) fn read(query: &QueryParams) -> Result<Self, ApiError> {
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

    /// Saves under that name, or under another one if the name is taken and that is wanted.
    pub(crate) async fn save<T, S, L>(
        &self,
        entropy: &dyn Entropy,
        name: &str,
        save: impl Fn(String) -> S,
        is_taken: impl Fn(String) -> L,
    ) -> Result<T, ApiError>
    where
        S: Future<Output = Result<Attempt<T>, ApiError>>,
        L: Future<Output = Result<bool, ApiError>>,
    {
        let mut attempt = save(name.to_owned()).await?;
        for _ in 0..TRIES {
            let (Self::Uniquify { separator, suffix }, Attempt::Taken(_)) = (self, &attempt) else { break };
            let beginning = format!("{name}{separator}");
            let other = match suffix {
                Suffix::Random => beginning + &random(entropy),
                Suffix::Incremental => numbered(&beginning, &is_taken).await?,
            };
            attempt = save(other).await?;
        }
        match attempt {
            Attempt::Saved(saved) => Ok(saved),
            Attempt::Taken(error) => Err(error),
        }
    }
}

fn random(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; RANDOM_LENGTH];
    entropy.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

/// The name with a number behind it that is free: the next one where the numbers in use have no gaps. It is found in steps
/// that double and then halve, so that a thousand bearers of one name do not take a thousand looks.
async fn numbered<L>(beginning: &str, is_taken: &impl Fn(String) -> L) -> Result<String, ApiError>
where
    L: Future<Output = Result<bool, ApiError>>,
{
    let name = |number: u64| format!("{beginning}{number}");
    let (mut taken, mut free) = (0, 1);
    while is_taken(name(free)).await? {
        (taken, free) = (free, free * 2);
    }
    while taken + 1 < free {
        let middle = taken.midpoint(free);
        if is_taken(name(middle)).await? {
            taken = middle;
        } else {
            free = middle;
        }
    }
    Ok(name(free))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct Fives;

    impl Entropy for Fives {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(5);
        }
    }

    fn read(query: &str) -> Result<NameConflict, String> {
        NameConflict::read(&QueryParams::of(query)).map_err(|error| error.to_string())
    }

    /// The name under which one called `x` is saved where these are taken.
    async fn saved(query: &str, taken: impl IntoIterator<Item = String>) -> Result<String, String> {
        let taken: BTreeSet<_> = taken.into_iter().collect();
        let save = async |name: String| {
            let told = || Attempt::Taken(ApiError::invalid("taken"));
            Ok(if taken.contains(&name) { told() } else { Attempt::Saved(name) })
        };
        let is_taken = async |name: String| Ok(taken.contains(&name));
        read(query)?.save(&Fives, "x", save, is_taken).await.map_err(|error| error.to_string())
    }

    fn up_to(last: u32) -> impl Iterator<Item = String> {
        std::iter::once("x".to_owned()).chain((1..=last).map(|number| format!("x_{number}")))
    }

    #[tokio::test]
    async fn a_taken_name_is_refused_unless_another_one_is_wanted() {
        for query in ["", "nameConflictPolicy=", "nameConflictPolicy=FAIL&uniquifyStrategy=INCREMENTAL"] {
            assert_eq!(saved(query, []).await, Ok("x".to_owned()), "{query}");
            assert_eq!(saved(query, up_to(0)).await, Err("taken".to_owned()), "{query}");
        }
        assert_eq!(saved("nameConflictPolicy=UNIQUIFY", up_to(0)).await, Ok("x_555555".to_owned()));
        let joined = "nameConflictPolicy=UNIQUIFY&uniquifySeparator=&uniquifyStrategy=INCREMENTAL";
        assert_eq!(saved(joined, up_to(0)).await, Ok("x1".to_owned()));
    }

    #[tokio::test]
    async fn numbers_go_on_where_they_ended() {
        for last in [0, 1, 2, 3, 7, 8, 1_000] {
            let counted = "nameConflictPolicy=UNIQUIFY&uniquifyStrategy=INCREMENTAL";
            assert_eq!(saved(counted, up_to(last)).await, Ok(format!("x_{}", last + 1)));
        }
    }

    #[tokio::test]
    async fn it_is_not_tried_for_ever() {
        let taken = ["x".to_owned(), "x_555555".to_owned()];
        assert_eq!(saved("nameConflictPolicy=UNIQUIFY", taken).await, Err("taken".to_owned()));
    }

    #[test]
    fn unknown_words_are_refused() {
        for query in ["nameConflictPolicy=x", "uniquifyStrategy=x", "nameConflictPolicy=fail"] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
