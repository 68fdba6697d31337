-- How devices add themselves to a profile: all three, or none.
ALTER TABLE device_profiles ADD COLUMN provision_strategy TEXT;
ALTER TABLE device_profiles ADD COLUMN provision_key TEXT;
ALTER TABLE device_profiles ADD COLUMN provision_secret TEXT;      -- secret
CREATE UNIQUE INDEX device_profiles_by_provision_key ON device_profiles (provision_key) WHERE provision_key IS NOT NULL;
