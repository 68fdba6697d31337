-- Through which gateway a device is reached: the one that made it, or the first that named it. Which of the two is still a
-- gateway is looked up in device_registry.
CREATE TABLE gateway_devices (
    device_id  TEXT    NOT NULL PRIMARY KEY,
    gateway_id TEXT    NOT NULL,
    since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gateway_devices_by_gateway ON gateway_devices (gateway_id);
