-- What each device's own attributes take: bytes of their keys and values. Kept beside them, as counting them with each write would
-- take the longer the more there are.
CREATE TABLE own_attributes (
    device_id TEXT    NOT NULL PRIMARY KEY,
    bytes     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO own_attributes (device_id, bytes)
SELECT entity_id, sum(octet_length(key) + octet_length(value)) FROM attributes
WHERE entity_kind = 'DEVICE' AND scope = 'CLIENT_SCOPE' GROUP BY entity_id;

CREATE TRIGGER own_attribute_added AFTER INSERT ON attributes
WHEN new.entity_kind = 'DEVICE' AND new.scope = 'CLIENT_SCOPE'
BEGIN
    INSERT INTO own_attributes (device_id, bytes)
    VALUES (new.entity_id, octet_length(new.key) + octet_length(new.value))
    ON CONFLICT (device_id) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER own_attribute_changed AFTER UPDATE OF value ON attributes
WHEN new.entity_kind = 'DEVICE' AND new.scope = 'CLIENT_SCOPE'
BEGIN
    UPDATE own_attributes SET bytes = bytes + octet_length(new.value) - octet_length(old.value)
    WHERE device_id = new.entity_id;
END;

CREATE TRIGGER own_attribute_deleted AFTER DELETE ON attributes
WHEN old.entity_kind = 'DEVICE' AND old.scope = 'CLIENT_SCOPE'
BEGIN
    UPDATE own_attributes SET bytes = bytes - octet_length(old.key) - octet_length(old.value)
    WHERE device_id = old.entity_id;
    DELETE FROM own_attributes WHERE device_id = old.entity_id AND bytes = 0;
END;
