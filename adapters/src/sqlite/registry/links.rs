//! Personal links.

use async_trait::async_trait;
use deed_domain::{
    ids::UserId,
    ports::{LinkPurpose, LinkToken, NewLink, OfferedLink, PendingLink, PersonalLinks, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::logins;
use crate::{
    registry_text::{fold_email, link_digest},
    sqlite::{
        SqliteStore,
        error::SqlError,
        values::{Column, IdText},
    },
};

fn offer(tx: &Connection, link: &NewLink, kept_if_good_until: Timestamp) -> Result<OfferedLink, SqlError> {
    if let Some(kept) = pending(tx, link.user_id, link.purpose, kept_if_good_until)? {
        return Ok(OfferedLink::Kept(kept));
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO user_links (user_id, purpose, token_sha256, token, expires_at)
         SELECT id, ?2, ?3, ?4, ?5 FROM users WHERE id = ?1 AND email_folded = ?6",
    )?
    .execute(params![
        IdText::new(link.user_id.0),
        link.purpose.as_str(),
        link_digest(&link.token),
        link.is_shown_again.then_some(link.token.expose()),
        link.expires_at.0,
        fold_email(&link.email),
    ])?;
    Ok(OfferedLink::Taken)
}

/// The user's link if it is good until after that time.
fn pending(
    connection: &Connection,
    user_id: UserId,
    purpose: LinkPurpose,
    after: Timestamp,
) -> Result<Option<PendingLink>, SqlError> {
    let found = connection
        .prepare_cached(
            "SELECT token, expires_at FROM user_links WHERE user_id = ?1 AND purpose = ?2 AND expires_at > ?3",
        )?
        .query_row(params![IdText::new(user_id.0), purpose.as_str(), after.0], |row| {
            let token: Option<String> = row.get(0)?;
            Ok(PendingLink { token: token.map(LinkToken::new), expires_at: Timestamp(row.get(1)?) })
        })
        .optional()?;
    Ok(found)
}

fn bearer(
    connection: &Connection,
    purpose: LinkPurpose,
    token: &LinkToken,
) -> Result<Option<(UserId, Timestamp)>, SqlError> {
    let mut statement = connection
        .prepare_cached("SELECT user_id, expires_at FROM user_links WHERE token_sha256 = ?1 AND purpose = ?2")?;
    let mut rows = statement.query(params![link_digest(token), purpose.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((Column::new("user_links", "user_id", 0).id(row)?, Timestamp(row.get(1)?))))
}

fn redeem(
    tx: &Connection,
    purpose: LinkPurpose,
    token: &LinkToken,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let Some((user_id, expires_at)) = bearer(tx, purpose, token)? else { return Ok(false) };
    if expires_at <= now {
        return Ok(false);
    }
    let statement = match purpose {
        LinkPurpose::Activation => {
            "UPDATE users SET password_hash = ?2, enabled = 1 WHERE id = ?1 AND password_hash IS NULL"
        }
        LinkPurpose::PasswordReset => "UPDATE users SET password_hash = ?2 WHERE id = ?1 AND enabled = 1",
    };
    let changed = tx.prepare_cached(statement)?.execute(params![IdText::new(user_id.0), password_hash])?;
    if changed == 1 {
        forget(tx, user_id)?;
        logins::end_all(tx, user_id)?;
    }
    Ok(changed == 1)
}

/// Makes every link of the user good for nothing.
pub(super) fn forget(tx: &Connection, user_id: UserId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM user_links WHERE user_id = ?1")?.execute([IdText::new(user_id.0)])?;
    Ok(())
}

/// Makes the user's link for another password good for nothing.
pub(super) fn forget_reset(tx: &Connection, user_id: UserId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM user_links WHERE user_id = ?1 AND purpose = ?2")?
        .execute(params![IdText::new(user_id.0), LinkPurpose::PasswordReset.as_str()])?;
    Ok(())
}

#[async_trait]
impl PersonalLinks for SqliteStore {
    async fn offer_link(&self, link: NewLink, kept_if_good_until: Timestamp) -> Result<OfferedLink, StoreError> {
        self.write(move |tx, _| offer(tx, &link, kept_if_good_until)).await
    }

    async fn pending_link(&self, user_id: UserId, purpose: LinkPurpose) -> Result<Option<PendingLink>, StoreError> {
        let now = self.clock().now();
        self.lookup(move |connection| pending(connection, user_id, purpose, now)).await
    }

    async fn link_bearer(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
    ) -> Result<Option<(UserId, Timestamp)>, StoreError> {
        let token = token.clone();
        self.lookup(move |connection| bearer(connection, purpose, &token)).await
    }

    async fn redeem_link(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        let token = token.clone();
        self.write(move |tx, now| redeem(tx, purpose, &token, &password_hash, now)).await
    }
}
