"""Data on a terminal: what could move the cursor, forge a line or turn the reading order is shown, not sent."""

from __future__ import annotations

import re

_ACTIVE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls of C0 and C1 (without tab and newline), bidirectional and invisible marks, halves of surrogate pairs;
compiled when a text has one."""


def inert(text: str) -> str:
    """The text with every active character as its escape; tabs and newlines stay.

    >>> inert("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return text if text.isprintable() else re.sub(_ACTIVE, _escape, text)


def inert_line(text: str) -> str:
    """The same on one line: tabs and newlines become a blank."""
    return text if text.isprintable() else inert(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
