//! JSON Web Tokens, signed with HS512 (`docs/protocol.md`, authentication).

use std::sync::Arc;

use deed_domain::ports::{Clock, TokenClaims, TokenError, TokenSigner};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};

use super::hs512;

/// What a signing key has at least, in bytes (RFC 7518, 3.2).
pub const MIN_SIGNING_KEY_BYTES: usize = 64;

/// What a token has at most, in bytes. A longer text is not looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why there is no signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The key is shorter than the signature.
    #[error("the token signing key has {bytes} bytes; it needs at least {MIN_SIGNING_KEY_BYTES}")]
    KeyTooShort {
        /// How many bytes it has.
        bytes: usize,
    },
    /// Another part of the program has set its own cryptography for tokens, for the whole process.
    #[error("the process already signs tokens in another way")]
    OtherProvider,
}

/// Signs and checks tokens with one secret key.
pub struct JwtSigner {
    header: Header,
    signing_key: EncodingKey,
    checking_key: DecodingKey,
    validation: Validation,
    clock: Arc<dyn Clock>,
}

impl JwtSigner {
    /// A signer with this key, whose tokens expire by that clock.
    ///
    /// # Errors
    /// [`SignerError`] says what is wrong.
    pub fn new(key: &[u8], clock: Arc<dyn Clock>) -> Result<Self, SignerError> {
        if key.len() < MIN_SIGNING_KEY_BYTES {
            return Err(SignerError::KeyTooShort { bytes: key.len() });
        }
        if !hs512::install() {
            return Err(SignerError::OtherProvider);
        }
        let mut validation = Validation::new(Algorithm::HS512);
        // The crate would read the wall clock and allow a leeway: `verify` compares with our clock instead.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Ok(Self {
            header: Header { typ: None, ..Header::new(Algorithm::HS512) },
            signing_key: EncodingKey::from_secret(key),
            checking_key: DecodingKey::from_secret(key),
            validation,
            clock,
        })
    }
}

impl TokenSigner for JwtSigner {
    fn sign(&self, claims: &TokenClaims) -> Result<String, TokenError> {
        encode(&self.header, claims, &self.signing_key).map_err(|_| TokenError::Malformed)
    }

    fn verify(&self, token: &str) -> Result<TokenClaims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let token = decode::<TokenClaims>(token, &self.checking_key, &self.validation);
        let token = token.map_err(|_| TokenError::Malformed)?;
        // Extensions that have to be understood are not (RFC 7515, 4.1.11).
        if token.header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        if self.clock.now().0 >= token.claims.exp.saturating_mul(1000) {
            return Err(TokenError::Expired);
        }
        Ok(token.claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use deed_domain::time::Timestamp;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 64] = [7; 64];
    const EXPIRES: i64 = 1_735_698_600;

    struct FixedClock(i64);

    impl Clock for FixedClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }
    }

    fn signer_at(milliseconds: i64) -> JwtSigner {
        JwtSigner::new(&KEY, Arc::new(FixedClock(milliseconds))).unwrap()
    }

    fn signer() -> JwtSigner {
        signer_at(EXPIRES * 1000 - 1)
    }

    fn claims() -> TokenClaims {
        TokenClaims {
            sub: "user@example.org".to_owned(),
            user_id: "u".to_owned(),
            scopes: vec!["TENANT_ADMIN".to_owned()],
            session_id: "s".to_owned(),
            exp: EXPIRES,
            iss: "thingsboard.io".to_owned(),
            iat: EXPIRES - 9_000,
            enabled: Some(true),
            is_public: false,
            tenant_id: Some("t".to_owned()),
            customer_id: None,
            first_name: None,
            last_name: None,
            jti: None,
        }
    }

    /// A token as another program would make it.
    fn forge<H: hmac::EagerHash>(header: &str, claims: &str, key: &[u8]) -> String
    where
        Hmac<H>: KeyInit + Mac,
    {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mac = <Hmac<H> as KeyInit>::new_from_slice(key).unwrap().chain_update(&message).finalize().into_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    fn claims_text() -> String {
        serde_json::to_string(&claims()).unwrap()
    }

    #[test]
    fn a_token_reads_back_and_is_what_any_program_would_make() {
        let token = signer().sign(&claims()).unwrap();
        assert_eq!(token, forge::<sha2::Sha512>(r#"{"alg":"HS512"}"#, &claims_text(), &KEY));
        assert_eq!(signer().verify(&token), Ok(claims()));
    }

    #[test]
    fn it_expires_in_the_very_millisecond() {
        let token = signer().sign(&claims()).unwrap();
        assert_eq!(signer_at(EXPIRES * 1000).verify(&token), Err(TokenError::Expired));
        let never = TokenClaims { exp: i64::MAX, ..claims() };
        assert_eq!(signer().verify(&signer().sign(&never).unwrap()), Ok(never));
    }

    #[test]
    fn an_expired_token_that_is_not_ours_is_not_called_expired() {
        let token = forge::<sha2::Sha512>(r#"{"alg":"HS512"}"#, &claims_text(), &[8; 64]);
        assert_eq!(signer_at(EXPIRES * 1000).verify(&token), Err(TokenError::Malformed));
    }

    #[test]
    fn no_other_algorithm_is_accepted() {
        let none =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims_text()));
        for token in [
            none,
            forge::<sha2::Sha256>(r#"{"alg":"HS256"}"#, &claims_text(), &KEY),
            forge::<sha2::Sha512>(r#"{"alg":"HS256"}"#, &claims_text(), &KEY),
            forge::<sha2::Sha512>(r#"{"alg":"RS512"}"#, &claims_text(), &KEY),
            forge::<sha2::Sha512>("{}", &claims_text(), &KEY),
        ] {
            assert_eq!(signer().verify(&token), Err(TokenError::Malformed), "{token}");
        }
    }

    #[test]
    fn a_header_may_name_its_type_but_demand_nothing() {
        let token = forge::<sha2::Sha512>(r#"{"typ":"JWT","alg":"HS512"}"#, &claims_text(), &KEY);
        assert_eq!(signer().verify(&token), Ok(claims()));
        let token = forge::<sha2::Sha512>(r#"{"alg":"HS512","crit":["b64"],"b64":false}"#, &claims_text(), &KEY);
        assert_eq!(signer().verify(&token), Err(TokenError::Malformed));
    }

    #[test]
    fn claims_of_another_shape_are_refused_even_if_signed() {
        for claims in ["", "null", "[]", "{}", &claims_text().replace("1735698600", "\"soon\"")] {
            let token = forge::<sha2::Sha512>(r#"{"alg":"HS512"}"#, claims, &KEY);
            assert_eq!(signer().verify(&token), Err(TokenError::Malformed), "{claims}");
        }
    }

    #[test]
    fn a_text_too_long_for_a_token_is_not_looked_at() {
        let long = TokenClaims { sub: "x".repeat(MAX_TOKEN_BYTES), ..claims() };
        let token = signer().sign(&long).unwrap();
        assert_eq!(signer().verify(&token), Err(TokenError::Malformed));
    }

    #[test]
    fn a_short_key_is_refused() {
        let error = JwtSigner::new(&KEY[..63], Arc::new(FixedClock(0))).err();
        assert_eq!(error, Some(SignerError::KeyTooShort { bytes: 63 }));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused() {
        let signer = signer();
        let token = signer.sign(&claims()).unwrap();
        for (at, bit) in (0..token.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(signer.verify(&text), Err(TokenError::Malformed), "bit {bit} of byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,256}", header in ".{0,64}", claims in ".{0,64}") {
            prop_assert_eq!(signer().verify(&text), Err(TokenError::Malformed));
            let token = forge::<sha2::Sha512>(&header, &claims, &KEY);
            prop_assert_eq!(signer().verify(&token), Err(TokenError::Malformed));
        }

        #[test]
        fn whatever_stands_in_the_claims_reads_back(sub in ".{0,64}", exp in EXPIRES.., name in proptest::option::of(".{0,32}")) {
            let claims = TokenClaims { sub, exp, first_name: name, ..claims() };
            let token = signer().sign(&claims).unwrap();
            prop_assert_eq!(signer().verify(&token), Ok(claims));
        }
    }
}
