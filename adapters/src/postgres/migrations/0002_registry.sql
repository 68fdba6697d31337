-- What is not an event: who may sign in, what devices authenticate with, plain attributes, profiles.
-- Times are milliseconds since the epoch; JSON stands as text. No foreign keys: a row that fails at commit would take
-- the commands of others with it, so whatever belongs together is checked or erased by the statements themselves.
-- Texts are compared by their bytes, whatever the database's language is. Columns called …_folded hold a text in the form
-- in which capitals and small letters are the same; searches look at it.

-- deleting: 0: it is there; 1: it is being deleted, and for everybody who asks it is gone; 2: it is erased, and of it
-- nothing is left but this row with its id, so that no command that was under way gives it a device.
CREATE TABLE tenants (
    id              uuid     NOT NULL PRIMARY KEY,
    title           text     COLLATE "C" NOT NULL,
    title_folded    text     COLLATE "C" NOT NULL,
    created_at      bigint   NOT NULL,
    version         bigint   NOT NULL DEFAULT 1,
    region          text,
    contact         text,                             -- JSON; null: nothing is known
    additional_info text,                             -- JSON
    deleting        smallint NOT NULL DEFAULT 0
);
CREATE INDEX tenants_by_age ON tenants (created_at, id) WHERE deleting = 0;
CREATE INDEX tenants_going ON tenants (created_at, id) WHERE deleting = 1;

CREATE TABLE customers (
    id              uuid     NOT NULL PRIMARY KEY,
    tenant_id       uuid     NOT NULL,
    title           text     COLLATE "C" NOT NULL,
    title_folded    text     COLLATE "C" NOT NULL,
    created_at      bigint   NOT NULL,
    version         bigint   NOT NULL,
    contact         text,                             -- JSON; null: nothing is known
    additional_info text,                             -- JSON
    deleting        smallint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX customers_by_title ON customers (tenant_id, title) WHERE deleting = 0;
CREATE INDEX customers_by_age ON customers (tenant_id, created_at, id) WHERE deleting = 0;
CREATE INDEX customers_going ON customers (created_at, id) WHERE deleting = 1;

CREATE TABLE users (
    id              uuid    NOT NULL PRIMARY KEY,
    tenant_id       uuid,                             -- null: an operator of the platform
    customer_id     uuid,                             -- of a customer's user
    authority       text    NOT NULL,
    email           text    NOT NULL,                 -- as it was written
    email_folded    text    COLLATE "C" NOT NULL,
    first_name      text    COLLATE "C",
    last_name       text    COLLATE "C",
    phone           text,
    created_at      bigint  NOT NULL,
    version         bigint  NOT NULL,
    additional_info text,                             -- JSON
    password_hash   text,                             -- PHC format; null until the account is activated
    enabled         boolean NOT NULL,
    search_text     text    COLLATE "C" NOT NULL,     -- e-mail and names, folded
    last_login      bigint                            -- null: never
);
CREATE UNIQUE INDEX users_by_email ON users (email_folded);
CREATE INDEX users_by_tenant ON users (tenant_id, created_at, id);
CREATE INDEX users_by_customer ON users (customer_id, created_at, id) WHERE customer_id IS NOT NULL;

-- A login lasts as long as its row, and not longer than its time.
CREATE TABLE login_sessions (
    id         uuid   NOT NULL PRIMARY KEY,
    user_id    uuid   NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);
CREATE INDEX login_sessions_by_user ON login_sessions (user_id);

-- What programs of a user sign in with. The value itself is stored nowhere: it is made of so many random bytes that
-- nobody can find it from its plain digest.
CREATE TABLE api_keys (
    id           uuid    NOT NULL PRIMARY KEY,
    user_id      uuid    NOT NULL,
    value_sha256 bytea   NOT NULL,
    description  text    COLLATE "C" NOT NULL,
    enabled      boolean NOT NULL,
    expires_at   bigint,                              -- null: never
    created_at   bigint  NOT NULL
);
CREATE UNIQUE INDEX api_keys_by_value ON api_keys (value_sha256);
CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);

-- Links with which a user chooses a password; gone once they are used. They are recognised by the digest. The secret
-- itself stands here only where it has to be shown again: an activation link, which an administrator can ask for until it
-- is used, and a link for another password while there is no mail server that would have sent it.
CREATE TABLE user_links (
    user_id      uuid   NOT NULL,
    purpose      text   NOT NULL,                     -- ACTIVATION or PASSWORD_RESET
    token_sha256 bytea  NOT NULL,
    token        text,                                -- secret
    expires_at   bigint NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
CREATE INDEX user_links_by_token ON user_links (token_sha256);

CREATE TABLE device_profiles (
    id                  uuid    NOT NULL PRIMARY KEY,
    tenant_id           uuid    NOT NULL,
    name                text    COLLATE "C" NOT NULL,
    name_folded         text    COLLATE "C" NOT NULL,
    created_at          bigint  NOT NULL,
    version             bigint  NOT NULL,
    is_default          boolean NOT NULL,             -- of devices that name none
    description         text    COLLATE "C",
    transport           text    COLLATE "C" NOT NULL,
    encoding            text    NOT NULL,             -- JSON, PROTOBUF or PROTOBUF_OR_JSON
    acknowledges_faults boolean NOT NULL,             -- of messages that cannot be read
    protobuf_notes      text,                         -- JSON that clients keep there
    provision_strategy  text,                         -- how devices add themselves: all three, or none
    provision_key       text,
    provision_secret    text                          -- secret
);
CREATE UNIQUE INDEX device_profiles_by_name ON device_profiles (tenant_id, name);
CREATE INDEX device_profiles_by_age ON device_profiles (tenant_id, created_at, id);
CREATE INDEX device_profiles_default ON device_profiles (tenant_id) WHERE is_default;
CREATE UNIQUE INDEX device_profiles_by_provision_key ON device_profiles (provision_key) WHERE provision_key IS NOT NULL;

CREATE TABLE device_credentials (
    device_id         uuid   NOT NULL PRIMARY KEY,
    id                uuid   NOT NULL,
    tenant_id         uuid   NOT NULL,
    created_at        bigint NOT NULL,
    kind              text   NOT NULL,
    credentials_id    text   COLLATE "C" NOT NULL,    -- secret: a token itself
    credentials_value text,                           -- secret
    version           bigint NOT NULL
);
CREATE UNIQUE INDEX device_credentials_by_credentials_id ON device_credentials (credentials_id);

-- Devices of which clients keep something; the devices themselves are in the log.
CREATE TABLE device_registry (
    device_id       uuid    NOT NULL PRIMARY KEY,
    additional_info text    NOT NULL,                 -- JSON
    is_gateway      boolean NOT NULL                  -- whether it says so
);

-- Through which gateway a device is reached: the one that made it, or the first that named it.
CREATE TABLE gateway_devices (
    device_id  uuid   NOT NULL PRIMARY KEY,
    gateway_id uuid   NOT NULL,
    since      bigint NOT NULL
);
CREATE INDEX gateway_devices_by_gateway ON gateway_devices (gateway_id);

CREATE TABLE attributes (
    entity_kind text   NOT NULL,
    entity_id   uuid   NOT NULL,
    key         text   COLLATE "C" NOT NULL,
    scope       text   COLLATE "C" NOT NULL,
    value       text   NOT NULL,                      -- JSON
    last_update bigint NOT NULL,
    PRIMARY KEY (entity_kind, entity_id, key, scope)
);

-- By which a pepper is known again: a digest of nothing, made with it. It tells nothing of a key.
CREATE TABLE pepper_checks (
    pepper text  NOT NULL PRIMARY KEY,
    digest bytea NOT NULL
);

-- What each device's own attributes take: bytes of their keys and values. Kept beside them, as counting them with each write
-- would take the longer the more there are.
CREATE TABLE own_attributes (
    device_id uuid   NOT NULL PRIMARY KEY,
    bytes     bigint NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION count_own_attributes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    device uuid := CASE WHEN TG_OP = 'DELETE' THEN old.entity_id ELSE new.entity_id END;
    change bigint := CASE TG_OP
        WHEN 'INSERT' THEN octet_length(new.key) + octet_length(new.value)
        WHEN 'UPDATE' THEN octet_length(new.value) - octet_length(old.value)
        ELSE -octet_length(old.key) - octet_length(old.value) END;
BEGIN
    INSERT INTO own_attributes (device_id, bytes) VALUES (device, change)
    ON CONFLICT (device_id) DO UPDATE SET bytes = own_attributes.bytes + excluded.bytes;
    IF change < 0 THEN
        DELETE FROM own_attributes WHERE device_id = device AND bytes = 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER own_attribute_written AFTER INSERT OR UPDATE OF value ON attributes FOR EACH ROW
    WHEN (new.entity_kind = 'DEVICE' AND new.scope = 'CLIENT_SCOPE') EXECUTE FUNCTION count_own_attributes();
CREATE TRIGGER own_attribute_deleted AFTER DELETE ON attributes FOR EACH ROW
    WHEN (old.entity_kind = 'DEVICE' AND old.scope = 'CLIENT_SCOPE') EXECUTE FUNCTION count_own_attributes();
