-- Lists of users, and what their search looks at: e-mail and names in the form in which capitals and small letters are
-- the same. Of users that were added before, only unaccented letters are until they are saved.
ALTER TABLE users ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE users SET search_text =
    email_folded || char(10) || lower(coalesce(first_name, '')) || char(10) || lower(coalesce(last_name, ''));
ALTER TABLE users ADD COLUMN last_login INTEGER;   -- null: never
CREATE INDEX users_by_tenant ON users (tenant_id, created_at, id);
CREATE INDEX users_by_customer ON users (customer_id, created_at, id) WHERE customer_id IS NOT NULL;

-- Links with which a user chooses a password; gone once they are used. They are recognised by the digest, from which
-- nobody finds so many random bits. The secret itself stands here only where it has to be shown again: an activation
-- link, which an administrator can ask for until it is used, and a link for another password while there is no mail
-- server that would have sent it.
CREATE TABLE user_links (
    user_id      TEXT    NOT NULL,
    purpose      TEXT    NOT NULL,        -- ACTIVATION or PASSWORD_RESET
    token_sha256 BLOB    NOT NULL,
    token        TEXT,                    -- secret
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (user_id, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_links_by_token ON user_links (token_sha256);
