//! The use cases around users.
//!
//! | file | what it holds |
//! |---|---|
//! | `access` | who may do what to which user |
//! | `saving` | adding users and saving them |
//! | `accounts` | reading, enabling and deleting them |
//! | `activation` | links with which a new user chooses a password |
//! | `forgotten` | links with which a user chooses another password |

mod access;
mod accounts;
mod activation;
mod forgotten;
mod refusal;
mod saving;

use std::sync::Arc;

use crate::{
    ids::UserId,
    ports::{Accounts, Clock, Entropy, Letter, LinkToken, Mailer, Message, PasswordHasher, StoreError, User},
};

pub use activation::ActivationLink;
pub use refusal::UserRefusal;
pub use saving::{NewUser, UserChange};

/// The use cases around users, over the ports that they need.
#[derive(Clone)]
pub struct People {
    accounts: Arc<dyn Accounts>,
    passwords: Arc<dyn PasswordHasher>,
    mailer: Arc<dyn Mailer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Makes a link of its secret part. Where links lead is not decided here.
pub type WriteLink<'a> = &'a (dyn Fn(&LinkToken) -> String + Send + Sync);

/// Why a use case did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeopleError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] UserRefusal),
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Characters of a link's secret part: 200 random bits.
const TOKEN_LENGTH: usize = 40;
/// Letters and digits; their number divides 256.
const TOKEN_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

impl People {
    /// The use cases over these ports.
    pub fn new(
        accounts: Arc<dyn Accounts>,
        passwords: Arc<dyn PasswordHasher>,
        mailer: Arc<dyn Mailer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { accounts, passwords, mailer, clock, entropy }
    }

    fn new_token(&self) -> LinkToken {
        let mut bytes = [0; TOKEN_LENGTH];
        self.entropy.fill(&mut bytes);
        let letter = |byte: u8| char::from(TOKEN_LETTERS[usize::from(byte) % TOKEN_LETTERS.len()]);
        LinkToken::new(bytes.map(letter).iter().collect::<String>())
    }

    fn post(&self, user: &User, message: Message) {
        self.mailer.post(Letter { user_id: user.id, to: user.email.clone(), message });
    }

    async fn existing(&self, id: UserId) -> Result<User, PeopleError> {
        Ok(self.accounts.user(id).await?.ok_or(UserRefusal::NotFound(id))?)
    }
}
