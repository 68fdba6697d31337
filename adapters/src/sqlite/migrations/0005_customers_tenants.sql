-- What is known of customers and tenants, and how they go.
ALTER TABLE customers ADD COLUMN contact TEXT;                        -- JSON; null: nothing is known
ALTER TABLE customers ADD COLUMN title_folded TEXT NOT NULL DEFAULT ''; -- what a search looks at
ALTER TABLE tenants ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenants ADD COLUMN region TEXT;
ALTER TABLE tenants ADD COLUMN contact TEXT;                          -- JSON; null: nothing is known
ALTER TABLE tenants ADD COLUMN additional_info TEXT;                  -- JSON
ALTER TABLE tenants ADD COLUMN title_folded TEXT NOT NULL DEFAULT '';
-- 0: it is there; 1: it is being deleted, and for everybody who asks it is gone; 2: it is erased, and of it nothing is
-- left but this row with its id, so that no command that was under way gives it a device. For customers likewise.
ALTER TABLE tenants ADD COLUMN deleting INTEGER NOT NULL DEFAULT 0;

-- Of those that were added before, only unaccented letters are found in whatever case until they are saved.
UPDATE customers SET title_folded = lower(title);
UPDATE tenants SET title_folded = lower(title);

-- A title is free as soon as its customer is being deleted.
DROP INDEX customers_by_title;
CREATE UNIQUE INDEX customers_by_title ON customers (tenant_id, title) WHERE deleting = 0;
CREATE INDEX customers_by_age ON customers (tenant_id, created_at, id) WHERE deleting = 0;
CREATE INDEX customers_going ON customers (created_at, id) WHERE deleting = 1;
CREATE INDEX tenants_by_age ON tenants (created_at, id) WHERE deleting = 0;
CREATE INDEX tenants_going ON tenants (created_at, id) WHERE deleting = 1;
