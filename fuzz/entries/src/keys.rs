//! Claim keys as people type them, and their digests as they are stored.

use deed_domain::claim_key::{ALPHABET, ClaimKey, GeneratedKey, KeyDigest};

/// A made key as it is typed: has one canonical form, which is its own and does not mind how it is typed.
pub fn generated_key(input: &[u8]) -> bool {
    let Ok(typed) = str::from_utf8(input) else { return false };
    let Some(key) = GeneratedKey::canonical(typed) else { return false };
    let text = key.expose();
    let groups: Vec<_> = text.split('-').collect();
    assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4), "four groups of four");
    assert!(groups.concat().bytes().all(|c| ALPHABET.contains(&c)), "only characters of the alphabet");
    for sloppily in [text.to_owned(), text.to_lowercase(), text.replace('-', " "), groups.concat()] {
        let again = GeneratedKey::canonical(&sloppily);
        assert_eq!(again.as_ref().map(ClaimKey::expose), Some(text), "one canonical form");
    }
    true
}

/// A stored digest: its text is the only one that it has, and is not shown.
pub fn key_digest(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Ok(digest) = KeyDigest::parse(text) else { return false };
    assert_eq!(digest.to_string(), text);
    assert!(digest.matches(&digest));
    assert_eq!(format!("{digest:?}"), format!("KeyDigest({}:…)", digest.pepper().0), "the digest is not shown");
    true
}
