-- By which a pepper is known again: a digest of nothing, made with it. It tells nothing of a key.
CREATE TABLE pepper_checks (
    pepper TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
