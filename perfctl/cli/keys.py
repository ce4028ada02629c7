"""Keys of a terminal, one at a time and without Enter; the terminal is as it was afterwards."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pressed_keys() -> Iterator[asyncio.Queue[str] | None]:
    """A queue of the keys that are pressed; None where stdin is no terminal, or this system has no such thing.

    Ctrl-C and Ctrl-Z stay what they are.
    """
    try:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError, AttributeError, termios.error):
        yield None
        return
    keys: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    tty.setcbreak(descriptor, termios.TCSANOW)
    loop.add_reader(descriptor, _read, descriptor, keys)
    try:
        yield keys
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _read(descriptor: int, keys: asyncio.Queue[str]) -> None:
    import os

    for key in os.read(descriptor, 64).decode("utf-8", "replace"):
        keys.put_nowait(key)
