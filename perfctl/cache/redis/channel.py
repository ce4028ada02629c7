"""One connection to one node, shared by all who ask: their commands go out one after another, and the replies come
back in that order.

redis-py makes the connection (TLS, AUTH or HELLO, SELECT); then this protocol takes the stream over, because a task,
a lock and two futures a reply are most of what a small GET costs. A caller that stops waiting is passed over when its
reply comes, so replies never reach another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis

from perfctl.calls import begun, ended
from perfctl.endings import heeded

_INCOMPLETE = object()

Answer = Callable[[Any, BaseException | None], None]
"""Told the replies of one request in the order asked (an error of the server among them as `hiredis.ReplyError`), or
what ended the connection. Must not raise."""


class LostConnectionError(ConnectionError):
    """The connection was lost, or what came over it is not Redis's protocol."""


class Channel(asyncio.Protocol):
    """The stream of one connection. Not for threads: one event loop owns it."""

    def __init__(self, timeout_seconds: float) -> None:
        self.is_open = False
        self.is_blocked = False
        """Whether the server does not read as fast as we write."""
        self.closes_when_idle = False
        self.on_push: Callable[[Any], None] | None = None
        """Told what the server says unasked."""
        self.on_closed: Callable[[BaseException], None] | None = None
        self.on_writable: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timeout_seconds = timeout_seconds
        self._connection: Any = None
        self._transport: Any = None
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._waiting: deque[_Request] = deque()
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()

    async def open(self, connection: Any) -> None:
        """Let redis-py connect, then take over. Raises what redis-py raises."""
        try:
            await heeded(connection.connect())
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        self._transport = connection._writer.transport  # redis-py offers no way around its reader
        self._transport.set_protocol(self)
        self.is_open = True

    def request(self, payload: bytes, count: int, answer: Answer) -> None:
        """Send commands that have `count` replies; `answer` is called once, later."""
        if not self.is_open:
            self._loop.call_soon(answer, None, LostConnectionError("the connection was closed"))
            return
        since = begun()
        if since:
            answer = self._told(payload, count, answer, since)
        self._waiting.append(_Request(count, answer, self._loop.time()))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_seconds, self._look)
        self._transport.write(payload)

    def _told(self, payload: bytes, count: int, answer: Answer, since: float) -> Answer:
        """The answer, told of in the log of calls."""
        at = self._connection
        server = f"Redis at {at.host}:{at.port}" if hasattr(at, "host") else f"Redis at {at.path}"
        words = payload.split(b"\r\n", 5)
        call = words[2].decode("ascii", "backslashreplace") + (f" and {count - 1} more" if count > 1 else "")

        def told(replies: Any, error: BaseException | None) -> None:
            ended(server, call, since)
            answer(replies, error)

        return told

    def send(self, payload: bytes) -> None:
        """Send commands that have no reply of their own, as SUBSCRIBE has none in RESP3."""
        self._transport.write(payload)

    def silent_seconds(self) -> float:
        """For how long somebody has waited for a reply, and not one byte came; 0 where nobody waits."""
        if not self._waiting:
            return 0.0
        return self._loop.time() - max(self._heard_at, self._waiting[0].sent_at)

    def close(self, reason: BaseException | None = None) -> None:
        """End the connection at once; who still waits hears the reason."""
        if not self.is_open:
            return
        self.is_open = False
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort() if reason else self._transport.close()
        self._connection._reader = self._connection._writer = None  # else it warns that nobody closed it
        failure = reason or LostConnectionError("the connection was closed")
        while self._waiting:
            try:
                self._waiting.popleft().answer(None, failure)
            except Exception as error:  # noqa: BLE001 - others wait, too
                self._complain(error)
        if self.on_closed is not None:
            self.on_closed(failure)

    async def closed(self, patience_seconds: float = 0.5) -> None:
        """Return when the socket is closed; one that does not close in time (TLS says goodbye) is dropped."""
        if self._transport is None:
            return
        try:
            async with asyncio.timeout(patience_seconds):
                await self._ended.wait()
        except TimeoutError:
            self._transport.abort()
            await asyncio.sleep(0)

    def drop(self) -> None:
        """Close the socket of an event loop that is closed; asyncio would only complain that nobody did."""
        if not self.is_open:
            return
        self.is_open = False
        wrapped = getattr(self._transport, "_ssl_protocol", None)
        if wrapped is not None:
            self._transport._closed = True
        transport = wrapped._transport if wrapped is not None else self._transport
        transport._closing = True
        transport._sock.close()
        transport._sock = None
        self._connection._reader = self._connection._writer = None  # says "loop is closed" before the transport closes

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are whole by now."""
        self._heard_at = self._loop.time()
        try:
            self._reader.feed(data)
            replies = list(iter(self._reader.gets, _INCOMPLETE))
        except hiredis.ProtocolError as error:
            self.close(LostConnectionError(f"what answers does not speak Redis's protocol: {error}"))
            return
        if self.on_push is not None or hiredis.PushNotification in set(map(type, replies)):
            replies = self._without_unasked(replies)
        self._hand_out(replies)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone, or our own close is done."""
        self._ended.set()
        self.close(LostConnectionError(str(exc or "the server closed the connection")))

    def pause_writing(self) -> None:
        """The send buffer is full."""
        self.is_blocked = True

    def resume_writing(self) -> None:
        """It has room again."""
        self.is_blocked = False
        if self.on_writable is not None:
            self.on_writable()

    def _hand_out(self, replies: list[Any]) -> None:
        waiting, place = self._waiting, 0
        while place < len(replies):
            if not waiting:
                self.close(LostConnectionError("the server said what nobody asked"))
                return
            request = waiting[0]
            missing = request.count - len(request.replies)
            request.replies += replies[place : place + missing]
            if len(request.replies) < request.count:
                return
            place += missing
            waiting.popleft()
            try:
                request.answer(request.replies, None)
            except Exception as error:  # noqa: BLE001 - the replies behind it are for others
                self._complain(error)
        if self.closes_when_idle and not waiting:
            self.close()

    def _complain(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "an answer could not be given", "exception": error})

    def _without_unasked(self, said: list[Any]) -> list[Any]:
        """The replies among what was said; the rest is handed on."""
        replies: list[Any] = []
        for each in said:
            is_asked = type(each) is not hiredis.PushNotification and not _is_message(each, self.on_push)
            if is_asked and len(replies) < self._missing():
                replies.append(each)
            elif self.on_push is not None:
                self.on_push(each)
        return replies

    def _missing(self) -> int:
        return sum(request.count - len(request.replies) for request in self._waiting)

    def _look(self) -> None:
        """Close a connection on which the server has been silent for too long."""
        self._watch = None
        if not self._waiting:
            return
        left = self._timeout_seconds - self.silent_seconds()
        if left <= 0:
            self.close(TimeoutError("the server is silent"))
        else:
            self._watch = self._loop.call_later(left, self._look)


class _Request:
    __slots__ = ("answer", "count", "replies", "sent_at")

    def __init__(self, count: int, answer: Answer, sent_at: float) -> None:
        self.count = count
        self.answer = answer
        self.sent_at = sent_at
        self.replies: list[Any] = []


_SPOKEN = (b"message", b"pmessage", b"smessage", b"subscribe", b"psubscribe", b"unsubscribe", b"punsubscribe")


def _is_message(reply: Any, on_push: object) -> bool:
    """Whether RESP2 says this unasked, on a connection that subscribed."""
    return on_push is not None and type(reply) is list and bool(reply) and reply[0] in _SPOKEN


def packed(*words: bytes | str | int) -> bytes:
    """One command in RESP.

    >>> packed("GET", b"a")
    b'*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\na\\r\\n'
    """
    return bytes(hiredis.pack_command(words))  # type: ignore[arg-type]
