//! Which keys an administrator may set.

use std::collections::BTreeSet;

use super::ClaimKey;

/// What an administrator's key must satisfy. The default accepts everything, as ThingsBoard does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The least number of characters; 0 = no limit.
    pub min_length: usize,
    /// Whether keys that anybody would try first are refused: fewer than five different letters and digits, a run such as
    /// `12345678`, a text repeated, or a well-known word, also with digits around it. The device's name is not compared.
    pub refuse_trivial: bool,
}

/// Why a key is not accepted. Says nothing about the key but what the policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Fewer characters than the policy asks for.
    #[error("the claim key must have at least {min_length} characters")]
    TooShort {
        /// The least number of characters.
        min_length: usize,
    },
    /// Anybody would try it first.
    #[error("the claim key is too easy to guess")]
    Trivial,
}

/// The fewest different letters and digits that a key must have.
const FEWEST_DIFFERENT: usize = 5;

/// Compared with the key's letters and digits in lower case.
const WELL_KNOWN: [&str; 44] = [
    "abc",
    "access",
    "admin",
    "administrator",
    "asdfgh",
    "asdfghjkl",
    "baseball",
    "changeit",
    "changeme",
    "claim",
    "claimkey",
    "claimme",
    "default",
    "device",
    "dragon",
    "football",
    "guest",
    "hello",
    "iloveyou",
    "letmein",
    "login",
    "master",
    "monkey",
    "mykey",
    "mysecretkey",
    "passw0rd",
    "password",
    "princess",
    "qazwsx",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "root",
    "secret",
    "secretkey",
    "sunshine",
    "superman",
    "test",
    "thingsboard",
    "user",
    "welcome",
    "yoursecretkey",
    "zxcvbn",
    "zxcvbnm",
];

impl KeyPolicy {
    /// Whether the key may be set.
    ///
    /// # Errors
    /// [`WeakKey`] says what the policy asks for.
    pub fn check(&self, key: &ClaimKey) -> Result<(), WeakKey> {
        let text = key.expose();
        if text.chars().count() < self.min_length {
            return Err(WeakKey::TooShort { min_length: self.min_length });
        }
        if self.refuse_trivial && is_trivial(text) {
            return Err(WeakKey::Trivial);
        }
        Ok(())
    }
}

fn is_trivial(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    has_few_characters(&plain) || is_run(&plain) || is_repeated(&plain) || is_well_known(&plain)
}

fn has_few_characters(plain: &[char]) -> bool {
    plain.iter().collect::<BTreeSet<_>>().len() < FEWEST_DIFFERENT
}

/// `12345678`, `hgfedcba`, and what goes on at the other end of the digits: `567890123`.
fn is_run(plain: &[char]) -> bool {
    let digit = |c: char| c.to_digit(10).map(i64::from);
    let follows = |a: char, b: char, by: i64| match (digit(a), digit(b)) {
        (Some(a), Some(b)) => (a + by).rem_euclid(10) == b,
        _ => i64::from(b as u32) - i64::from(a as u32) == by,
    };
    [1, -1].into_iter().any(|by| plain.windows(2).all(|pair| follows(pair[0], pair[1], by)))
}

/// The same text several times over.
fn is_repeated(plain: &[char]) -> bool {
    (1..=plain.len() / 2).any(|unit| plain.iter().zip(&plain[unit..]).all(|(a, b)| a == b))
}

/// A word that everybody tries, alone or with digits around it.
fn is_well_known(plain: &[char]) -> bool {
    let word: String = plain.iter().collect();
    let stem = word.trim_matches(|c: char| c.is_ascii_digit());
    WELL_KNOWN.contains(&word.as_str()) || WELL_KNOWN.contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: KeyPolicy = KeyPolicy { min_length: 8, refuse_trivial: true };

    #[test]
    fn the_default_accepts_everything() {
        for key in ["", "1", "password"] {
            assert_eq!(KeyPolicy::default().check(&ClaimKey::new(key)), Ok(()));
        }
    }

    #[test]
    fn trivial_keys_are_refused() {
        for key in [
            "aaaaaaaa",
            "12345678",
            "87654321",
            "1234567890",
            "12345678901234567890",
            "567890123",
            "abcdefgh",
            "1111111112",
            "aaaaaaaaab",
            "abcabcabcabc",
            "abcdeabcdeab",
            "passwordpassword",
            "Password123",
            "123password",
            "iloveyou12",
            "CHANGE-ME-1",
            "--------",
        ] {
            assert_eq!(STRICT.check(&ClaimKey::new(key)), Err(WeakKey::Trivial), "{key}");
        }
        assert_eq!(STRICT.check(&ClaimKey::new("a1b2c3")), Err(WeakKey::TooShort { min_length: 8 }));
        for key in ["MY_OTHER_KEY_123", "7KQM-2WXR-HT4P-9BDE", "correct horse", "Wohnzimmer-77"] {
            assert_eq!(STRICT.check(&ClaimKey::new(key)), Ok(()), "{key}");
        }
    }
}
