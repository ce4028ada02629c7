"""From a name to the node that answers for it, through redirections, failovers and lost connections."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakSet

from hiredis import ReplyError
from redis.exceptions import RedisError

from perfctl.bridge import done_on
from perfctl.cache.address import Address
from perfctl.cache.redis.channel import LostConnectionError, packed
from perfctl.cache.redis.failures import refusal, translated, translation
from perfctl.cache.redis.node import Asked, Node, is_no_string
from perfctl.cache.redis.topology import Topology, topology_of
from perfctl.cache.store import Told, at_node
from perfctl.calls import asking
from perfctl.errors import PerfctlError, TimedOutError

_REDIRECTIONS = 5
_FAILURES = (RedisError, OSError)
_ASKING = packed("ASKING")


class Routes:
    """The nodes of each event loop that asks. Every method raises a PerfctlError that names the node."""

    def __init__(self, address: Address) -> None:
        self._at = address
        self._by_loop: dict[asyncio.AbstractEventLoop, Topology] = {}
        self._ends: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._current: tuple[asyncio.AbstractEventLoop | None, Topology | None] = (None, None)
        self._is_cluster = address.mode == "cluster"
        _ALL.add(self)

    def place(self, name: bytes) -> str | None:
        """The node that answers for a name, as far as this event loop knows."""
        topology = self._current[1]
        node = topology.node_of(name) if topology is not None else None
        return node.name if node is not None else None

    async def read(self, name: bytes, patience_seconds: float | None = None) -> Any:
        """The blob under a name, with the tick's other reads; None where there is none, or no string."""
        loop, topology = self._current
        if loop is not asyncio.get_running_loop() or topology is None:
            topology = self._topology()
        node = topology.node_of(name)
        if node is None or self._is_cluster:
            return await self._read_by_routing(topology, name, patience_seconds)
        try:
            reply = await node.read(name, patience_seconds)
        except LostConnectionError:
            return await self._read_by_routing(topology, name, patience_seconds)
        except _FAILURES as error:
            raise self._too_late(error, node.name, patience_seconds) from error
        if type(reply) is ReplyError:
            return await self._read_by_routing(topology, name, patience_seconds)
        return reply

    def read_together(self, names: Sequence[bytes], answer: Told) -> bool:
        """As `read`, for what was gathered within a tick; False where nothing is asked. `answer` is told the blobs,
        with an exception in place of each that is to be read by itself, or what failed."""
        loop, topology = self._current
        if loop is not asyncio.get_running_loop() or topology is None:
            topology = self._topology()
        node = None if self._is_cluster else topology.node_of(names[0])
        return node is not None and node.read_together(names, partial(self._tell, node.name, len(names), answer))

    def _tell(self, node: str, count: int, answer: Told, replies: Any, error: BaseException | None) -> None:
        if error is None:
            answer(replies, None)
        elif isinstance(error, LostConnectionError):
            answer([error] * count, None)
        else:
            answer([], translation(error, self._at, node))

    async def read_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """As `read`, for many."""
        if len(names) == 1:
            return [await self.read(names[0])]
        commands = [packed("GET", name) for name in names]
        if self._is_cluster or not names:
            replies = await self.many(names, commands)
        else:
            replies = await self._read_together(names, commands)
        strings = [None if is_no_string(reply) else reply for reply in replies]
        self.refuse(*strings)
        return strings

    async def ask(self, name: bytes, command: bytes, *, is_repeatable: bool = True) -> Any:
        """The reply to one command about a name, with the tick's others; what the server refuses is raised."""
        reply, node = await self._routed(self._topology(), name, command, is_repeatable)
        if type(reply) is ReplyError:
            raise refusal(str(reply), self._at, node.name)
        return reply

    async def many(self, names: Sequence[bytes], commands: Sequence[bytes], *, is_repeatable: bool = True) -> list[Any]:
        """The replies to a command about each name, in one go a node; refusals stand in their places."""
        topology = self._topology()
        groups = await self._grouped(topology, names)
        if len(groups) == 1:
            (node,) = groups
            return await self._of_one(topology, node, names, commands, is_repeatable)
        replies: list[Any] = [None] * len(names)

        async def fill(node: Node, places: Sequence[int]) -> None:
            of_node = [names[place] for place in places], [commands[place] for place in places]
            answers = await self._of_one(topology, node, *of_node, is_repeatable)
            for place, answer in zip(places, answers, strict=True):
                replies[place] = answer

        await asyncio.gather(*[fill(node, places) for node, places in groups.items()])
        return replies

    async def _of_one(
        self, topology: Topology, node: Node, names: Sequence[bytes], commands: Sequence[bytes], is_repeatable: bool
    ) -> list[Any]:
        """The replies of one node; what is elsewhere by now is asked there, each for itself."""
        try:
            answers = await node.ask_all(commands)
        except LostConnectionError as error:
            if not is_repeatable:
                raise translation(error, self._at, node.name) from error
            answers = [error] * len(commands)
        except _FAILURES as error:
            raise translation(error, self._at, node.name) from error
        if set(map(type, answers)).isdisjoint((ReplyError, LostConnectionError)):
            return answers
        again = [place for place, answer in enumerate(answers) if _is_elsewhere(answer)]
        routed = [self._routed(topology, names[place], commands[place], is_repeatable) for place in again]
        for place, (answer, _) in zip(again, await asyncio.gather(*routed), strict=True):
            answers[place] = answer
        return answers

    async def of(self, node: Node, command: bytes) -> Any:
        """The reply of one node; what it refuses is raised."""
        with translated(self._at, node.name):
            reply = await node.ask(command)
        if type(reply) is ReplyError:
            raise refusal(str(reply), self._at, node.name)
        return reply

    async def of_all(self, nodes: Sequence[Node], commands: Sequence[bytes]) -> list[list[Any]]:
        """The replies of each node to the same commands; refusals stand in their places."""

        async def of_one(node: Node) -> list[Any]:
            with translated(self._at, node.name):
                return await node.ask_all(commands)

        return list(await asyncio.gather(*[of_one(node) for node in nodes]))

    async def primaries(self, *, anew: bool = False) -> list[Node]:
        """The primaries as they are known; `anew` asks who they are now."""
        topology = self._topology()
        if anew or not topology.primaries():
            await self._find(topology)
        return topology.primaries()

    def refuse(self, *replies: Any) -> None:
        """Raise the first refusal among replies."""
        for reply in replies:
            if type(reply) is ReplyError:
                raise refusal(str(reply), self._at, str(self._at))

    async def close(self) -> None:
        """Close the connections of this event loop, and of every other that still runs."""
        here = asyncio.get_running_loop()
        self._current = (None, None)
        for loop in list(self._by_loop):
            topology = self._by_loop.pop(loop, None)
            if topology is None:  # another one closes it
                continue
            if loop is here:
                await self._close_here(topology)
            elif loop.is_running():
                await done_on(loop, self._close_here(topology))

    def abandon(self) -> None:
        """In a forked child: what is open belongs to the parent, and is neither used nor closed."""
        _ABANDONED.append((self._by_loop, self._ends))
        self._by_loop, self._ends = {}, {}
        self._current = (None, None)

    def _topology(self) -> Topology:
        loop = asyncio.get_running_loop()
        current, topology = self._current
        if current is loop and topology is not None:
            return topology
        topology = self._by_loop.get(loop)
        if topology is None:
            self._forget_closed_loops()
            topology = self._by_loop[loop] = topology_of(self._at)
            self._ends[loop] = _closes_in_the_end(weakref.ref(self), loop)
            asking(f"Redis at {self._at}")
        self._current = (loop, topology)
        return topology

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in list(self._by_loop) if loop.is_closed()]:
            topology = self._by_loop.pop(loop, None)
            if topology is not None:
                topology.drop()
            self._ends.pop(loop, None)

    async def _close_here(self, topology: Topology) -> None:
        """Close the connections of this event loop."""
        end = self._ends.pop(asyncio.get_running_loop(), None)
        await topology.close()
        if end is not None:
            await end.aclose()

    async def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        topology = self._by_loop.pop(loop, None)
        if topology is not None:
            self._current = (None, None)
            await topology.close()

    async def _find(self, topology: Topology) -> None:
        with translated(self._at, str(self._at), "who is who"):
            await topology.find()

    async def _node(self, topology: Topology, name: bytes) -> Node:
        node = topology.node_of(name)
        if node is None:
            await self._find(topology)
            node = topology.node_of(name)
        if node is None:
            error = LostConnectionError("no node has the slot of this name")
            raise translation(error, self._at, str(self._at))
        return node

    async def _grouped(self, topology: Topology, names: Sequence[bytes]) -> dict[Node, list[int]]:
        if not self._is_cluster:
            return {await self._node(topology, names[0]): []} if names else {}
        groups: dict[Node, list[int]] = {}
        for place, name in enumerate(names):
            groups.setdefault(topology.node_of(name) or await self._node(topology, name), []).append(place)
        return groups

    async def _read_by_routing(self, topology: Topology, name: bytes, patience_seconds: float | None) -> Any:
        try:
            async with asyncio.timeout(patience_seconds):
                reply, node = await self._routed(topology, name, packed("GET", name), True)
        except TimeoutError as error:
            raise self._too_late(error, self.place(name) or str(self._at), patience_seconds) from error
        if type(reply) is ReplyError:
            if is_no_string(reply):
                return None
            raise refusal(str(reply), self._at, node.name)
        return reply

    def _too_late(self, error: BaseException, node: str, patience_seconds: float | None) -> PerfctlError:
        if patience_seconds is None or not isinstance(error, TimeoutError):
            return translation(error, self._at, node)
        return at_node(TimedOutError(f"Redis at {self._at} did not answer within {patience_seconds:g} s"), node)

    async def _read_together(self, names: Sequence[bytes], commands: Sequence[bytes]) -> list[Any]:
        """With the tick's other reads; each that was refused, or whose connection was lost, once more for itself."""
        topology = self._topology()
        node = await self._node(topology, names[0])
        reading = [node.read(name) for name in names]
        try:
            replies = await _all(reading)
        except LostConnectionError:
            return await self.many(names, commands)
        except _FAILURES as error:
            raise translation(error, self._at, node.name) from error
        return replies

    async def _routed(self, topology: Topology, name: bytes, command: bytes, is_repeatable: bool) -> tuple[Any, Node]:
        """The reply, a refusal included, of the node that answers for the name in the end."""
        node = await self._node(topology, name)
        is_asking, was_lost = False, False
        for _ in range(_REDIRECTIONS):
            try:
                if is_asking:
                    _ignored(node.ask(_ASKING))
                reply = await node.ask(command)
            except LostConnectionError as error:
                if was_lost or not is_repeatable:
                    raise translation(error, self._at, node.name) from error
                was_lost, topology = True, self._topology()  # another one, where this one was closed meanwhile
                node = await self._node(topology, name)
                continue
            except _FAILURES as error:
                raise translation(error, self._at, node.name) from error
            if type(reply) is not ReplyError:
                break
            other = topology.elsewhere(node, str(reply))
            if other is None and topology.node_of(name) is not None:
                break
            node, is_asking = other or (await self._node(topology, name), False)
        return reply, node


_ALL: WeakSet[Routes] = WeakSet()
_ABANDONED: list[object] = []


def _closes_in_the_end(routes: weakref.ref[Routes], loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    """Have the connections of the running loop closed when `asyncio.run`, or a test's runner, ends it: the one thing
    that it does for all alike is to close the asynchronous generators that were begun."""

    async def until_the_end() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            ours = routes()
            if ours is not None:
                await ours._end(loop)

    end = until_the_end()
    with suppress(StopIteration):
        end.asend(None).send(None)
    return end


def _forget_after_fork() -> None:
    for routes in list(_ALL):
        routes.abandon()


os.register_at_fork(after_in_child=_forget_after_fork)


def _is_elsewhere(answer: Any) -> bool:
    """Whether a single command would be asked elsewhere, or again."""
    if type(answer) is LostConnectionError:
        return True
    return type(answer) is ReplyError and str(answer).startswith(("MOVED ", "ASK ", "READONLY"))


def _ignored(future: Asked) -> None:
    future.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _all(futures: Sequence[Asked]) -> list[Any]:
    """The results of all; when one fails or the caller leaves, nobody waits for the others."""
    try:
        return [await future for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
            _ignored(future)
        raise
