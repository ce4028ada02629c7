"""The seam to the tier behind the process: what the cache asks of a server, whichever driver answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from perfctl.cache.model import ServerFacts
from perfctl.errors import AuthError


class ForbiddenError(AuthError):
    """The server knows us, and does not allow us this."""


class Fetched(NamedTuple):
    """A blob and what is left of its life; None when it never expires."""

    blob: bytes
    ttl_ms: int | None


class Write(NamedTuple):
    """A blob to keep under a name, for so long; None keeps it until it is evicted."""

    name: bytes
    blob: bytes
    ttl_ms: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write of a batch that the server refused, and its words."""

    index: int
    reason: str


class Store(Protocol):
    """A server that keeps bytes under names. Every method raises a PerfctlError and nothing else:
    UnreachableError, TimedOutError, AuthError or ServiceError."""

    address: str
    """Where it is, without any password: `127.0.0.1:6379`."""
    protocol: str
    """How it is spoken to: `RESP2`."""

    async def get(self, name: bytes) -> Fetched | None:
        """The blob under a name; None when there is none, or when it is no string."""
        ...

    async def set(self, write: Write) -> None:
        """Keep one blob."""
        ...

    async def set_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """Keep many in one go; answers those that the server refused."""
        ...

    async def delete(self, names: Sequence[bytes]) -> int:
        """Forget names without blocking the server; answers how many were there."""
        ...

    def scan(self, prefix: bytes, *, batch: int = 1000) -> AsyncIterator[list[bytes]]:
        """All names that start with `prefix`, in batches, on every primary; a name may come twice, batches may be
        empty, and the server is never blocked for more than one batch."""
        ...

    async def sizes(self, names: Sequence[bytes]) -> list[int | None]:
        """The memory that each name takes on the server; None where it is gone."""
        ...

    async def count(self, name: bytes, increments: Mapping[bytes, int], *, since: int) -> None:
        """Add to the counters of a hash; `since` is kept from the first time."""
        ...

    async def counters(self, name: bytes) -> dict[bytes, int]:
        """All counters of a hash."""
        ...

    async def ping(self) -> None:
        """Return when the server answers."""
        ...

    async def facts(self) -> ServerFacts:
        """What the server says of itself, as far as it may be asked."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


SINCE = b"~since"
"""The field of the counters' hash that holds when counting began, in Unix seconds."""
