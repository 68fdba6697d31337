//! What is stored of a claim key: a keyed digest that names its pepper.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;

/// Names one of the configured peppers, so that peppers can be rotated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PepperId(pub String);

/// HMAC-SHA-256 of a claim key under a pepper, bound to tenant and device.
///
/// Stored as `<pepper id>:<64 hexadecimal digits>`. Has no `==`: compare with [`KeyDigest::matches`].
#[derive(Clone)]
pub struct KeyDigest {
    pepper: PepperId,
    hmac: [u8; 32],
}

/// The text is not `<pepper id>:<64 hexadecimal digits>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key digest")]
pub struct InvalidDigest;

impl KeyDigest {
    /// A digest made under the pepper of that id.
    pub const fn new(pepper: PepperId, hmac: [u8; 32]) -> Self {
        Self { pepper, hmac }
    }

    /// The pepper under which it was made.
    pub const fn pepper(&self) -> &PepperId {
        &self.pepper
    }

    /// Whether both are digests of the same key under the same pepper; takes the same time wherever they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.pepper == other.pepper && bool::from(self.hmac.ct_eq(&other.hmac))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`InvalidDigest`] if the text has another shape.
    pub fn parse(text: &str) -> Result<Self, InvalidDigest> {
        let (pepper, hex) = text.rsplit_once(':').ok_or(InvalidDigest)?;
        let hex = hex.as_bytes();
        if hex.len() != 64 || pepper.is_empty() {
            return Err(InvalidDigest);
        }
        let mut hmac = [0; 32];
        for (byte, pair) in hmac.iter_mut().zip(hex.as_chunks::<2>().0) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self { pepper: PepperId(pepper.to_owned()), hmac })
    }
}

const fn nibble(digit: u8) -> Result<u8, InvalidDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidDigest),
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0_u8; 64];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(self.hmac) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        write!(f, "{}:{}", self.pepper.0, str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({}:…)", self.pepper.0)
    }
}

/// Equality for tests and for comparing folded states; decisions use [`KeyDigest::matches`].
impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for KeyDigest {}

impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A presented key as `decide` sees it: one digest per configured pepper, the current one first.
#[derive(Clone, Debug)]
pub struct PresentedKey {
    digests: Vec<KeyDigest>,
    empty: bool,
}

impl PresentedKey {
    /// `digests`: one per configured pepper, the current pepper's first.
    pub const fn new(digests: Vec<KeyDigest>, empty: bool) -> Self {
        Self { digests, empty }
    }

    /// This key, or another reading of what was typed: either is as good. What would be stored is this one.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.digests.extend(other.digests);
        self
    }

    /// Whether the key was the empty text.
    pub const fn is_empty(&self) -> bool {
        self.empty
    }

    /// The digest under the current pepper: the one to store.
    pub fn current(&self) -> Option<&KeyDigest> {
        self.digests.first()
    }

    /// Whether this key is the one that `stored` was made from.
    pub fn matches(&self, stored: &KeyDigest) -> bool {
        self.digests.iter().fold(false, |found, digest| found | digest.matches(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_reads_back() {
        let digest = KeyDigest::new(PepperId("p:1".into()), std::array::from_fn(|i| i as u8 * 7));
        let back = KeyDigest::parse(&digest.to_string());
        assert!(back.is_ok_and(|back| back.matches(&digest)));
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in ["", "p1", "p1:", "p1:00", &format!("p1:{}", "G".repeat(64)), &format!(":{}", "0".repeat(64))] {
            assert!(KeyDigest::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn digests_of_different_peppers_never_match() {
        let a = KeyDigest::new(PepperId("a".into()), [1; 32]);
        let b = KeyDigest::new(PepperId("b".into()), [1; 32]);
        assert!(!a.matches(&b));
        assert!(PresentedKey::new(vec![a.clone(), b], false).matches(&a));
    }

    #[test]
    fn either_reading_of_a_key_matches_and_the_first_is_stored() {
        let key = |byte| PresentedKey::new(vec![KeyDigest::new(PepperId("a".into()), [byte; 32])], false);
        let both = key(1).or(key(2));
        let [one, two, three] = [1, 2, 3].map(|byte| KeyDigest::new(PepperId("a".into()), [byte; 32]));
        assert!(both.matches(&one) && both.matches(&two) && !both.matches(&three));
        assert_eq!(both.current(), Some(&one));
    }
}
