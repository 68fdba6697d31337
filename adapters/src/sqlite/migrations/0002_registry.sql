-- What is not an event: who may sign in, what devices authenticate with, plain attributes, profiles.
-- Times are milliseconds since the epoch; JSON stands as text. No foreign keys: a row that fails at commit would take
-- the commands of others with it, so whatever belongs together is checked or erased by the statements themselves.

CREATE TABLE tenants (
    id         TEXT    NOT NULL PRIMARY KEY,
    title      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    id              TEXT    NOT NULL PRIMARY KEY,
    tenant_id       TEXT    NOT NULL,
    title           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    additional_info TEXT,                        -- JSON
    deleting        INTEGER NOT NULL DEFAULT 0   -- 1: nobody signs in for it or claims any more
) STRICT;
CREATE UNIQUE INDEX customers_by_title ON customers (tenant_id, title);

CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY,
    tenant_id       TEXT,                        -- null: an operator of the platform
    customer_id     TEXT,                        -- of a customer's user
    authority       TEXT    NOT NULL,
    email           TEXT    NOT NULL,            -- as it was written
    email_folded    TEXT    NOT NULL,            -- the same for every way to write it in capitals and small letters
    first_name      TEXT,
    last_name       TEXT,
    phone           TEXT,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    additional_info TEXT,                        -- JSON
    password_hash   TEXT,                        -- PHC format; null until the account is activated
    enabled         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_email ON users (email_folded);

-- A login lasts as long as its row, and not longer than its time.
CREATE TABLE login_sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);

CREATE TABLE device_profiles (
    id         TEXT    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_profiles_by_name ON device_profiles (tenant_id, name);

CREATE TABLE device_credentials (
    device_id         TEXT    NOT NULL PRIMARY KEY,
    id                TEXT    NOT NULL,
    tenant_id         TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    kind              TEXT    NOT NULL,
    credentials_id    TEXT    NOT NULL,          -- secret: a token itself
    credentials_value TEXT,                      -- secret
    version           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_credentials_by_credentials_id ON device_credentials (credentials_id);

-- Devices of which clients keep something; the devices themselves are in the log.
CREATE TABLE device_registry (
    device_id       TEXT NOT NULL PRIMARY KEY,
    additional_info TEXT NOT NULL                -- JSON
) STRICT;

CREATE TABLE attributes (
    entity_kind TEXT    NOT NULL,
    entity_id   TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    value       TEXT    NOT NULL,                -- JSON
    last_update INTEGER NOT NULL,
    PRIMARY KEY (entity_kind, entity_id, key, scope)
) STRICT;
