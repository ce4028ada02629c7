"""Which node answers for a name: one server, the primary that sentinels name, or a cluster's slots."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from redis.crc import key_slot

from perfctl.cache.address import Address
from perfctl.cache.redis.channel import LostConnectionError, packed
from perfctl.cache.redis.connecting import connection_to, sentinel_connection_to
from perfctl.cache.redis.node import Node
from perfctl.endings import ended

_SLOTS = 16384
_REFRESH_SECONDS = 0.2
"""A topology that just changed is asked for no more often than this."""


class Topology(Protocol):
    """The nodes of one event loop. Raises what redis-py raises."""

    def node_of(self, name: bytes) -> Node | None:
        """The primary for a name; None where the topology must be asked for first."""
        ...

    async def find(self) -> None:
        """Ask who is who; together, when several ask at once."""
        ...

    def primaries(self) -> list[Node]:
        """All primaries, once they are found."""
        ...

    def elsewhere(self, node: Node, refusal: str) -> tuple[Node, bool] | None:
        """Who has what `node` refused to do: whether it must be told ASKING; None where nobody has."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    def drop(self) -> None:
        """Let go of the sockets of an event loop that is closed."""
        ...


def topology_of(address: Address) -> Topology:
    """The topology of an address, for the running event loop."""
    if address.mode == "cluster":
        return _Cluster(address)
    return _Sentinel(address) if address.mode == "sentinel" else _Single(address)


class _Single:
    def __init__(self, address: Address) -> None:
        host, port = address.nodes[0] if address.nodes else ("", 0)
        self._node = Node(str(address), partial(connection_to, address, host, port), address.timeout_seconds)
        if address.reads_replicas:
            self._node.replicas = [_replica(address, host, port) for host, port in address.replicas]

    def node_of(self, _name: bytes) -> Node:
        return self._node

    async def find(self) -> None:
        return

    def primaries(self) -> list[Node]:
        return [self._node]

    def elsewhere(self, _node: Node, _refusal: str) -> None:
        return None

    async def close(self) -> None:
        await self._node.close()

    def drop(self) -> None:
        self._node.drop()


class _Known:
    """The nodes that were ever named, by address, and one search at a time."""

    def __init__(self, address: Address) -> None:
        self._at = address
        self._nodes: dict[tuple[str, int], Node] = {}
        self._search: asyncio.Task[None] | None = None

    async def find(self) -> None:
        """One search serves all who wait for it; it goes on when one of them leaves."""
        if self._search is None or self._search.done():
            self._search = asyncio.get_running_loop().create_task(self._look())
            self._search.add_done_callback(_heard)
        try:
            await asyncio.shield(self._search)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._search.cancelled() and task is not None and not task.cancelling():
                raise LostConnectionError("the connection was closed") from None
            raise

    async def close(self) -> None:
        """End the search and every connection."""
        if self._search is not None and not self._search.done():
            await ended(self._search)
        for node in self._all():
            node.on_failure = None
            await node.close()

    def drop(self) -> None:
        for node in self._all():
            node.drop()

    def _all(self) -> list[Node]:
        return list(self._nodes.values())

    async def _look(self) -> None:
        raise NotImplementedError

    def _node(self, host: str, port: int) -> Node:
        node = self._nodes.get((host, port))
        if node is None:
            connect = partial(connection_to, self._at, host, port)
            node = self._nodes[host, port] = Node(f"{host}:{port}", connect, self._at.timeout_seconds)
            node.on_failure = self._failed
        return node

    def _failed(self, node: Node) -> None:
        raise NotImplementedError


class _Sentinel(_Known):
    """All sentinels are asked at once, and the first that names a node which says that it is the primary is believed.

    After: "Guidelines for Redis clients with support for Redis Sentinel" (redis.io), which asks one after another; a
    frozen sentinel would then cost its time-out.
    """

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._primary: Node | None = None
        self._sentinels = [
            Node(f"{host}:{port}", partial(sentinel_connection_to, address, host, port), address.timeout_seconds)
            for host, port in address.nodes
        ]

    def node_of(self, _name: bytes) -> Node | None:
        return self._primary

    def primaries(self) -> list[Node]:
        return [self._primary] if self._primary else []

    def elsewhere(self, node: Node, refusal: str) -> None:
        """A primary that became a replica is asked no more."""
        if refusal.startswith("READONLY"):
            self._failed(node)

    def _all(self) -> list[Node]:
        return [*self._nodes.values(), *self._sentinels]

    def _failed(self, node: Node) -> None:
        if node is self._primary:
            self._primary = None

    async def _look(self) -> None:
        question = packed("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._at.service)
        asked = [asyncio.ensure_future(_only(sentinel, question)) for sentinel in self._sentinels]
        failures: list[BaseException] = []
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    primary = await self._primary_at(await answer)
                    await self._find_replicas(primary)
                    self._primary = primary
                    return
                except Exception as error:  # noqa: BLE001 - another sentinel may know; if none does, this is raised
                    failures.append(error)
        finally:
            await ended(*asked)
        raise failures[-1]

    async def _primary_at(self, answer: Any) -> Node:
        if isinstance(answer, Exception):
            raise answer
        if not answer:
            raise LostConnectionError(f"no sentinel answers with a primary of that name, {self._at.service!r}")
        node = self._node(answer[0].decode(), int(answer[1]))
        role = await _only(node, packed("ROLE"))
        if isinstance(role, list) and role[0] != b"master":
            raise LostConnectionError(f"{node.name} is no primary any more")
        return node

    async def _find_replicas(self, primary: Node) -> None:
        """Those that some sentinel finds well; without an answer, none is read from."""
        if not self._at.reads_replicas or primary.replicas:
            return
        question = packed("SENTINEL", "REPLICAS", self._at.service)
        asked = [asyncio.ensure_future(_only(sentinel, question)) for sentinel in self._sentinels]
        done, pending = await asyncio.wait(asked, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        await ended(*pending)
        answers = [one.result() for one in done if not one.cancelled() and one.exception() is None]
        rows = [_fields(row) for answer in answers[:1] if isinstance(answer, list) for row in answer]
        primary.replicas = [
            _replica(self._at, row[b"ip"].decode(), int(row[b"port"]))
            for row in rows
            if not any(word in row[b"flags"] for word in (b"down", b"disconnected"))
        ]


class _Cluster(_Known):
    """CLUSTER SLOTS of whoever answers first among the nodes that are known, then among those configured."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._slots: list[Node | None] = [None] * _SLOTS
        self._is_found = False
        self._found_at = 0.0
        self._later: asyncio.TimerHandle | None = None

    def node_of(self, name: bytes) -> Node | None:
        return self._slots[key_slot(name)]

    def primaries(self) -> list[Node]:
        return list(dict.fromkeys(node for node in self._slots if node is not None))

    def elsewhere(self, node: Node, refusal: str) -> tuple[Node, bool] | None:
        """MOVED and ASK name the other node (without a host: the same host)."""
        kind, _, rest = refusal.partition(" ")
        if kind not in ("MOVED", "ASK"):
            if kind == "CLUSTERDOWN":
                self._refresh_soon()
            return None
        slot, _, place = rest.partition(" ")
        host, _, port = place.rpartition(":")
        other = self._node(host or node.name.rpartition(":")[0], int(port))
        if kind == "MOVED":
            self._slots[int(slot)] = other
            self._refresh_soon()
        return other, kind == "ASK"

    async def close(self) -> None:
        """End the search and every connection."""
        if self._later is not None:
            self._later.cancel()
        await super().close()

    def _failed(self, _node: Node) -> None:
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Ask again who has which slots; calls go on with what is known."""
        loop = asyncio.get_running_loop()
        if self._later is None:
            self._later = loop.call_later(_REFRESH_SECONDS, self._refresh)

    def _refresh(self) -> None:
        self._later = None
        if self._search is None or self._search.done():
            self._search = asyncio.get_running_loop().create_task(self._look())
            self._search.add_done_callback(_heard)

    async def _look(self) -> None:
        known = [*self.primaries(), *self._nodes.values(), *(self._node(*place) for place in self._at.nodes)]
        failure: BaseException = LostConnectionError("no node of the cluster is known")
        for group in _twos(dict.fromkeys(known)):
            asked = [asyncio.ensure_future(_only(node, packed("CLUSTER", "SLOTS"))) for node in group]
            by_task = dict(zip(asked, group, strict=True))
            pending: set[Any] = set(asked)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    error = one.exception() or (one.result() if isinstance(one.result(), Exception) else None)
                    if error is None and one.result():
                        for other in pending:
                            other.cancel()
                        self._learn(one.result(), by_task[one])
                        return
                    failure = error or failure
        raise failure

    def _learn(self, answer: Sequence[Any], asked: Node) -> None:
        slots: list[Node | None] = [None] * _SLOTS
        for first, last, primary, *_replicas in answer:
            host = (primary[0] or b"").decode() or asked.name.rpartition(":")[0]
            slots[first : last + 1] = [self._node(host, int(primary[1]))] * (last + 1 - first)
        self._slots = slots


def _replica(address: Address, host: str, port: int) -> Node:
    return Node(f"{host}:{port}", partial(connection_to, address, host, port), address.timeout_seconds)


def _fields(row: Any) -> dict[bytes, bytes]:
    return row if isinstance(row, dict) else dict(zip(row[::2], row[1::2], strict=True))


async def _only(node: Node, command: bytes) -> Any:
    (reply,) = await node.ask_all([command])
    return reply


def _twos(nodes: Iterable[Node]) -> list[list[Node]]:
    """Two at a time: a frozen node costs nothing, and a cluster is not asked all over."""
    listed = list(nodes)
    return [listed[place : place + 2] for place in range(0, len(listed), 2)]


def _heard(search: asyncio.Task[None]) -> None:
    """Nobody may wait for a search in the background; what it raised is raised by the next one, too."""
    if not search.cancelled():
        search.exception()
