-- What each session took of the memory over the last day, and how often it had been started again by then. The time stands
-- first, so that one look at everyone is written in one place.
CREATE TABLE samples (
    -- Seconds since the epoch.
    at_s INTEGER NOT NULL,
    user TEXT NOT NULL,
    memory_mib INTEGER NOT NULL,
    restarts INTEGER NOT NULL,
    PRIMARY KEY (at_s, user)
) STRICT, WITHOUT ROWID;
