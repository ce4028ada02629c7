"""A picture that is painted again and again on one screen of a terminal, which is as it was afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Write = Callable[[str], None]

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_BELOW, _CLEAR_RIGHT = "\x1b[H", "\x1b[J", "\x1b[K"


@contextmanager
def screen(write: Write, *, is_live: bool) -> Iterator[Write | None]:
    """A function that paints a text from the top; None where nothing can be painted over."""
    if not is_live:
        yield None
        return
    write(_ENTER)
    try:
        yield lambda text: write(_HOME + text.replace("\n", _CLEAR_RIGHT + "\n") + _CLEAR_BELOW)
    finally:
        write(_LEAVE)
