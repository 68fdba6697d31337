//! Which keys an administrator may set.

use super::ClaimKey;

/// What an administrator's key must satisfy. The default accepts everything, as ThingsBoard does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The least number of characters; 0 = no limit.
    pub min_length: usize,
    /// Whether keys that anybody would try first are refused: one repeated character, a run such as `12345678`, or a
    /// well-known password.
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

/// Compared with the key's letters and digits in lower case.
const WELL_KNOWN: [&str; 12] = [
    "password",
    "passw0rd",
    "secret",
    "secretkey",
    "yoursecretkey",
    "changeme",
    "letmein",
    "welcome",
    "claimme",
    "qwerty",
    "qwertyuiop",
    "admin",
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
    let step = |by: i64| plain.windows(2).all(|w| i64::from(w[1] as u32) - i64::from(w[0] as u32) == by);
    if step(0) || step(1) || step(-1) {
        return true;
    }
    let word: String = plain.iter().collect();
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    WELL_KNOWN.iter().any(|known| *known == word || *known == stem)
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
        for key in ["aaaaaaaa", "12345678", "87654321", "abcdefgh", "Password123", "CHANGE-ME-1", "--------"] {
            assert_eq!(STRICT.check(&ClaimKey::new(key)), Err(WeakKey::Trivial), "{key}");
        }
        assert_eq!(STRICT.check(&ClaimKey::new("a1b2c3")), Err(WeakKey::TooShort { min_length: 8 }));
        assert_eq!(STRICT.check(&ClaimKey::new("MY_SECRET_KEY_123")), Ok(()));
    }
}
