-- Ending all logins of a user.
CREATE INDEX login_sessions_by_user ON login_sessions (user_id);

-- What programs of a user sign in with. The value itself is stored nowhere: it is made of so many random bytes that
-- nobody can find it from its plain digest.
CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL,
    value_sha256 BLOB    NOT NULL,
    description  TEXT    NOT NULL,
    enabled      INTEGER NOT NULL,
    expires_at   INTEGER,                 -- null: never
    created_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX api_keys_by_value ON api_keys (value_sha256);
CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);
