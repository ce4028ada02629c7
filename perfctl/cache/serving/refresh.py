"""What a factory may ask and say: the value that it is to replace, and how long the new one lives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from perfctl.cache.entry import Entry
from perfctl.errors import UsageError


class Refresh:
    """Given to a factory that takes one argument, for a conditional refresh:

    async def load(refresh):
        reply = await client.get(url, headers={"If-None-Match": refresh.etag or ""})
        if reply.status_code == 304:
            return refresh.keep()
        refresh.set_etag(reply.headers["ETag"])
        return reply.json()
    """

    __slots__ = ("_previous", "etag", "is_kept", "tags", "ttl")

    def __init__(self, previous: Entry | None, tags: tuple[str, ...]) -> None:
        self._previous = previous
        self.etag = previous.etag if previous is not None else None
        """What the source called the state in `stale_value`; from `set_etag` on, the new one."""
        self.ttl: float | None = None
        self.tags = tags
        self.is_kept = False

    @property
    def has_stale_value(self) -> bool:
        """Whether there is a value past its TTL."""
        return self._previous is not None

    @property
    def stale_value(self) -> Any:
        """The value past its TTL; None where there is none."""
        return None if self._previous is None else self._previous.value

    def keep(self) -> Any:
        """The source did not change: the stale value lives anew. Return what this returns."""
        if self._previous is None:
            raise UsageError("refresh.keep(): there is no stale value", hint="ask refresh.has_stale_value first")
        self.is_kept = True
        return self._previous.value

    def set_etag(self, etag: str | None) -> None:
        """What the source calls the state of the value that will be returned."""
        self.etag = etag

    def set_ttl(self, seconds: float) -> None:
        """How long the value lives, where the source knows better than the caller."""
        self.ttl = seconds

    def set_tags(self, *tags: str) -> None:
        """The tags under which the value is cleared."""
        self.tags = tags


def takes_refresh(factory: Callable[..., Any]) -> bool:
    """Whether a factory must be given one argument.

    >>> takes_refresh(lambda: 1), takes_refresh(lambda refresh: 1), takes_refresh(lambda key="k": 1)
    (False, True, False)
    """
    if type(factory) is FunctionType and not hasattr(factory, "__wrapped__"):  # a tenth of a signature's cost
        return factory.__code__.co_argcount - len(factory.__defaults__ or ()) == 1
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(needed) == 1
