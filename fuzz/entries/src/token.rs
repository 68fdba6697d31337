//! JSON Web Tokens, with and without our signature.

use std::sync::{Arc, OnceLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deed_adapters::secrets::{JwtSigner, MIN_SIGNING_KEY_BYTES};
use deed_domain::{
    ports::{Clock, TokenError, TokenSigner},
    time::Timestamp,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha512;

const KEY: [u8; MIN_SIGNING_KEY_BYTES] = [7; MIN_SIGNING_KEY_BYTES];
const NOW: Timestamp = Timestamp(1_735_689_600_000);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A token: without our signature it is refused, whatever it is. The input as header, a line's end and claims, signed
/// by us, is accepted only if it names our algorithm, demands nothing and has not expired.
#[expect(clippy::expect_used, reason = "a key of this length makes a signer, and any key a HMAC")]
pub fn token(input: &[u8]) -> bool {
    static SIGNER: OnceLock<JwtSigner> = OnceLock::new();
    let signer = SIGNER.get_or_init(|| JwtSigner::new(&KEY, Arc::new(FixedClock)).expect("a long enough key"));
    if let Ok(text) = str::from_utf8(input) {
        assert_eq!(signer.verify(text), Err(TokenError::Malformed), "nobody else can sign");
    }

    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mac = Hmac::<Sha512>::new_from_slice(&KEY).expect("any length").chain_update(&message).finalize();
    let mut signature = mac.into_bytes();
    let signed = |signature: &[u8]| format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));

    let verified = signer.verify(&signed(&signature));
    if let Ok(claims) = &verified {
        let header: Value = serde_json::from_slice(header).unwrap_or_default();
        assert!(header["alg"] == "HS512" && header["crit"].is_null(), "{header}");
        assert!(claims.exp.saturating_mul(1000) > NOW.0, "expired at {}", claims.exp);
        let again = signer.sign(claims).and_then(|token| signer.verify(&token));
        assert_eq!(again.as_ref(), Ok(claims));
    }
    signature[0] ^= 1;
    assert_eq!(signer.verify(&signed(&signature)), Err(TokenError::Malformed), "a wrong signature");
    verified.is_ok()
}
