"""How a process hears of what others changed: client tracking in broadcast mode, or messages where CLIENT is forbidden.

Tracking: on a connection of its own to each primary, `CLIENT TRACKING ON BCAST PREFIX {prefix}:` has the server name
every key that is written, deleted, evicted or expired, whoever did it. RESP3 pushes the names; under RESP2 the
connection redirects them to itself and subscribes to `__redis__:invalidate`. Our own writes come back, too.
Messages: every writer publishes `{instance, action, keys}` (MessagePack) on `{prefix}:~b`; its own are passed over.

Whether this works is never assumed: a canary is written by another connection after each connect, and until it is
heard of the backplane is not verified (servers, proxies and drivers that take the command and stay silent exist).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

from perfctl.bridge import portal
from perfctl.cache.keys import KeyLayout
from perfctl.cache.store import ForbiddenError
from perfctl.config.settings import BackplaneMode
from perfctl.endings import ended
from perfctl.errors import AuthError, PerfctlError, ServiceError

if TYPE_CHECKING:
    from perfctl.cache.store import Line, Store

_LOG = logging.getLogger("perfctl.cache")

UNVERIFIED_LOCAL_SECONDS = 5.0
"""How long a value may be kept in the process, at most, while nobody tells us of changes."""

_CANARY_SECONDS = 1.0
_CANARY_AGAIN_SECONDS = 5.0
_CANARY_LIVES_MS = 10_000
_CANARY_TRIES = 500
_BEAT_SECONDS = 0.5
_SILENT_SECONDS = 1.2
"""A connection whose PING is not answered for so long is lost, though it is open on our side."""
_SHORTEST_REST, _LONGEST_REST = 0.1, 1.0
_MAX_UNSAID = 10_000
_NO_COMMAND = ("unknown command", "unknown subcommand", "no such command", "not allowed")


class Listener(Protocol):
    """Who is told. Every method is called on the thread of the process's portal, must not wait, and must not raise.

    `everything_changed` is called once more in a forked child, before anything else runs there: it takes no lock.
    """

    def changed(self, names: Sequence[bytes]) -> None:
        """These names were written or are gone; names that nobody knows are among them."""
        ...

    def everything_changed(self) -> None:
        """Anything may have changed: FLUSHALL, a lost connection, one that is back."""
        ...

    def verified(self, is_verified: bool) -> None:
        """Changes are (not) announced from now on."""
        ...

    def woken(self, lock: bytes) -> None:
        """A lock was freed; only where changes are messages: tracking says that its name changed."""
        ...


class Backplane:
    """The ears of one cache. `start` it when Redis is first used; `stop` it from any event loop."""

    def __init__(
        self,
        mode: BackplaneMode,
        store: Store,
        layout: KeyLayout,
        listener: Listener,
        *,
        protocol: int = 2,
        prefixes: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        """`prefixes` are the names under which a canary may be written where the user may not write elsewhere."""
        self.mode: BackplaneMode = mode
        """What is in use; `auto` until that is known."""
        self.is_verified = False
        self.instance = secrets.token_hex(4)
        self._wanted = mode
        self._store = store
        self._layout = layout
        self._listener = listener
        self._protocol = protocol
        self._prefixes = prefixes
        self._channel = layout.root + b"~b"
        self._canaries: dict[bytes, asyncio.Event] = {}
        self._unsaid: list[bytes] = []
        self._says = False
        self._saying: asyncio.Task[None] | None = None
        self._speaker: Line | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._is_heard = False
        self._has_warned = False
        _BACKPLANES.add(self)

    @property
    def wakes(self) -> bytes:
        """The channel on which whoever frees a lock publishes its name."""
        return self._layout.root + b"~w"

    def start(self) -> None:
        """Begin to listen, in the background; does nothing when it was begun. For any thread, never waits."""
        if self._loop is None and self._wanted != "off":
            with self._starting:
                self._start_once()

    def _start_once(self) -> None:
        if self._loop is None:
            shared = portal()
            self._loop = shared.loop
            shared.closes(self)
            self._loop.call_soon_threadsafe(self._begin)

    async def stop(self) -> None:
        """Stop listening, from whichever event loop; it may be started again."""
        if self._loop is not None:
            await portal().finish(self)

    async def close(self) -> None:
        """The same, on the portal's own loop."""
        self._loop = None
        task, self._task = self._task, None
        if task is not None:
            await ended(task)
        self._lose()

    def announce(self, names: Iterable[bytes]) -> None:
        """Tell the others what this process wrote; the server does that itself under tracking. For any thread."""
        if self.mode in ("tracking", "off") or self._loop is None:
            return
        self._unsaid.extend(names)
        if len(self._unsaid) > _MAX_UNSAID:
            del self._unsaid[:-_MAX_UNSAID]
            self._unsaid[0] = b""  # stands for everything
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile, and the process with it
            self._loop.call_soon_threadsafe(self._say_soon)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        """Connect and listen, and again after each loss."""
        rest = _SHORTEST_REST
        own = asyncio.current_task()
        while self._task is own:  # a task group that fails just then swallows our cancellation (Python < 3.13)
            try:
                await self._attend()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - a background loop: whatever it was, try again
                self._explain(_first(error))
            rest = _SHORTEST_REST if self._is_heard else min(rest * 2, _LONGEST_REST)
            self._lose()
            if self._task is own:
                await asyncio.sleep(rest)

    def _explain(self, error: BaseException) -> None:
        """What time mends is no warning: the engine says that Redis is away."""
        if isinstance(error, AuthError):
            self._warn(error.message)
        elif isinstance(error, (PerfctlError, TimeoutError, _NotOfferedError, _NodesChangedError)):
            _LOG.debug("the backplane to %s is away: %s", self._store.address, error)
        else:
            self._warn(f"{type(error).__name__}: {error}")

    async def _attend(self) -> None:
        """Listen until something is lost. Raises when it is."""
        async with contextlib.AsyncExitStack() as lines:
            async with asyncio.timeout(_SILENT_SECONDS * 2):
                ears = await self._ears(lines)
            self._is_heard = True
            self._listener.everything_changed()
            async with asyncio.TaskGroup() as tasks:
                for line in ears:
                    tasks.create_task(self._hear(line))
                    tasks.create_task(self._beat(line))
                tasks.create_task(self._verify(ears))
                if self.mode == "pubsub":
                    self._say_soon()
                if self._store.address != ears[0].node:
                    tasks.create_task(self._watch_nodes({line.node for line in ears}))

    async def _ears(self, lines: contextlib.AsyncExitStack) -> list[Line]:
        """A connection to each node that names what changes there, or one on which messages come."""
        nodes = await self._store.nodes(anew=True)
        if self._wanted != "pubsub" and self.mode != "pubsub":
            try:
                ears = [await self._track(node, lines) for node in nodes]
                self.mode = "tracking"
                return ears
            except _NotOfferedError as error:
                if self._wanted == "tracking":
                    self._warn(f"{self._store.address} does not offer client tracking ({error})")
                    raise
        ears = [await self._subscribe(nodes[0], lines)]
        self._speaker = await lines.enter_async_context(self._line(nodes[0], None))
        lines.callback(self._hush)
        self.mode = "pubsub"
        return ears

    async def _track(self, node: str, lines: contextlib.AsyncExitStack) -> Line:
        """Under RESP2 where that is configured; under RESP3, too, where the user may not subscribe."""
        try:
            return await self._track_by(self._protocol, node, lines)
        except _NotOfferedError:
            if self._protocol == 3:
                raise
            return await self._track_by(3, node, lines)

    async def _track_by(self, protocol: int, node: str, lines: contextlib.AsyncExitStack) -> Line:
        async with contextlib.AsyncExitStack() as opened:
            try:
                line = await opened.enter_async_context(self._line(node, protocol))
                await self._turn_on(line)
            except (ForbiddenError, ServiceError) as error:
                if isinstance(error, ForbiddenError) or any(words in error.message.lower() for words in _NO_COMMAND):
                    raise _NotOfferedError(error.message) from error
                raise
            lines.push_async_exit(opened.pop_all())
        return line

    async def _turn_on(self, line: Line) -> None:
        if line.protocol == 3:
            await line.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", self._layout.root)
            return
        number = await line.ask("CLIENT", "ID")
        await line.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", "PREFIX", self._layout.root)
        await line.ask("SUBSCRIBE", "__redis__:invalidate")
        await line.hear()

    async def _subscribe(self, node: str, lines: contextlib.AsyncExitStack) -> Line:
        line = await lines.enter_async_context(self._line(node, None))
        await line.ask("SUBSCRIBE", self._channel, self.wakes)
        await line.hear()
        await line.hear()
        return line

    @asynccontextmanager
    async def _line(self, node: str, protocol: int | None) -> AsyncIterator[Line]:
        line = await self._store.line(node, protocol=protocol)
        try:
            yield line
        finally:
            await line.close()

    async def _hear(self, line: Line) -> None:
        while True:
            self._take(await line.hear())

    def _take(self, said: list[Any]) -> None:
        """Hand on one thing that was heard, by its shape."""
        if said[0] == b"invalidate":
            self._changed(said[1])
        elif said[0] == b"message" and said[1] == b"__redis__:invalidate":
            self._changed(said[2])
        elif said[0] == b"message" and said[1] == self._channel:
            self._told(said[2])
        elif said[0] == b"message" and said[1] == self.wakes:
            self._listener.woken(said[2])

    def _changed(self, names: list[bytes] | None) -> None:
        if names is None:
            self._listener.everything_changed()
            return
        if self._canaries:
            for name in names:
                if name in self._canaries:
                    self._canaries[name].set()
        self._listener.changed(names)

    def _told(self, body: bytes) -> None:
        message = _message_in(body)
        if message is None:
            return
        instance, action, names = message
        if action == "canary":
            for name in names:
                if name in self._canaries:
                    self._canaries[name].set()
        elif instance == self.instance:
            return
        elif action == "everything":
            self._listener.everything_changed()
        elif action == "changed":
            self._listener.changed(names)

    async def _beat(self, line: Line) -> None:
        """Notice a connection that is open on our side alone."""
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            async with asyncio.timeout(_SILENT_SECONDS):
                await line.ask("PING")
                if line is not self._speaker and self._speaker is not None:
                    await self._speaker.ask("PING")

    async def _watch_nodes(self, heard: set[str]) -> None:
        """Notice a primary that another one took over from."""
        while True:
            await asyncio.sleep(_BEAT_SECONDS * 2)
            if set(await self._store.nodes(anew=True)) != heard:
                raise _NodesChangedError

    async def _verify(self, ears: Sequence[Line]) -> None:
        """Have a canary heard by every ear, once; keep trying while it is not."""
        while True:
            if await self._are_canaries_heard(ears):
                self._believe()
                return
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # what was awaited took the end for its own time-out
                raise asyncio.CancelledError
            self._warn("writes to it are not announced")
            await asyncio.sleep(_CANARY_AGAIN_SECONDS)

    async def _are_canaries_heard(self, ears: Sequence[Line]) -> bool:
        try:
            async with asyncio.timeout(_CANARY_SECONDS + _SILENT_SECONDS):
                for ear in ears:
                    if not await self._is_canary_heard(ear.node):
                        return False
        except (TimeoutError, PerfctlError):
            return False
        return True

    async def _is_canary_heard(self, node: str) -> bool:
        heard = asyncio.Event()
        async with self._line(node, None) as line:
            names: list[bytes] = []
            try:
                async for name in self._release_canaries(line):
                    names.append(name)
                    self._canaries[name] = heard
                async with asyncio.timeout(_CANARY_SECONDS):
                    await heard.wait()
            except TimeoutError:
                return False
            finally:
                for name in names:
                    self._canaries.pop(name, None)
        return True

    async def _release_canaries(self, line: Line) -> AsyncIterator[bytes]:
        """Name each canary before it is written, until one is: where we may write, and the node has its slot."""
        if self.mode == "pubsub":
            name = self._canary(self._layout.root)
            yield name
            await line.ask("PUBLISH", self._channel, self._message("canary", [name]))
            return
        failure: PerfctlError | None = None
        for prefix in dict.fromkeys([self._layout.root, *self._prefixes()]):
            for _ in range(_CANARY_TRIES):
                name = self._canary(prefix)
                yield name
                try:
                    await line.ask("SET", name, b"", "PX", _CANARY_LIVES_MS)
                except ForbiddenError as error:
                    failure = error
                    break
                except ServiceError as error:
                    failure = error
                    if "MOVED" not in error.message and "ASK" not in error.message:
                        break
                else:
                    return
        if failure is not None:
            raise failure

    def _canary(self, prefix: bytes) -> bytes:
        return prefix + b"~canary:%b:%b" % (self.instance.encode(), secrets.token_hex(4).encode())

    def _believe(self) -> None:
        if not self.is_verified:
            self.is_verified = True
            self._has_warned = False
            self._listener.verified(True)

    def _lose(self) -> None:
        if self._is_heard:
            self._is_heard = False
            self._listener.everything_changed()
        if self.is_verified:
            self.is_verified = False
            self._listener.verified(False)

    def _warn(self, why: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            _LOG.warning(
                "the cache's backplane at %s does not work: %s; values in the process live %g s at most",
                self._store.address,
                why,
                UNVERIFIED_LOCAL_SECONDS,
            )

    def _hush(self) -> None:
        self._speaker = None

    def _say_soon(self) -> None:
        """Publish what is to be said by the end of this tick, in one message."""
        if self._speaker is not None and self._unsaid and not self._says:
            self._says = True
            self._saying = asyncio.get_running_loop().create_task(self._say(self._speaker))

    async def _say(self, speaker: Line) -> None:
        try:
            while self._unsaid:
                names, self._unsaid = self._unsaid, []
                action = "everything" if b"" in names else "changed"
                try:
                    await speaker.ask("PUBLISH", self._channel, self._message(action, names))
                except PerfctlError:
                    self._unsaid[:0] = names  # said when there is a connection again
                    return
        finally:
            self._says = False

    def _message(self, action: str, names: Sequence[bytes]) -> bytes:
        return message(self.instance, action, names)

    def _restart_after_fork(self) -> None:
        """In a forked child: the parent's connections and their loop are the parent's alone."""
        self._starting = threading.Lock()
        self._loop = self._task = self._speaker = None
        self._unsaid = []
        self._says = self._is_heard = self.is_verified = False
        self._canaries = {}
        self.instance = secrets.token_hex(4)
        self._listener.everything_changed()
        self._listener.verified(False)


def message(instance: str, action: str, names: Sequence[bytes]) -> bytes:
    """What is published on `{prefix}:~b`: `action` is `changed`, `everything` or `canary`."""
    import msgpack

    packed: bytes = msgpack.packb({"instance": instance, "action": action, "keys": list(names)})
    return packed


async def announce_once(store: Store, layout: KeyLayout, names: Sequence[bytes]) -> None:
    """Tell processes that live by messages what a process without a backplane wrote, where that is allowed."""
    with contextlib.suppress(ForbiddenError, ServiceError):
        await store.publish(layout.root + b"~b", message("", "changed", names))


def _message_in(body: bytes) -> tuple[str, str, list[bytes]] | None:
    """Instance, action and names; None for what somebody else published there."""
    import msgpack

    try:
        said = msgpack.unpackb(body)
        names = [name for name in said["keys"] if isinstance(name, bytes)]
        return str(said["instance"]), str(said["action"]), names
    except (ValueError, TypeError, KeyError, msgpack.UnpackException):
        return None


class _NotOfferedError(Exception):
    """The server does not let us track."""


class _NodesChangedError(Exception):
    """The primaries are others than those that we listen to."""


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


_BACKPLANES: WeakSet[Backplane] = WeakSet()


def _restart_all_after_fork() -> None:
    for backplane in list(_BACKPLANES):
        backplane._restart_after_fork()


os.register_at_fork(after_in_child=_restart_all_after_fork)
