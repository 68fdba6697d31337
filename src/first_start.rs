//! The first account, without which nobody could sign in.

use std::{io, sync::Arc, time::Duration};

use deed_domain::{
    ids::UserId,
    ports::{Accounts, AccountsError, Authority, Entropy, Password, StoreError, User, UserCredentials},
};

use crate::wiring::Service;

/// Who may sign in at first.
pub(crate) const OPERATOR: &str = "sysadmin@thingsboard.org";

/// What one node does at a time.
const WORK: &str = "first start";
/// How often the others look whether it has.
const PAUSE: Duration = Duration::from_millis(200);
const PASSWORD_LENGTH: usize = 20;
/// Letters and digits without those that look alike; their number divides 256.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why there is still nobody who can sign in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstStartError {
    /// The password cannot be shown.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// The registry does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator was not added.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// If nobody can sign in, adds an operator. The password is shown first, once, and nowhere recorded: whatever happens in
/// between, nobody is added whose password has not been seen.
///
/// # Errors
/// [`FirstStartError`] if the password cannot be shown, or the registry cannot be read or written.
pub(crate) async fn add_operator(
    service: &Service,
    show: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), FirstStartError> {
    let accounts: Arc<dyn Accounts> = Arc::clone(&service.store) as Arc<dyn Accounts>;
    while accounts.is_empty().await? {
        // Of several nodes that start at once, one shows a password.
        if service.store.hold(WORK).await? {
            let added = add_if_nobody_is_there(service, &*accounts, show).await;
            service.store.release(WORK).await?;
            return added;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn add_if_nobody_is_there(
    service: &Service,
    accounts: &dyn Accounts,
    show: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), FirstStartError> {
    if !accounts.is_empty().await? {
        return Ok(());
    }
    let password = random_password(&*service.entropy);
    show(password.expose())?;
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
    Ok(accounts.add_user(user, credentials).await?)
}

fn random_password(entropy: &dyn Entropy) -> Password {
    let mut bytes = [0; PASSWORD_LENGTH];
    entropy.fill(&mut bytes);
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Password::new(bytes.map(letter).iter().collect::<String>())
}
