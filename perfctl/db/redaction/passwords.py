"""Passwords that stand in statements: the server keeps their text, and nobody is to read it there."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"\b(password\s+)(?:E|U&)?'(?:[^']|'')*(?:'|$)", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The statement with *** for the password that CREATE or ALTER ROLE sets; also where the text is cut in it.

    PostgreSQL before 16 counts such statements as they were written, and every version shows and logs them so.

    >>> without_passwords("ALTER ROLE app PASSWORD 'it''s'; SELECT password FROM users WHERE password = 'x'")
    "ALTER ROLE app PASSWORD '***'; SELECT password FROM users WHERE password = 'x'"
    """
    return _PASSWORD.sub(r"\1'***'", text) if "assword" in text or "ASSWORD" in text else text
