"""The seam to the tier behind the process: what the cache asks of a server, whichever driver answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.model import ServerFacts
from perfctl.errors import AuthError, PerfctlError

SINCE = b"~since"
"""The field of the counters' hash that holds when counting began, in Unix seconds."""

ABSENT: Final = -2
"""The remaining life of a name that is not there."""

HEAD_BYTES: Final = 64
"""So much of a blob holds its header, but for one with many tags."""


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


class Dated(NamedTuple):
    """A write and when its value was made, in Unix milliseconds: the newest is kept."""

    write: Write
    created_ms: int


class Message(NamedTuple):
    """What somebody published."""

    channel: bytes
    body: bytes


Told = Callable[[Sequence[Any], PerfctlError | None], None]
"""Told the blobs under names (None where there is none, an exception for each that must be fetched by itself), or what
failed for all of them."""

MOST_READS: Final = 512
"""Names in one question: the server answers others between two of them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write of a batch that the server refused, and its words."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class SlowCall:
    """One line of a node's slow log."""

    node: str
    at: int
    """Unix seconds."""
    took_us: int
    words: tuple[bytes, ...]
    """The command and its arguments, as far as the server keeps them."""
    client: str = ""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One key of whatever type, as the server knows it."""

    name: bytes
    kind: str
    """`string`, `hash`, `list`, `set`, `zset`, `stream`."""
    size_bytes: int | None
    """With the server's overhead; None where MEMORY is forbidden."""
    ttl_ms: int | None
    """What is left of its life; None when it never expires."""
    frequency: int | None = None
    """The server's logarithmic count of reads; None unless maxmemory-policy is an LFU."""
    idle_seconds: int | None = None
    """Since it was last used; None under an LFU policy."""


class Preview(NamedTuple):
    """A bounded look into a key of whatever type."""

    encoding: str | None
    """How the server keeps it: listpack, hashtable ..."""
    elements: int | None
    """Of a string, its bytes; None for a type that is not known here."""
    first: Any
    """The first of them: bytes of a string, a list, or a mapping."""


def node_of(error: BaseException) -> str | None:
    """The node that failed, `127.0.0.1:6379`; None where the error names none."""
    return getattr(error, "node", None)


def at_node(error: PerfctlError, node: str) -> PerfctlError:
    """The error, which now says which node failed."""
    error.node = node  # type: ignore[attr-defined]
    return error


def created_ms_of(head: bytes) -> int | None:
    """When the value of a blob that starts so was made, in Unix milliseconds; None where its header does not say."""
    if len(head) < 13 or head[:2] != b"\xc1\x02":
        return None
    return EPOCH_MS + int.from_bytes(head[8:13], "big")


class Listening(Protocol):
    """A subscription: a connection of its own to one node, closed by `close`."""

    async def next(self) -> Message:
        """The next message. Raises UnreachableError when the connection is lost: subscribe again then."""
        ...

    async def close(self) -> None:
        """End the subscription."""
        ...


class Line(Protocol):
    """A connection of its own to one node, for what cannot share one: CLIENT TRACKING, SUBSCRIBE.

    One task may `ask` while another waits in `hear`.
    """

    node: str
    protocol: int
    """2 or 3."""

    async def ask(self, *words: bytes | str | int) -> Any:
        """The reply to one command, as bytes, int, list or None. SUBSCRIBE and its like answer through `hear`."""
        ...

    async def hear(self) -> list[Any]:
        """The next thing that the server says unasked: [b"invalidate", [names] or None], [b"message", channel,
        body], [b"subscribe", channel, count]. Raises UnreachableError when the connection is lost."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


class Store(Protocol):
    """A server that keeps bytes under names. Every method raises a PerfctlError and nothing else:
    UnreachableError, TimedOutError, AuthError (ForbiddenError where a right is missing) or ServiceError; `node_of`
    says which node failed.

    `fetch`, `get_many`, `put` and `remove` are batched: what is asked within one tick of an event loop goes out as
    one MGET and one pipeline a node. Cancelling one caller disturbs no other."""

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

    def place(self, name: bytes) -> str | None:
        """The node that answers for a name, as far as that is known without asking."""
        ...

    async def fetch(self, name: bytes, *, patience_seconds: float | None = None) -> bytes | None:
        """The blob under a name, batched; None when there is none, or when it is no string. TimedOutError after the
        patience, which costs a tenth of an `asyncio.timeout`: those who ask within one tick share one timer."""
        ...

    def fetch_together(self, names: Sequence[bytes], answer: Told, /) -> bool:
        """Ask for up to MOST_READS names in one go, without a task or a future for any of them; False where nothing
        is asked, and each must be fetched by itself. `answer` is called later, on the event loop that asks."""
        ...

    async def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The blobs under names, batched, in the order asked; None for what is not there, or is no string."""
        ...

    async def put(self, write: Write) -> None:
        """Keep one blob, batched."""
        ...

    async def put_many(self, writes: Sequence[Write]) -> list[Refusal]:
        """Keep many in one go, for an application: as `set_many`, but not for a million of them."""
        ...

    async def put_newest(self, writes: Sequence[Dated]) -> list[bool]:
        """Keep each only where the server has none of its name or an older one; whether it was kept."""
        ...

    async def swap(self, write: Write, old: bytes) -> bool:
        """Keep a blob only where the server still has another one of ours, as it was read; whether it was kept."""
        ...

    async def remove(self, names: Sequence[bytes]) -> int:
        """Forget names, batched; answers how many were there."""
        ...

    async def heads(self, names: Sequence[bytes], length: int = HEAD_BYTES) -> list[bytes | None]:
        """The first bytes of each blob; None for what is not there, or is no string."""
        ...

    async def ttls(self, names: Sequence[bytes]) -> list[int | None]:
        """What is left of each life in ms: None when it never expires, ABSENT when it is not there."""
        ...

    async def touch(self, names: Sequence[bytes], ttl_ms: int | None) -> int:
        """Give names a new life from now on, None for ever; answers how many were there."""
        ...

    async def exists(self, names: Sequence[bytes]) -> list[bool]:
        """Whether each is there, of whatever type."""
        ...

    async def take(self, name: bytes, token: bytes, ms: int | None) -> bool:
        """Take a lock for so long, None for ever; whether it was free."""
        ...

    async def keep(self, name: bytes, token: bytes, ms: int) -> bool:
        """Hold a lock for so long from now on; whether it was still ours."""
        ...

    async def release(self, name: bytes, token: bytes, *, channel: bytes | None = None) -> bool:
        """Free a lock if it is ours, and publish its name on a channel (by default the one of that name), where that
        is allowed; whether it was ours."""
        ...

    async def publish(self, channel: bytes, body: bytes) -> int:
        """Tell the subscribers of a channel; answers how many heard it on the node that was asked."""
        ...

    async def listen(self, channels: Sequence[bytes]) -> Listening:
        """Subscribe, on a connection of its own; returns when the server has confirmed it."""
        ...

    async def nodes(self, *, anew: bool = False) -> list[str]:
        """The primaries' addresses as they are known, or asked for `anew`: `["127.0.0.1:6379"]`."""
        ...

    async def line(self, node: str, *, protocol: int | None = None) -> Line:
        """A connection of its own to one of `nodes()`; `protocol` is the configured one where None is given."""
        ...

    def scan(self, prefix: bytes, *, batch: int = 1000, pattern: bytes | None = None) -> AsyncIterator[list[bytes]]:
        """All names that start with `prefix`, in batches, on every primary; a name may come twice, batches may be
        empty, and the server is never blocked for more than one batch. `pattern`, a glob of SCAN for the whole name,
        takes the prefix's place."""
        ...

    async def load(self, names: Sequence[bytes], packs: Sequence[bytes]) -> list[Refusal]:
        """Send a SET in RESP for each name, as `set_many` would; for who packs a million of them."""
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

    async def server_time_us(self) -> int:
        """The server's clock, in Unix microseconds; on a cluster that of one primary."""
        ...

    async def info(self, section: str = "default") -> dict[str, dict[str, Any]]:
        """INFO by node: fields as text, numbers as int or float, `db0` and its like as a dict."""
        ...

    async def slowlog(self, count: int = 128) -> list[SlowCall]:
        """The slow calls of all primaries, the newest of each first."""
        ...

    async def clients(self) -> dict[str, list[dict[str, str]]]:
        """CLIENT LIST by node, its fields as the server names them."""
        ...

    async def config(self, name: str) -> dict[str, str | None]:
        """One setting by node; None where the node has none of that name."""
        ...

    async def sample(self, count: int, *, pattern: bytes | None = None) -> list[KeyFacts]:
        """About so many keys drawn at random over all primaries (RANDOMKEY, by their share of the keys), each once;
        with a pattern, those of the drawn that match it."""
        ...

    async def describe(self, names: Sequence[bytes]) -> list[KeyFacts | None]:
        """What the server knows of each; None where it is gone."""
        ...

    async def preview(self, name: bytes, kind: str, count: int) -> Preview:
        """How many elements a key of a type (see `describe`) has, and the first of them."""
        ...

    async def monitor(self, node: str, seconds: float) -> Mapping[bytes, int]:
        """How often each key is named by the commands that one of `nodes()` runs in so many seconds; it slows the
        node meanwhile."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
