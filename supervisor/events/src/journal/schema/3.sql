-- When each session's status changed, apart from the events: those go when nobody waits for them any more.
CREATE TABLE history (
    user TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- As WAHA names it; empty where nobody was there to see.
    status TEXT NOT NULL,
    PRIMARY KEY (user, at_ms)
) STRICT, WITHOUT ROWID;

-- Until when a supervisor was there that ended as it should.
ALTER TABLE journal ADD COLUMN closed_ms INTEGER NOT NULL DEFAULT 0;

-- What the newest events still say of it; not of all, so that a large journal does not delay the service.
INSERT INTO history
    SELECT user, max(created_ms), status FROM (
        SELECT user, created_ms, json_extract(payload, '$.status') AS status,
            lag(json_extract(payload, '$.status')) OVER (PARTITION BY user ORDER BY id) AS before
        FROM events
        WHERE id > (SELECT max(id) FROM events) - 200000 AND kind = 'session.status' AND json_valid(payload))
    WHERE status IS NOT NULL AND status IS NOT before
    GROUP BY user, created_ms;
