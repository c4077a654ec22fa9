CREATE TABLE {p}schema (
    version INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Records of sessions: opaque bytes, swapped by version. Times are in milliseconds.
CREATE TABLE {p}sessions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 22),
    version INTEGER NOT NULL CHECK (version >= 0),
    record BLOB NOT NULL,
    index_key TEXT CHECK (length(index_key) = 43),
    remove_at INTEGER NOT NULL
) STRICT;
CREATE INDEX {p}sessions_listed ON {p}sessions (index_key, id) WHERE index_key IS NOT NULL;
CREATE INDEX {p}sessions_gone ON {p}sessions (remove_at);

-- Hashes of what was revoked; until when that has to be remembered, in seconds; and the epoch or the
-- version below which it holds, less 2^63.
CREATE TABLE {p}revocations (
    name TEXT NOT NULL PRIMARY KEY CHECK (length(name) = 17),
    keep_until INTEGER NOT NULL CHECK (keep_until BETWEEN 0 AND 4294967295),
    bound INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX {p}revocations_gone ON {p}revocations (keep_until);

-- Ids that were claimed.
CREATE TABLE {p}once (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX {p}once_gone ON {p}once (until);

INSERT INTO {p}schema (version) VALUES (1);
