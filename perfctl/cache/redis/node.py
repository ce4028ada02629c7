"""One node as one event loop sees it: a connection that is made when it is needed, and what is asked within one tick
of the loop, sent together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import hiredis
from redis.exceptions import RedisError

from perfctl.cache.redis import replicas
from perfctl.cache.redis.channel import Answer, Channel, LostConnectionError, packed
from perfctl.cache.store import MOST_READS
from perfctl.endings import ended
from perfctl.errors import PerfctlError

Asked = asyncio.Future[Any]

_FAILURES = (RedisError, PerfctlError, OSError)
_MOST_COMMANDS = 1000
_MOST_BYTES = 1_000_000
"""What is packed and sent in one go; the next go waits while the server does not read."""
_SUSPECT_SECONDS = 0.5
"""After so long a silence, whoever asks next does so on a new connection: the old one may be half open, one that is
just being made may be so, too."""
_MOST_SUSPECTS = 3
"""Silent connections that are kept until they answer or reach the limit of a call."""


class Node:
    """Replies are given as they come: an error of the server is a `hiredis.ReplyError` in the reply's place, and a
    failure of the connection is raised as redis-py or the channel says it."""

    def __init__(self, name: str, connect: Callable[[], Any], timeout_seconds: float) -> None:
        self.name = name
        self.replicas: Sequence[Node] = ()
        """Who may be asked for many names at once in this primary's place: see `replicas.py`."""
        self.on_failure: Callable[[Node], None] | None = None
        """Told when it could not be reached, or was lost."""
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._channel: Channel | None = None
        self._suspects: list[Channel] = []
        self._openings: dict[asyncio.Task[None], float] = {}
        """Connections that are being made, and since when."""
        self._is_scheduled = False
        self._is_closed = False
        self._openers: list[Asked] = []
        self._names: list[bytes] = []
        self._readers: list[Asked] = []
        self._commands: list[bytes] = []
        self._askers: list[Asked] = []
        self._patience: asyncio.TimerHandle | None = None
        """When those who read within this tick give up."""
        self._replicas_rest_until = 0.0
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._may_mget = True

    def read(self, name: bytes, patience_seconds: float | None = None) -> Asked:
        """The blob under a name; None where there is none, or no string. TimeoutError after the patience of who asked
        first within the tick."""
        future: Asked = self._loop.create_future()
        if patience_seconds is not None and self._patience is None:
            self._patience = self._loop.call_later(patience_seconds, _expire, self._readers)
        self._names.append(name)
        self._readers.append(future)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)
        return future

    def read_together(self, names: Sequence[bytes], answer: Answer) -> bool:
        """Ask for up to MOST_READS names now: `answer` is told the blob of each, as `read` gives it, or what ended the
        connection. False where nothing is asked: there is no connection yet, it is blocked, a replica is to answer."""
        channel = self._usable()
        if channel is None or channel.is_blocked or (self.replicas and len(names) >= replicas.WORTHWHILE):
            return False
        if self._commands:
            self._send_commands(channel)  # what was asked before goes before
        self._send_read(channel, names, answer)
        return True

    def ask(self, command: bytes) -> Asked:
        """The reply to one packed command; sent in the order asked, before the tick's reads."""
        future: Asked = self._loop.create_future()
        self._commands.append(command)
        self._askers.append(future)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)
        return future

    async def ask_all(self, commands: Sequence[bytes]) -> list[Any]:
        """The replies to many packed commands, in their order."""
        channel = await self.opened()
        self._send_commands(channel)  # what was asked before goes before
        if self._commands:
            return list(await asyncio.gather(*[self.ask(command) for command in commands]))
        waiting: list[Asked] = []
        for start, end in _goes(commands):
            waiting.append(self._loop.create_future())
            channel.request(b"".join(commands[start:end]), end - start, partial(hand_over, waiting[-1]))
            if channel.is_blocked:
                await asyncio.wait(waiting)
        replies: list[list[Any]] = await asyncio.gather(*waiting)
        return replies[0] if len(replies) == 1 else [reply for of_go in replies for reply in of_go]

    async def opened(self) -> Channel:
        """The connection, made now where there is none. Raises what redis-py or the credentials raise."""
        while (channel := self._usable()) is None:
            waiting: Asked = self._loop.create_future()
            self._openers.append(waiting)
            self._open()
            await waiting
        return channel

    async def close(self) -> None:
        """End the connections; who waits hears that."""
        self._is_closed = True
        await ended(*self._openings, *self._tasks)
        self._openings = {}
        for replica in self.replicas:
            await replica.close()
        self._fail(LostConnectionError("the connection was closed"))
        channels = self._channels()
        for channel in channels:
            channel.on_closed = None
            channel.close()
        for channel in channels:
            await channel.closed()

    def drop(self) -> None:
        """Let go of the sockets: the event loop is closed, and nothing can be closed in order."""
        for channel in self._channels():
            channel.drop()
        for replica in self.replicas:
            replica.drop()

    def _channels(self) -> list[Channel]:
        return [*self._suspects, *([] if self._channel is None else [self._channel])]

    def _usable(self) -> Channel | None:
        channel = self._channel
        if channel is None or not channel.is_open:
            return None
        if channel.silent_seconds() > _SUSPECT_SECONDS and self._may_suspect():
            channel.closes_when_idle = True
            self._suspects.append(channel)
            self._channel = None
            return None
        return channel

    def _may_suspect(self) -> bool:
        self._suspects = [channel for channel in self._suspects if channel.is_open]
        return len(self._suspects) < _MOST_SUSPECTS

    def _open(self) -> None:
        """Make a connection, where none is being made; one that is long in the making may never be."""
        if self._is_closed:
            self._loop.call_soon(self._fail, LostConnectionError("the connection was closed"))
            return
        now = self._loop.time()
        if any(now - since <= _SUSPECT_SECONDS for since in self._openings.values()):
            return
        if len(self._openings) <= _MOST_SUSPECTS:
            self._openings[self._loop.create_task(self._try_to_open())] = now

    async def _try_to_open(self) -> None:
        channel = Channel(self._timeout_seconds)
        channel.on_closed = self._lost
        channel.on_writable = self._flush
        try:
            await channel.open(self._connect())
        except Exception as error:  # noqa: BLE001 - whatever it is, it reaches all who wait for the connection
            if self._ends_opening() and self._usable() is None:
                self._fail(error if isinstance(error, _FAILURES) else LostConnectionError(repr(error)))
                self._tell_of_failure()
        else:
            self._ends_opening()
            self._opened(channel)

    def _ends_opening(self) -> bool:
        """Whether no other connection is being made."""
        self._openings.pop(asyncio.current_task(), None)  # type: ignore[arg-type]
        return not self._openings

    def _opened(self, channel: Channel) -> None:
        if self._channel is not None and self._channel.is_open:  # another one was faster
            channel.on_closed = None
            channel.close()
            return
        self._channel = channel
        openers, self._openers = self._openers, []
        _hand_out(openers, [None] * len(openers), None)
        self._flush()

    def _lost(self, _reason: BaseException) -> None:
        self._tell_of_failure()
        if self._names or self._commands:
            self._flush()

    def _tell_of_failure(self) -> None:
        if self.on_failure is not None:
            self.on_failure(self)

    def _flush(self) -> None:
        """Send what was asked within this tick."""
        self._is_scheduled = False
        channel = self._usable()
        if channel is None:
            self._open()
            return
        if self._commands:
            self._send_commands(channel)
        if self._names:
            self._send_reads(channel)

    def _send_commands(self, channel: Channel) -> None:
        commands, askers = self._commands, self._askers
        self._commands, self._askers = [], []
        for start, end in _goes(commands):
            if channel.is_blocked:
                self._commands, self._askers = commands[start:] + self._commands, askers[start:] + self._askers
                return
            live = [place for place in range(start, end) if not askers[place].done()]
            if live:
                payload = b"".join([commands[place] for place in live])
                channel.request(payload, len(live), partial(_hand_out, [askers[place] for place in live]))

    def _send_reads(self, channel: Channel) -> None:
        names, readers, patience = self._names, self._readers, self._patience
        self._names, self._readers, self._patience = [], [], None
        if self.replicas and len(names) >= replicas.WORTHWHILE and self._replicas_rest_until < self._loop.time():
            self._spawn(self._read_from_replica(names, readers, patience))
            return
        for start in range(0, len(names), MOST_READS):
            if start and channel.is_blocked:
                self._names, self._readers = names[start:] + self._names, readers[start:] + self._readers
                return
            end = start + MOST_READS
            answer = partial(_hand_out_reads, readers[start:end], patience if len(names) <= end else None)
            self._send_read(channel, names[start:end], answer)

    async def _read_from_replica(
        self, names: list[bytes], readers: list[Asked], patience: asyncio.TimerHandle | None
    ) -> None:
        """The replicas take turns; where one does not have what this primary has by now, this primary answers."""
        self._turn += 1
        replica = self.replicas[self._turn % len(self.replicas)]
        blobs = await replicas.read(self, replica, names)
        if blobs is not None:
            if patience is not None:
                patience.cancel()
            _hand_out(readers, blobs, None)
            return
        self._replicas_rest_until = self._loop.time() + replicas.REST_SECONDS
        self._names, self._readers = names + self._names, readers + self._readers
        self._flush()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send_read(self, channel: Channel, names: Sequence[bytes], answer: Answer) -> None:
        if len(names) == 1 or not self._may_mget:
            channel.request(_gets(names), len(names), partial(_told_strings, answer))
        else:
            channel.request(packed("MGET", *names), 1, partial(self._got, channel, names, answer))

    def _got(
        self, channel: Channel, names: Sequence[bytes], answer: Answer, replies: Any, error: BaseException | None
    ) -> None:
        if error is not None:
            answer(None, error)
        elif type(replies[0]) is list:
            answer(replies[0], None)
        elif _is_forbidden(replies[0]) and channel.is_open:
            # One name that may not be read fails all of an MGET: each is asked for itself, so that only its own fails.
            self._may_mget = self._may_mget and "'mget'" not in str(replies[0]).lower()
            channel.request(_gets(names), len(names), partial(_told_strings, answer))
        else:
            answer([replies[0]] * len(names), None)

    def _fail(self, error: BaseException) -> None:
        futures = self._openers + self._askers + self._readers
        self._openers, self._names, self._readers, self._commands, self._askers = [], [], [], [], []
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        _hand_out(futures, None, error)


def _goes(commands: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where to cut commands, so that no go has too many or too much."""
    if len(commands) <= _MOST_COMMANDS and sum(map(len, commands)) <= _MOST_BYTES:
        return [(0, len(commands))] if commands else []
    goes, start, size = [], 0, 0
    for place, command in enumerate(commands):
        size += len(command)
        if place > start and (size > _MOST_BYTES or place - start >= _MOST_COMMANDS):
            goes.append((start, place))
            start, size = place, len(command)
    goes.append((start, len(commands)))
    return goes


def _hand_out(futures: Sequence[Asked], replies: Any, error: BaseException | None) -> None:
    """To each its reply, or what went wrong; who was cancelled meanwhile is passed over."""
    if error is not None:
        for future in futures:
            if not future.done():
                future.set_exception(error)
        return
    for future, reply in zip(futures, replies, strict=True):
        if not future.done():
            future.set_result(reply)


def _hand_out_reads(
    futures: Sequence[Asked], patience: asyncio.TimerHandle | None, replies: Any, error: BaseException | None
) -> None:
    if patience is not None:
        patience.cancel()
    _hand_out(futures, replies, error)


def _told_strings(answer: Answer, replies: Any, error: BaseException | None) -> None:
    """Have a name of another type told as one that is not there."""
    answer(replies and [None if is_no_string(reply) else reply for reply in replies], error)


def _expire(futures: Sequence[Asked]) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(TimeoutError())


def _gets(names: Sequence[bytes]) -> bytes:
    return b"".join([b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(name), name) for name in names])


def hand_over(future: Asked, replies: Any, error: BaseException | None) -> None:
    """An Answer for who waits on a future for all replies of a request."""
    if future.done():
        return
    if error is None:
        future.set_result(replies)
    else:
        future.set_exception(error)


def is_no_string(reply: Any) -> bool:
    """Whether the server says that the name holds another type."""
    return type(reply) is hiredis.ReplyError and str(reply).startswith("WRONGTYPE")


def _is_forbidden(reply: Any) -> bool:
    return type(reply) is hiredis.ReplyError and str(reply).startswith("NOPERM")
