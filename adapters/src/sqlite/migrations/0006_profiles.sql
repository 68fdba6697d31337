-- What is known of device profiles, and which one of a tenant's is the default.
ALTER TABLE device_profiles ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';      -- what a search looks at
ALTER TABLE device_profiles ADD COLUMN description TEXT;
ALTER TABLE device_profiles ADD COLUMN transport TEXT NOT NULL DEFAULT 'DEFAULT';
ALTER TABLE device_profiles ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE device_profiles ADD COLUMN is_default INTEGER NOT NULL DEFAULT 0;     -- 1: of devices that name none

-- Of those that were added before, only unaccented letters are found in whatever case until they are saved.
UPDATE device_profiles SET name_folded = lower(name);
UPDATE device_profiles SET is_default = 1, description = 'Default device profile' WHERE name = 'default';

CREATE INDEX device_profiles_by_age ON device_profiles (tenant_id, created_at, id);
CREATE INDEX device_profiles_default ON device_profiles (tenant_id) WHERE is_default = 1;
