"""What came in: one row per message, kept before Colmeia is told that we have it."""

import sqlite3
from contextlib import closing


class Inbox:
    """A file of messages. Colmeia may tell one again; its id makes sure that it is kept once."""

    def __init__(self, path):
        self.path = path
        with closing(self._open()) as db, db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, user TEXT NOT NULL,"
                " sender TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL)"
            )

    def _open(self):
        return sqlite3.connect(self.path, timeout=10)

    def keep(self, event, user, sender, text, at):
        """Returns when the message is on disk."""
        with closing(self._open()) as db, db:
            db.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?)", (event, user, sender, text, at))

    def of(self, user, most=50):
        """The user's last messages, the newest first."""
        with closing(self._open()) as db:
            db.row_factory = sqlite3.Row
            rows = db.execute("SELECT * FROM messages WHERE user = ? ORDER BY at DESC, rowid DESC LIMIT ?", (user, most))
            return [dict(row) for row in rows]
