//! Personal links.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::UserId,
    ports::{LinkPurpose, LinkToken, NewLink, OfferedLink, PendingLink, PersonalLinks, StoreError},
    time::Timestamp,
};
use uuid::Uuid;

use super::logins;
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, commit, execute, query_opt},
    },
    registry_text::{fold_email, link_digest},
};

async fn offer(
    tx: &impl GenericClient,
    link: &NewLink,
    kept_if_good_until: Timestamp,
) -> Result<OfferedLink, SqlError> {
    if let Some(kept) = pending(tx, link.user_id, link.purpose, kept_if_good_until).await? {
        return Ok(OfferedLink::Kept(kept));
    }
    let digest = link_digest(&link.token);
    execute(
        tx,
        "INSERT INTO user_links (user_id, purpose, token_sha256, token, expires_at)
         SELECT id, $2::text, $3::bytea, $4::text, $5::bigint FROM users WHERE id = $1 AND email_folded = $6
         ON CONFLICT (user_id, purpose) DO UPDATE SET token_sha256 = excluded.token_sha256, token = excluded.token,
         expires_at = excluded.expires_at",
        &[
            &link.user_id.0,
            &link.purpose.as_str(),
            &digest.as_slice(),
            &link.is_shown_again.then_some(link.token.expose()),
            &link.expires_at.0,
            &fold_email(&link.email),
        ],
    )
    .await?;
    Ok(OfferedLink::Taken)
}

const fn column(name: &'static str, index: usize) -> Column {
    Column::new("user_links", name, index)
}

/// The user's link if it is good until after that time.
async fn pending(
    client: &impl GenericClient,
    user_id: UserId,
    purpose: LinkPurpose,
    after: Timestamp,
) -> Result<Option<PendingLink>, SqlError> {
    let sql =
        "SELECT user_id, token, expires_at FROM user_links WHERE user_id = $1 AND purpose = $2 AND expires_at > $3";
    let row = query_opt(client, sql, &[&user_id.0, &purpose.as_str(), &after.0]).await?;
    let Some(row) = row else { return Ok(None) };
    let token = column("token", 1).get::<Option<&str>>(&row)?.map(LinkToken::new);
    Ok(Some(PendingLink { token, expires_at: Timestamp(column("expires_at", 2).get(&row)?) }))
}

async fn bearer(
    client: &impl GenericClient,
    purpose: LinkPurpose,
    token: &LinkToken,
) -> Result<Option<(UserId, Timestamp)>, SqlError> {
    let digest = link_digest(token);
    let sql = "SELECT user_id, expires_at FROM user_links WHERE token_sha256 = $1 AND purpose = $2 LIMIT 1";
    let row = query_opt(client, sql, &[&digest.as_slice(), &purpose.as_str()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((column("user_id", 0).id(&row)?, Timestamp(column("expires_at", 1).get(&row)?))))
}

async fn redeem(
    tx: &impl GenericClient,
    purpose: LinkPurpose,
    token: &LinkToken,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let Some((user_id, expires_at)) = bearer(tx, purpose, token).await? else { return Ok(false) };
    if expires_at <= now {
        return Ok(false);
    }
    let sql = match purpose {
        LinkPurpose::Activation => {
            "UPDATE users SET password_hash = $2, enabled = true WHERE id = $1 AND password_hash IS NULL"
        }
        LinkPurpose::PasswordReset => "UPDATE users SET password_hash = $2 WHERE id = $1 AND enabled",
    };
    let is_changed = execute(tx, sql, &[&user_id.0, &password_hash]).await? == 1;
    if is_changed {
        forget(tx, &[user_id.0]).await?;
        logins::end_all(tx, &[user_id.0]).await?;
    }
    Ok(is_changed)
}

/// Makes every link of the users good for nothing.
pub(super) async fn forget(tx: &impl GenericClient, users: &[Uuid]) -> Result<(), SqlError> {
    execute(tx, "DELETE FROM user_links WHERE user_id = ANY($1::uuid[])", &[&users]).await.map(drop)
}

/// Makes the user's link for another password good for nothing.
pub(super) async fn forget_reset(tx: &impl GenericClient, user_id: UserId) -> Result<(), SqlError> {
    let sql = "DELETE FROM user_links WHERE user_id = $1 AND purpose = $2";
    execute(tx, sql, &[&user_id.0, &LinkPurpose::PasswordReset.as_str()]).await.map(drop)
}

#[async_trait]
impl PersonalLinks for PostgresStore {
    async fn offer_link(&self, link: NewLink, kept_if_good_until: Timestamp) -> Result<OfferedLink, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let offered = offer(&tx, &link, kept_if_good_until).await?;
        commit(tx).await?;
        Ok(offered)
    }

    async fn pending_link(&self, user_id: UserId, purpose: LinkPurpose) -> Result<Option<PendingLink>, StoreError> {
        Ok(pending(&self.connection().await?, user_id, purpose, self.now()).await?)
    }

    async fn link_bearer(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
    ) -> Result<Option<(UserId, Timestamp)>, StoreError> {
        Ok(bearer(&self.connection().await?, purpose, token).await?)
    }

    async fn redeem_link(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, now) = self.begin(&mut client).await?;
        let is_redeemed = redeem(&tx, purpose, token, &password_hash, now).await?;
        if is_redeemed {
            commit(tx).await?;
        }
        Ok(is_redeemed)
    }
}
