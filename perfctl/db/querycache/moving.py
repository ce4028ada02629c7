"""Words that PostgreSQL reads as the time of the day, in texts."""

from __future__ import annotations

import re

_LONGEST = 200
_MOVING = re.compile(r"\b(?:now|today|tomorrow|yesterday)\b", re.IGNORECASE)


def tells_time(text: str) -> bool:
    """Whether a text may stand for a moment that depends on when it is read, alone or within an array or a range.

    >>> tells_time("today 10:00"), tells_time("[now,infinity)"), tells_time("known")
    (True, True, False)
    """
    return len(text) <= _LONGEST and _MOVING.search(text) is not None
