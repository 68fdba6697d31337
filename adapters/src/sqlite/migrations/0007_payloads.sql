-- How the devices of a profile write their messages.
ALTER TABLE device_profiles ADD COLUMN encoding TEXT NOT NULL DEFAULT 'JSON';             -- or PROTOBUF, PROTOBUF_OR_JSON
ALTER TABLE device_profiles ADD COLUMN acknowledges_faults INTEGER NOT NULL DEFAULT 0;    -- 1: of messages that cannot be read
ALTER TABLE device_profiles ADD COLUMN protobuf_notes TEXT;                               -- JSON that clients keep there
