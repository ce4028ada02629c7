"""What outlives a restart: records by kind and id, in one SQLite file."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

logger = logging.getLogger("perfctl.sandbox.edge")


LAYOUT = 1
"""Of the records' bodies: count it up when a dataclass that is kept changes."""


class Store:
    """Small JSON records; a write is on its way to disk when `put` returns, and whole after a SIGKILL."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            logger.warning("%s cannot be read (%s): it is set aside, and all begins anew", path, error)
            for part in path.parent.glob(f"{path.name}*"):
                part.rename(part.with_name(f"broken-{part.name}"))
            self._open(path)

    @property
    def folder(self) -> Path:
        """For what is too large for a record."""
        return self._path.parent

    def _open(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # SIGKILL is survived; only the host's crash is not
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, LAYOUT):
            raise sqlite3.DatabaseError(f"its layout is {version}, not {LAYOUT}")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id))"
        )
        self._connection.execute(f"PRAGMA user_version = {LAYOUT}")

    def put(self, kind: str, identity: str, body: dict[str, Any]) -> None:
        self._connection.execute(
            "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, identity, json.dumps(body)),
        )

    def delete(self, kind: str, identity: str) -> None:
        self._connection.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, identity))

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every record of a kind, the oldest first."""
        rows = self._connection.execute("SELECT id, body FROM record WHERE kind = ? ORDER BY rowid", (kind,))
        return {identity: json.loads(body) for identity, body in rows}

    def close(self) -> None:
        self._connection.close()
