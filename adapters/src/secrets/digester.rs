//! Keyed digests of claim keys.

use std::{collections::HashSet, fmt};

use deed_domain::{
    claim_key::{ClaimKey, KeyDigest, PepperId, PresentedKey},
    ids::{DeviceId, TenantId},
    ports::KeyDigester,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a pepper's secret has at least, in bytes: as much as the digest that it keys.
pub const MIN_PEPPER_BYTES: usize = 32;

/// Keeps these digests apart from anything else that may ever be computed under a pepper.
const PURPOSE: &[u8] = b"deed/claim-key/1\0";

/// A server-side secret under which claim keys are digested. Shows nothing of the secret in `Debug`.
#[derive(Clone)]
pub struct Pepper {
    /// Stands in front of every digest made with it; not empty, without `:`.
    pub id: PepperId,
    /// At least [`MIN_PEPPER_BYTES`] random bytes.
    pub secret: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper").field("id", &self.id.0).finish_non_exhaustive()
    }
}

/// Why peppers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// There is none.
    #[error("there must be at least one pepper")]
    Missing,
    /// A pepper without a name.
    #[error("a pepper's id must not be empty")]
    EmptyId,
    /// The id could not be told from the digest behind it.
    #[error("the pepper id `{0}` must not contain `:`")]
    ColonInId(String),
    /// Two peppers of one name.
    #[error("there are two peppers with the id `{0}`")]
    DuplicateId(String),
    /// The secret can be guessed.
    #[error("the secret of pepper `{id}` has {bytes} bytes; it needs at least {MIN_PEPPER_BYTES}")]
    TooShort {
        /// The pepper.
        id: String,
        /// How many bytes it has.
        bytes: usize,
    },
}

/// Digests claim keys by HMAC-SHA-256, bound to tenant and device.
///
/// What is digested is the purpose, the tenant's and the device's 16 bytes each, and the key: only the last part
/// varies in length, so no two inputs give the same bytes.
pub struct HmacDigester {
    /// Each pepper's keyed state, ready to be copied.
    peppers: Vec<(PepperId, Hmac<Sha256>)>,
}

impl HmacDigester {
    /// Takes all peppers under which keys may stand; new keys are digested under the first.
    ///
    /// # Errors
    /// [`PepperError`] names the pepper that cannot be used.
    pub fn new(peppers: Vec<Pepper>) -> Result<Self, PepperError> {
        if peppers.is_empty() {
            return Err(PepperError::Missing);
        }
        let mut ids = HashSet::new();
        for Pepper { id: PepperId(id), .. } in &peppers {
            if !ids.insert(id) {
                return Err(PepperError::DuplicateId(id.clone()));
            }
        }
        Ok(Self { peppers: peppers.iter().map(keyed).collect::<Result<_, _>>()? })
    }
}

/// A pepper's id, and a digest of nothing by which the pepper is known again. It is shorter than what any key is digested in,
/// so that it is no key's digest.
pub type PepperCheck = (PepperId, [u8; 32]);

impl HmacDigester {
    /// The check of each pepper.
    pub fn checks(&self) -> Vec<PepperCheck> {
        self.peppers.iter().map(|(id, mac)| (id.clone(), mac.clone().finalize().into_bytes().into())).collect()
    }
}

fn keyed(Pepper { id, secret }: &Pepper) -> Result<(PepperId, Hmac<Sha256>), PepperError> {
    if id.0.is_empty() {
        return Err(PepperError::EmptyId);
    }
    if id.0.contains(':') {
        return Err(PepperError::ColonInId(id.0.clone()));
    }
    let too_short = || PepperError::TooShort { id: id.0.clone(), bytes: secret.len() };
    if secret.len() < MIN_PEPPER_BYTES {
        return Err(too_short());
    }
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| too_short())?;
    mac.update(PURPOSE);
    Ok((id.clone(), mac))
}

impl KeyDigester for HmacDigester {
    fn digest(&self, tenant_id: TenantId, device_id: DeviceId, key: &ClaimKey) -> PresentedKey {
        let digest = |(id, mac): &(PepperId, Hmac<Sha256>)| {
            let mac = mac
                .clone()
                .chain_update(tenant_id.0.as_bytes())
                .chain_update(device_id.0.as_bytes())
                .chain_update(key.expose().as_bytes());
            KeyDigest::new(id.clone(), mac.finalize().into_bytes().into())
        };
        PresentedKey::new(self.peppers.iter().map(digest).collect(), key.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(2));

    fn pepper(id: &str, byte: u8) -> Pepper {
        Pepper { id: PepperId(id.to_owned()), secret: Zeroizing::new(vec![byte; MIN_PEPPER_BYTES]) }
    }

    fn digest(digester: &HmacDigester, tenant_id: TenantId, device_id: DeviceId, key: &str) -> String {
        digester.digest(tenant_id, device_id, &ClaimKey::new(key)).current().unwrap().to_string()
    }

    /// Stored digests must stay readable for ever. Computed with another implementation of HMAC.
    #[test]
    fn the_digest_of_a_key_never_changes() {
        let digester = HmacDigester::new(vec![pepper("p1", 7)]).unwrap();
        assert_eq!(
            digest(&digester, TENANT, DEVICE, "S3CR3T"),
            "p1:f8ed1a22114040ff1ff096325176b83605c440ad1598c97befa547811646c7aa"
        );
    }

    #[test]
    fn tenant_device_key_and_pepper_each_change_it() {
        let digester = HmacDigester::new(vec![pepper("p", 7)]).unwrap();
        let other = HmacDigester::new(vec![pepper("p", 8)]).unwrap();
        let mut seen = HashSet::new();
        for digest in [
            digest(&digester, TENANT, DEVICE, "key"),
            digest(&digester, TenantId(DEVICE.0), DeviceId(TENANT.0), "key"),
            digest(&digester, TENANT, DeviceId(TENANT.0), "key"),
            digest(&digester, TENANT, DEVICE, "keY"),
            digest(&digester, TENANT, DEVICE, ""),
            digest(&other, TENANT, DEVICE, "key"),
        ] {
            assert!(seen.insert(digest));
        }
    }

    #[test]
    fn a_key_issued_under_an_old_pepper_is_still_known_after_a_rotation() {
        let before = HmacDigester::new(vec![pepper("old", 1)]).unwrap();
        let after = HmacDigester::new(vec![pepper("new", 2), pepper("old", 1)]).unwrap();
        let key = ClaimKey::new("key");
        let stored = before.digest(TENANT, DEVICE, &key);
        let presented = after.digest(TENANT, DEVICE, &key);
        assert!(presented.matches(stored.current().unwrap()));
        assert_eq!(presented.current().unwrap().pepper(), &PepperId("new".to_owned()));
        assert!(!presented.is_empty());
        assert!(after.digest(TENANT, DEVICE, &ClaimKey::new("")).is_empty());
    }

    #[test]
    fn peppers_that_cannot_be_used_are_refused_by_name() {
        let short = Pepper { id: PepperId("s".to_owned()), secret: Zeroizing::new(vec![0; 31]) };
        for (peppers, error) in [
            (vec![], PepperError::Missing),
            (vec![pepper("", 1)], PepperError::EmptyId),
            (vec![pepper("a:b", 1)], PepperError::ColonInId("a:b".to_owned())),
            (vec![pepper("a", 1), pepper("a", 2)], PepperError::DuplicateId("a".to_owned())),
            (vec![pepper("a", 1), short], PepperError::TooShort { id: "s".to_owned(), bytes: 31 }),
        ] {
            assert_eq!(HmacDigester::new(peppers).err(), Some(error));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        assert_eq!(format!("{:?}", pepper("p1", 77)), r#"Pepper { id: "p1", .. }"#);
    }
}
