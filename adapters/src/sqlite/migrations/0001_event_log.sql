-- The log. A row is written once and never changed; an auditor may read it with any SQLite tool.
-- The columns are those of cqrs-es's stores, and three more: position, tenant_id, recorded_at.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY,   -- 1, 2, 3 … over all devices, without gaps
    aggregate_type TEXT    NOT NULL,      -- 'device'
    aggregate_id   TEXT    NOT NULL,      -- the device
    sequence       INTEGER NOT NULL,      -- 1, 2, 3 … per device, without gaps
    event_type     TEXT    NOT NULL,
    event_version  TEXT    NOT NULL,
    payload        TEXT    NOT NULL,      -- JSON
    metadata       TEXT    NOT NULL,      -- JSON, a flat map of strings
    tenant_id      TEXT    NOT NULL,
    recorded_at    INTEGER NOT NULL       -- milliseconds since the epoch; never goes back
) STRICT;
CREATE UNIQUE INDEX events_by_stream ON events (aggregate_id, sequence);
CREATE INDEX events_by_tenant ON events (tenant_id, position);

-- Commands that their callers named, with the answer they got, for a day.
CREATE TABLE commands (
    command_id  TEXT    NOT NULL PRIMARY KEY,
    device_id   TEXT    NOT NULL,
    answered_at INTEGER NOT NULL,
    refusal     TEXT                      -- JSON; null if the command was carried out
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_by_age ON commands (answered_at);

-- Refusals that have no event of their own yet: counted here, told by the next event of their kind.
CREATE TABLE suppressed_refusals (
    device_id TEXT    NOT NULL,
    kind      TEXT    NOT NULL,           -- JSON
    count     INTEGER NOT NULL,
    PRIMARY KEY (device_id, kind)
) STRICT, WITHOUT ROWID;

-- Wrong keys of a claimant over all devices within an hour.
CREATE TABLE claimant_guesses (
    customer_id TEXT    NOT NULL PRIMARY KEY,
    since       INTEGER NOT NULL,
    count       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The read models that stand beside the log: how far each has come, and by which version of its projection.
CREATE TABLE projections (
    name     TEXT    NOT NULL PRIMARY KEY,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
