CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (user, key)
) STRICT;
CREATE INDEX events_by_age ON events (created_ms);

CREATE TABLE deliveries (
    event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    user TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (user, event_id) WHERE state = 'pending';
