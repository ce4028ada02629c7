"""How far a long run came, in the state folder: where the next one goes on with `--resume`."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from perfctl.cli.state import state_folder

_EVERY_SECONDS = 0.5


class Checkpoint:
    """One run's place: of a source, into a target. What both were like is remembered, so that others of the
    same name are not gone on with."""

    def __init__(self, *identity: str, like: str) -> None:
        """`identity` names source and target; `like` says what both are like now: a file's size and time, a
        namespace's version."""
        name = blake2b("\0".join(identity).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
        self._file = state_folder("preload") / f"{name}.json"
        self._identity = identity
        self._like = like
        self._done = 0
        self._written_at = 0.0

    def place(self) -> int:
        """How much an earlier run had done; 0 where there was none, or the source is another one by now."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            found: Any = json.loads(self._file.read_text("utf-8"))
            if isinstance(found, dict) and found.get("like") == self._like:
                return max(0, int(found["done"]))
        return 0

    def reach(self, done: int) -> None:
        """So much is done; written down twice a second at most, and by `keep`."""
        self._done = done
        if time.monotonic() - self._written_at >= _EVERY_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Write down how far it came. A full disk is no reason to fail: then it cannot be gone on with."""
        self._written_at = time.monotonic()
        if not self._done:
            return
        with suppress(OSError):
            fresh = self._file.with_suffix(".new")
            said = {"source": list(self._identity), "like": self._like, "done": self._done}
            fresh.write_text(json.dumps(said, ensure_ascii=True), "utf-8")
            fresh.replace(self._file)

    def forget(self) -> None:
        """All of it is done."""
        self._file.unlink(missing_ok=True)

    @property
    def done(self) -> int:
        """How far this run came."""
        return self._done


def like_of(path: Path) -> str:
    """A file's size and the time of its last change; nothing where it cannot be read, which is said later."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"
