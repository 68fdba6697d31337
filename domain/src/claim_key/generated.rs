//! Keys that the service makes: hard to guess, easy to read aloud, with a character that catches slips.

use super::ClaimKey;

/// The 32 characters of a made key: digits and capitals without `0 O 1 I` (look-alikes).
pub const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Random bytes that one key takes. 15 characters are drawn from them, five bits each: 75 bits.
pub const KEY_ENTROPY_BYTES: usize = 15;

/// Characters in a group, the check character included in the last.
const GROUP: usize = 4;

/// A key made by the service: fifteen random characters and a check character, as `XXXX-XXXX-XXXX-XXXX`.
pub struct GeneratedKey;

impl GeneratedKey {
    /// The key for these random bytes; each byte gives one character.
    pub fn from_entropy(entropy: [u8; KEY_ENTROPY_BYTES]) -> ClaimKey {
        let mut values: Vec<usize> = entropy.iter().map(|byte| usize::from(byte % 32)).collect();
        values.push(check_value(&values));
        let mut text = String::with_capacity(values.len() + values.len() / GROUP);
        for (i, value) in values.iter().enumerate() {
            if i > 0 && i % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[*value]));
        }
        ClaimKey::new(text)
    }

    /// The canonical form of what a person typed, if it can be a made key: case, blanks and hyphens do not matter, and
    /// the look-alikes that the alphabet leaves out are not guessed at. `None` if the check character does not fit.
    ///
    /// A claim is tried with this form, too ([`crate::claims::Claims::claim`]): no other key can have been meant.
    pub fn canonical(typed: &str) -> Option<ClaimKey> {
        let mut values = Vec::with_capacity(KEY_ENTROPY_BYTES + 1);
        for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let upper = u8::try_from(c.to_ascii_uppercase()).ok()?;
            values.push(ALPHABET.iter().position(|a| *a == upper)?);
            if values.len() > KEY_ENTROPY_BYTES + 1 {
                return None;
            }
        }
        let entropy: [u8; KEY_ENTROPY_BYTES] =
            values.get(..KEY_ENTROPY_BYTES)?.iter().map(|v| *v as u8).collect::<Vec<_>>().try_into().ok()?;
        (values.get(KEY_ENTROPY_BYTES) == Some(&check_value(&values[..KEY_ENTROPY_BYTES])))
            .then(|| Self::from_entropy(entropy))
    }
}

/// Luhn's algorithm over 32 symbols: finds every single wrong character and nearly every swap of neighbours.
fn check_value(values: &[usize]) -> usize {
    let n = ALPHABET.len();
    let sum: usize = values
        .iter()
        .rev()
        .enumerate()
        .map(|(i, value)| if i % 2 == 0 { value * 2 / n + value * 2 % n } else { *value })
        .sum();
    (n - sum % n) % n
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_made_key_is_four_groups_of_four() {
        let key = GeneratedKey::from_entropy([0; 15]);
        assert_eq!(key.expose(), "2222-2222-2222-2222");
    }

    proptest! {
        #[test]
        fn typing_it_sloppily_gives_the_same_key(entropy: [u8; 15]) {
            let key = GeneratedKey::from_entropy(entropy);
            let typed = format!(" {} ", key.expose().to_lowercase().replace('-', " "));
            let read = GeneratedKey::canonical(&typed);
            prop_assert_eq!(read.as_ref().map(ClaimKey::expose), Some(key.expose()));
        }

        #[test]
        fn one_wrong_character_is_noticed(entropy: [u8; 15], at in 0..16_usize, by in 1..32_usize) {
            let key = GeneratedKey::from_entropy(entropy);
            let mut typed: Vec<u8> = key.expose().bytes().filter(|b| *b != b'-').collect();
            let old = ALPHABET.iter().position(|a| *a == typed[at]).unwrap_or_default();
            typed[at] = ALPHABET[(old + by) % 32];
            prop_assert!(GeneratedKey::canonical(&String::from_utf8_lossy(&typed)).is_none());
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,64}") {
            let _ = GeneratedKey::canonical(&text);
        }
    }
}
