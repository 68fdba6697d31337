//! Password hashes: argon2id in PHC format.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error as HashError,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use async_trait::async_trait;
use deed_domain::ports::{Entropy, Password, PasswordHasher, StoreError};
use tokio::{sync::Semaphore, task};

/// The length of a salt, in bytes.
const SALT_BYTES: usize = 16;

/// What a hash costs whoever computes it. The default is the least that OWASP's cheat sheet on password storage asks
/// for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes; computed one after another.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// The cost is outside of what argon2 allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argon2 does not allow this cost: {0}")]
pub struct InvalidCost(String);

/// Hashes passwords with argon2id.
///
/// As many hashes are computed at once as the machine has cores, on threads of their own; the others wait. Each of them
/// has memory that the next one takes over. A flood of logins therefore takes no more memory than that, and none of the
/// threads that requests are answered on.
pub struct Argon2Hasher {
    params: Params,
    entropy: Arc<dyn Entropy>,
    slots: Arc<Semaphore>,
    memories: Arc<Memories>,
    /// Stands for the hash of a user who does not exist.
    decoy: Arc<str>,
}

/// The memory of hashes that are not being computed just now. Given back to the allocator each time, the blocks would
/// be scattered over the arenas of all threads and never returned to the system.
#[derive(Default)]
struct Memories(Mutex<Vec<Vec<Block>>>);

impl Memories {
    /// Runs `work` on a memory that nobody else has meanwhile.
    fn lend<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = idle().pop().unwrap_or_default();
        let result = work(&mut memory);
        idle().push(memory);
        result
    }
}

impl Argon2Hasher {
    /// New hashes have this cost; older ones are checked at the cost that they name. Computes one hash.
    ///
    /// # Errors
    /// [`InvalidCost`] if argon2 does not allow the cost.
    pub fn new(cost: Argon2Cost, entropy: Arc<dyn Entropy>) -> Result<Self, InvalidCost> {
        let invalid = |error: &dyn std::error::Error| InvalidCost(error.to_string());
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|e| invalid(&e))?;
        let memories = Arc::new(Memories::default());
        let decoy = memories.lend(|memory| hash(&params, &Password::new(""), new_salt(&*entropy), memory));
        let decoy = decoy.map_err(|e| invalid(&e))?.into();
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self { params, entropy, slots: Arc::new(Semaphore::new(cores)), memories, decoy })
    }

    /// Computes when its turn comes. The slot goes with the computation, which goes on when the caller is gone.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let unavailable = |error: &dyn std::error::Error| StoreError::Unavailable(format!("password hash: {error}"));
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|e| unavailable(&e))?;
        let memories = Arc::clone(&self.memories);
        let computed = task::spawn_blocking(move || {
            let _slot = slot;
            memories.lend(work)
        });
        computed.await.map_err(|e| unavailable(&e))?.map_err(|e| unavailable(&e))
    }
}

fn new_salt(entropy: &dyn Entropy) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt);
    salt
}

/// A new hash, as it is stored.
fn hash(
    params: &Params,
    password: &Password,
    salt: [u8; SALT_BYTES],
    memory: &mut Vec<Block>,
) -> Result<String, HashError> {
    let salt = Salt::new(&salt)?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let output = output(Argon2::new(algorithm, version, params.clone()), password, &salt, memory)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Whether the password is the one that the stored hash was made from, at the cost that it names.
fn is_right(stored: &str, password: &Password, memory: &mut Vec<Block>) -> Result<bool, HashError> {
    let stored = PasswordHash::new(stored)?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map_or(Ok(Version::default()), Version::try_from)?;
    let (salt, expected) = stored.salt.zip(stored.hash).ok_or(HashError::PasswordInvalid)?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
    // Outputs are compared in constant time.
    Ok(output(argon2, password, &salt, memory)? == expected)
}

fn output(argon2: Argon2<'_>, password: &Password, salt: &Salt, memory: &mut Vec<Block>) -> Result<Output, HashError> {
    let params = argon2.params();
    let mut bytes = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = bytes.get_mut(..length).ok_or(HashError::OutputSize)?;
    memory.resize(params.block_count(), Block::default());
    argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, memory)?;
    Ok(Output::new(out)?)
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: Password) -> Result<String, StoreError> {
        let (params, salt) = (self.params.clone(), new_salt(&*self.entropy));
        self.compute(move |memory| hash(&params, &password, salt, memory)).await
    }

    async fn verify(&self, password: Password, stored: Option<String>) -> Result<bool, StoreError> {
        let decoy = Arc::clone(&self.decoy);
        self.compute(move |memory| {
            let is_right = is_right(stored.as_deref().unwrap_or(&decoy), &password, memory)?;
            Ok(is_right && stored.is_some())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::surroundings::OsEntropy;

    const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn hasher() -> Argon2Hasher {
        Argon2Hasher::new(CHEAP, Arc::new(OsEntropy)).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_itself_is_accepted() {
        let hasher = hasher();
        let hash = hasher.hash(Password::new("pässword")).await.unwrap();
        for (password, accepted) in [("pässword", true), ("Pässword", false), ("", false)] {
            assert_eq!(hasher.verify(Password::new(password), Some(hash.clone())).await.unwrap(), accepted);
        }
        assert_ne!(hasher.hash(Password::new("pässword")).await.unwrap(), hash, "each hash has a salt of its own");
    }

    #[tokio::test]
    async fn without_a_user_no_password_is_accepted_and_the_work_is_the_same() {
        let hasher = hasher();
        assert!(!hasher.verify(Password::new(""), None).await.unwrap(), "even the decoy's own");
        let hash = hasher.hash(Password::new("a")).await.unwrap();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(&hasher.decoy));
        assert_eq!(cost(&hash).as_deref(), Some("$argon2id$v=19$m=8,t=1,p=1"));
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_still_checked() {
        let dearer = Argon2Hasher::new(Argon2Cost { passes: 3, ..CHEAP }, Arc::new(OsEntropy)).unwrap();
        let hash = dearer.hash(Password::new("a")).await.unwrap();
        assert!(hasher().verify(Password::new("a"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_stored_text_that_is_no_hash_is_a_failure_that_does_not_show_it() {
        let error = hasher().verify(Password::new("a"), Some("clear-text".to_owned())).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(why) if !why.contains("clear-text")), "{error}");
    }

    #[tokio::test]
    async fn hashes_wait_for_a_free_core() {
        let hasher = hasher();
        let cores = u32::try_from(hasher.slots.available_permits()).unwrap();
        let busy = hasher.slots.acquire_many(cores).await.unwrap();
        let mut waiting = std::pin::pin!(hasher.hash(Password::new("a")));
        assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
        drop(busy);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn many_hashes_take_the_memory_of_as_many_as_are_computed_at_once() {
        let hasher = Arc::new(hasher());
        let cores = hasher.slots.available_permits();
        let all = (0..4 * cores + 4).map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.verify(Password::new("a"), None).await })
        });
        for one in all.collect::<Vec<_>>() {
            assert!(!one.await.unwrap().unwrap());
        }
        let idle = hasher.memories.0.lock().unwrap();
        assert!((1..=cores).contains(&idle.len()), "{} memories for {cores} cores", idle.len());
        assert!(idle.iter().all(|memory| memory.len() == 8));
    }

    #[test]
    fn a_cost_that_argon2_does_not_allow_is_refused() {
        assert!(Argon2Hasher::new(Argon2Cost { memory_kib: 1, ..CHEAP }, Arc::new(OsEntropy)).is_err());
    }
}
