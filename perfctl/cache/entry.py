"""One value as the process holds it, and what must be true for a reader to be given it."""

from __future__ import annotations

from math import inf
from typing import Any, Final, NamedTuple, Protocol


class _Missing:
    """What a look-up answers when there is nothing: None is a value."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final[Any] = _Missing()


class Namespace(Protocol):
    """What an entry knows of the namespace it belongs to."""

    @property
    def generation(self) -> int:
        """Changes whenever what the process holds of the namespace must not be served unasked."""
        ...

    @property
    def version(self) -> int:
        """The version that was last heard of; 0: none."""
        ...


class Packed(NamedTuple):
    """What the server has under a name, as it came: a value that nobody asked for a second time is not decoded for
    the tier's sake. An Entry takes its place when somebody does."""

    blob: bytes
    state: Namespace
    generation: int
    good_until: float
    fresh_until: float
    kept_until: float
    size_bytes: int
    """What it will take, once it is decoded."""
    version: int


Shortcut = tuple[dict[Any, "Entry"], Any]
"""A dict in which somebody finds an entry faster than by its name, and its key there."""


class Entry:
    """A value with its deadlines, in seconds of the process's monotonic clock. Mutable: its tier alone changes it.

    A reader may take the value without asking anybody as long as `good_until` is ahead, `generation` is its
    namespace's, and it has no `tags`. 0 in `good_until` says that the server must confirm the value first.
    """

    __slots__ = (
        "checksum",
        "created_ms",
        "etag",
        "fresh_until",
        "generation",
        "good_until",
        "kept_until",
        "name",
        "own",
        "shortcuts",
        "size_bytes",
        "sliding",
        "state",
        "tags",
        "value",
        "version",
    )

    def __init__(
        self,
        value: Any,
        state: Namespace,
        *,
        generation: int,
        good_until: float = inf,
        fresh_until: float = inf,
        kept_until: float = inf,
        size_bytes: int = 0,
        version: int = 0,
        created_ms: int = 0,
        checksum: int = 0,
        tags: tuple[tuple[str, int], ...] = (),
        own: bool = False,
        etag: str | None = None,
        sliding: float | None = None,
    ) -> None:
        self.value = value
        self.name = b""
        """Under which its tier keeps it."""
        self.shortcuts: tuple[Shortcut, ...] = ()
        """Where else it is found as long as its tier keeps it."""
        self.state = state
        self.generation = generation
        """The namespace's when the value was known to hold."""
        self.good_until = good_until
        """Until when it is served unasked: the first of its fresh end, its eager refresh and the process's trust."""
        self.fresh_until = fresh_until
        """The end of its TTL."""
        self.kept_until = kept_until
        """The end of the reserve in which it may still stand in for something better."""
        self.size_bytes = size_bytes
        self.version = version
        """The namespace's version on the server when the value was written; 0: not known."""
        self.created_ms = created_ms
        self.checksum = checksum
        """CRC-32 of its blob on the server, to know it again without decoding; 0: never seen."""
        self.tags = tags
        """(tag, its version when the value was written)."""
        self.own = own
        """This process wrote it, and has not heard of the write from the server yet."""
        self.etag = etag
        self.sliding = sliding
        """The seconds that each read gives it anew; None where reads do not."""
