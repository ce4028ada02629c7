"""A statement on one line of a drawing; the document has it as it is."""

from __future__ import annotations

import re

_LEADING_COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)


def line_of(text: str) -> str:
    """The text on one line, without the comments that it begins with."""
    return " ".join(_LEADING_COMMENTS.sub("", text).split())
