"""A command as the frame, `perfctl schema` and the tests see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Registered(NamedTuple):
    """Its words, its function, the dataclass that it answers, and how it is called."""

    words: tuple[str, ...]
    function: Callable[..., Any]
    result: Any
    example: str
