"""Statements that no list of slow queries shows: perfctl's own, and those that only steer a session."""

from __future__ import annotations

import re

APPLICATION = "perfctl"
MARK = "/* perfctl"
_STEERING = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
    r"(?:(?:begin|start|rollback|abort|savepoint|release|set|reset|show|discard|deallocate|explain|pg_catalog\.set_config)\b"
    r"|select\s+(?:current_setting\([^()]*\)\s+as\s+cur,\s*)?set_config\([^()]*\)(?:\s+as\s+\w+)?\s*;?\s*$)",
    re.IGNORECASE | re.DOTALL,
)


def is_hidden(query: str, application: str | None = None) -> bool:
    """Whether perfctl asked it (by its mark or its application's name), or it is BEGIN, SET, SHOW, EXPLAIN or the like.

    COMMIT is none of these: it waits for the disk.
    """
    return application == APPLICATION or MARK in query or _STEERING.match(query) is not None
