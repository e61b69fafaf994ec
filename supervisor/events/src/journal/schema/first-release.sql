-- A journal as the first release left it; a test holds the migrations to it. Never changed.
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
INSERT INTO events VALUES
    (1, '1', 'false_5511988887777@c.us_3A01', 1700000000000, 'message', '{"event":"message","id":"false_5511988887777@c.us_3A01","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"oi","timestamp_ms":1700000000000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":"Bia"}'),
    (2, '1', 'false_5511988887777@c.us_3A02', 1700000001000, 'message', '{"event":"message","id":"false_5511988887777@c.us_3A02","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"tudo bem?","timestamp_ms":1700000001000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":"Bia"}'),
    (3, '1', 'true_5511988887777@c.us_3EB01', 1700000002000, 'message', '{"event":"message","id":"true_5511988887777@c.us_3EB01","chat":"5511988887777@c.us","from":"5511999998888@c.us","to":"5511988887777@c.us","author":null,"from_me":true,"kind":"chat","body":"tudo","timestamp_ms":1700000002000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}'),
    (4, '1', 'ack:true_5511988887777@c.us_3EB01:2', 1700000003000, 'ack', '{"event":"ack","message":"true_5511988887777@c.us_3EB01","ack":2}'),
    (5, '1', 'false_5511988887777@c.us_3A03', 1700000004000, 'message', '{"event":"message","id":"false_5511988887777@c.us_3A03","chat":"5511988887777@c.us","from":"5511988887777@c.us","to":null,"author":null,"from_me":false,"kind":"chat","body":"recusada","timestamp_ms":1700000004000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}'),
    (6, '2', 'false_120363@g.us_3A01_5511988887777@c.us', 1700000005000, 'message', '{"event":"message","id":"false_120363@g.us_3A01_5511988887777@c.us","chat":"120363@g.us","from":"120363@g.us","to":null,"author":"5511988887777@c.us","from_me":false,"kind":"chat","body":"grupo","timestamp_ms":1700000005000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}'),
    (7, '2', 'notice:ciphertext:x', 1700000006000, 'notice', '{"event":"message","id":"x","chat":"120363@g.us","from":"120363@g.us","to":null,"author":null,"from_me":false,"kind":"ciphertext","body":"","timestamp_ms":1700000006000,"ack":1,"has_media":false,"mimetype":null,"filename":null,"sender_name":null}');
INSERT INTO deliveries VALUES
    (1, '1', 'done', 1, 0, NULL),
    (2, '1', 'pending', 3, 1700000009000, 'answered 503'),
    (5, '1', 'dead', 20, 0, 'answered 422'),
    (6, '2', 'pending', 0, 0, NULL);
PRAGMA user_version = 1;
