-- The outbox becomes a journal: events of every kind, each to be delivered to any number of addresses.

-- The journal's own number, a part of its events' ids.
CREATE TABLE journal (number INTEGER NOT NULL) STRICT;
INSERT INTO journal SELECT abs(random() % 4294967296);

-- The account that the session was linked with at that time, as JSON.
ALTER TABLE events ADD COLUMN me TEXT;
UPDATE events SET kind = 'message.ack' WHERE kind = 'ack';
UPDATE events SET kind = 'message.any'
    WHERE kind = 'message' AND json_valid(payload) AND json_extract(payload, '$.from_me');
CREATE INDEX events_of_user ON events (user, id);

-- What was last said of each session.
CREATE TABLE sessions (
    user TEXT PRIMARY KEY,
    statuses TEXT NOT NULL,
    me TEXT
) STRICT, WITHOUT ROWID;

-- One queue per session and address; the empty address is Flask's webhook.
CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (user, address)
) STRICT;
INSERT INTO queues (user, address) SELECT DISTINCT user, '' FROM deliveries WHERE state <> 'done';

-- What is not delivered yet, or was given up. What is done is deleted.
CREATE TABLE mail (
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    queue_id INTEGER NOT NULL REFERENCES queues (id),
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0,
    since_ms INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (event_id, queue_id)
) STRICT, WITHOUT ROWID;
INSERT INTO mail
    SELECT d.event_id, q.id, d.state, d.attempts, d.next_ms, e.created_ms, d.last_error
    FROM deliveries d JOIN events e ON e.id = d.event_id JOIN queues q ON q.user = d.user AND q.address = ''
    WHERE d.state <> 'done';
DROP TABLE deliveries;
ALTER TABLE mail RENAME TO deliveries;
CREATE INDEX deliveries_pending ON deliveries (queue_id, event_id) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (event_id) WHERE state = 'dead';
