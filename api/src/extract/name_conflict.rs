//! What becomes of a name that somebody else has (`docs/protocol.md`, customers).

use deed_domain::ports::Entropy;

use super::QueryParams;
use crate::error::ApiError;

/// How often another name is tried before the conflict is told.
const TRIES: u32 = 1_000;
const LONGEST_SEPARATOR: usize = 16;
const RANDOM_LENGTH: usize = 6;

/// What becomes of a name that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameConflict {
    /// The caller is told.
    Fail,
    /// The name gets an ending by which it is another one.
    Uniquify {
        /// Stands before the ending.
        separator: String,
        /// What the ending is.
        ending: Ending,
    },
}

/// By what a name becomes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A few letters and digits.
    Random,
    /// 1, 2, 3 …
    Incremental,
}

impl NameConflict {
    /// Reads `nameConflictPolicy`, `uniquifySeparator` and `uniquifyStrategy`.
    pub(crate) fn read(query: &QueryParams) -> Result<Self, ApiError> {
        let word = |name: &str| query.text(name).filter(|text| !text.is_empty());
        let unknown = |name: &str| ApiError::malformed(format!("Query parameter '{name}' has an unknown value"));
        let ending = match word("uniquifyStrategy") {
            None | Some("RANDOM") => Ending::Random,
            Some("INCREMENTAL") => Ending::Incremental,
            Some(_) => return Err(unknown("uniquifyStrategy")),
        };
        let separator = query.text("uniquifySeparator").unwrap_or("_");
        if separator.chars().count() > LONGEST_SEPARATOR {
            return Err(ApiError::malformed("Query parameter 'uniquifySeparator' is too long"));
        }
        match word("nameConflictPolicy") {
            None | Some("FAIL") => Ok(Self::Fail),
            Some("UNIQUIFY") => Ok(Self::Uniquify { separator: separator.to_owned(), ending }),
            Some(_) => Err(unknown("nameConflictPolicy")),
        }
    }

    /// The names to try in turn, the wanted one first.
    pub(crate) fn names(&self, wanted: &str, entropy: &dyn Entropy) -> impl Iterator<Item = String> {
        let tries = if *self == Self::Fail { 1 } else { TRIES };
        (0..tries).map(move |number| match self {
            Self::Uniquify { separator, ending } if number > 0 => {
                let ending = match ending {
                    Ending::Random => random(entropy),
                    Ending::Incremental => number.to_string(),
                };
                format!("{wanted}{separator}{ending}")
            }
            Self::Fail | Self::Uniquify { .. } => wanted.to_owned(),
        })
    }
}

fn random(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; RANDOM_LENGTH];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fives;

    impl Entropy for Fives {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(5);
        }
    }

    fn names(query: &str) -> Result<Vec<String>, ApiError> {
        Ok(NameConflict::read(&QueryParams::of(query))?.names("x", &Fives).take(3).collect())
    }

    #[test]
    fn a_taken_name_is_told_unless_another_one_is_asked_for() {
        for query in ["", "nameConflictPolicy=", "nameConflictPolicy=FAIL", "uniquifyStrategy=INCREMENTAL"] {
            assert_eq!(names(query).unwrap(), ["x"], "{query}");
        }
        assert_eq!(names("nameConflictPolicy=UNIQUIFY").unwrap(), ["x", "x_ffffff", "x_ffffff"]);
        let counted = "nameConflictPolicy=UNIQUIFY&uniquifySeparator=-&uniquifyStrategy=INCREMENTAL";
        assert_eq!(names(counted).unwrap(), ["x", "x-1", "x-2"]);
        let joined = "nameConflictPolicy=UNIQUIFY&uniquifySeparator=&uniquifyStrategy=INCREMENTAL";
        assert_eq!(names(joined).unwrap(), ["x", "x1", "x2"]);
    }

    #[test]
    fn unknown_words_are_refused() {
        for query in ["nameConflictPolicy=fail", "uniquifyStrategy=x", "uniquifySeparator=12345678901234567"] {
            assert!(names(query).is_err(), "{query}");
        }
    }
}
