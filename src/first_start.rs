//! The first account, without which nobody could sign in.

use std::sync::Arc;

use deed_domain::{
    ids::UserId,
    ports::{Accounts, AccountsError, Authority, Entropy, Password, User, UserCredentials},
};

use crate::wiring::Service;

/// Who may sign in at first.
pub(crate) const OPERATOR: &str = "sysadmin@thingsboard.org";

const PASSWORD_LENGTH: usize = 20;
/// Letters and digits without those that look alike; their number divides 256.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// If nobody can sign in, adds an operator and gives the password, which is shown once and nowhere recorded.
///
/// # Errors
/// [`AccountsError`] if the registry cannot be read or written.
pub(crate) async fn add_operator(service: &Service) -> Result<Option<Password>, AccountsError> {
    let accounts: Arc<dyn Accounts> = Arc::new(service.store.clone());
    if !accounts.is_empty().await? {
        return Ok(None);
    }
    let password = random_password(&*service.entropy);
    let credentials =
        UserCredentials { password_hash: Some(service.passwords.hash(password.clone()).await?), enabled: true };
    let now = service.clock.now();
    let user = User {
        id: UserId(service.entropy.new_id(now)),
        tenant_id: None,
        customer_id: None,
        authority: Authority::SysAdmin,
        email: OPERATOR.into(),
        first_name: None,
        last_name: None,
        phone: None,
        created_at: now,
        version: 1,
        additional_info: None,
    };
    accounts.add_user(user, credentials).await?;
    Ok(Some(password))
}

fn random_password(entropy: &dyn Entropy) -> Password {
    let mut bytes = [0; PASSWORD_LENGTH];
    entropy.fill(&mut bytes);
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Password::new(bytes.map(letter).iter().collect::<String>())
}
