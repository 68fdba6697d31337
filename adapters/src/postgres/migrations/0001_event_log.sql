-- The log. A row is written once and never changed. The columns are those of postgres-es, so that any program that reads
-- such a log reads this one, and three more: position, tenant_id, recorded_at. Of type json, not jsonb: the bytes stay.
CREATE TABLE events (
    aggregate_type text   NOT NULL,      -- 'device'
    aggregate_id   text   NOT NULL,      -- the device
    sequence       bigint NOT NULL,      -- 1, 2, 3 … per device, without gaps
    event_type     text   NOT NULL,
    event_version  text   NOT NULL,
    payload        json   NOT NULL,
    metadata       json   NOT NULL,      -- a flat map of strings
    position       bigint NOT NULL,      -- 1, 2, 3 … over all devices, without gaps
    tenant_id      uuid   NOT NULL,
    recorded_at    bigint NOT NULL,      -- milliseconds since the epoch; never goes back
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE UNIQUE INDEX events_by_position ON events (position);
CREATE INDEX events_by_tenant ON events (tenant_id, position);

-- One row: where the log ends. Whoever appends holds it until the commit, which orders all nodes.
CREATE TABLE log_end (
    is_only     boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    position    bigint  NOT NULL,
    recorded_at bigint  NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_end (position, recorded_at) VALUES (0, 0);

-- The last transaction of every node that has appended lately: whether one whose commit got lost was made.
CREATE TABLE writers (
    node       uuid   NOT NULL PRIMARY KEY,
    batch      bigint NOT NULL,
    written_at bigint NOT NULL
) WITH (fillfactor = 10);

-- What was written about devices beside the log, for the other nodes to look again; kept for a day. Ids are in the order of the
-- commits, as they are given by whoever holds log_end.
CREATE TABLE device_notices (
    id          bigint  NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    node        uuid    NOT NULL,          -- that wrote it
    device_id   uuid    NOT NULL,
    credentials boolean NOT NULL,
    other       boolean NOT NULL,
    noticed_at  bigint  NOT NULL
);

-- Work that one node does at a time: who does it, and until when nobody else may.
CREATE TABLE leases (
    name  text   NOT NULL PRIMARY KEY,
    node  uuid   NOT NULL,
    until bigint NOT NULL
) WITH (fillfactor = 50);

-- Devices whose keys ran out, and the node that has taken it on to record that: until then, no other one does.
CREATE TABLE due_devices (
    device_id uuid   NOT NULL PRIMARY KEY,
    node      uuid   NOT NULL,
    until     bigint NOT NULL
);

-- Sessions over MQTT that have begun, for the other nodes to end those that began before; kept for a day. Numbers are in the
-- order of the commits, as they are given by whoever holds the one row of session_end.
CREATE TABLE session_end (
    is_only boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    number  bigint  NOT NULL
) WITH (fillfactor = 10);
INSERT INTO session_end (number) VALUES (0);
CREATE TABLE sessions (
    number    bigint NOT NULL PRIMARY KEY,
    node      uuid   NOT NULL,
    device_id uuid   NOT NULL,
    session   uuid   NOT NULL,             -- the later one is the greater one
    begun_at  bigint NOT NULL
);

-- Commands that their callers named, with the answer they got, for a day.
CREATE TABLE commands (
    command_id  uuid   NOT NULL PRIMARY KEY,
    device_id   uuid   NOT NULL,
    answered_at bigint NOT NULL,
    refusal     text                      -- JSON; null if the command was carried out
);
CREATE INDEX commands_by_age ON commands (answered_at);

-- Refusals that have no event of their own yet: counted here, told by the next event of their kind.
CREATE TABLE suppressed_refusals (
    device_id uuid   NOT NULL,
    kind      text   NOT NULL,            -- JSON
    count     bigint NOT NULL,
    PRIMARY KEY (device_id, kind)
);

-- Wrong keys of a claimant over all devices within an hour.
CREATE TABLE claimant_guesses (
    customer_id uuid   NOT NULL PRIMARY KEY,
    since       bigint NOT NULL,
    count       bigint NOT NULL
);

-- The read models that stand beside the log: how far each has come, and by which version of its projection.
CREATE TABLE projections (
    name     text   NOT NULL PRIMARY KEY,
    version  bigint NOT NULL,
    position bigint NOT NULL
);
