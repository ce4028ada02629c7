"""The audit: one JSON line for each change that was asked for: who, what, and how it ended."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perfctl.document.failure import without_secrets
from perfctl.errors import ConfigError

_LOG = logging.getLogger("perfctl.api.audit")
_LONGEST = 200
"""Characters of a text that are kept."""


class Audit:
    """Appends lines to a file that only its owner reads, or to stderr."""

    def __init__(self, file: str | None) -> None:
        """ConfigError where the file cannot be written."""
        self._file = file
        if file is not None:
            try:
                os.close(_opened(file))
            except OSError as error:
                raise ConfigError(
                    f"the audit file {file} cannot be written: {error.strerror}",
                    hint="set api.audit_file to a file in a folder that this user may write to",
                    where="api.audit_file",
                ) from error

    def note(self, **fields: Any) -> None:
        """One line, in one write, so that lines of several processes do not mix. No value of a key, no parameter of a
        statement and no secret is among the fields. A line that cannot be written is logged: what it tells of was
        done, and its reply is the caller's.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, **{name: _kept(value) for name, value in fields.items()}}) + "\n"
        try:
            _append(self._file, line)
        except (OSError, ValueError) as error:
            _LOG.error("the audit cannot be written (%s): %s", error, line.rstrip())


def _append(file: str | None, line: str) -> None:
    if file is None:
        sys.stderr.write(line)
        sys.stderr.flush()
        return
    number = _opened(file)
    try:
        os.write(number, line.encode())
    finally:
        os.close(number)


def _opened(file: str) -> int:
    return os.open(Path(file).expanduser(), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        text = without_secrets(value)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    if isinstance(value, (list, tuple)):
        return [_kept(item) for item in value[:5]]
    return value
