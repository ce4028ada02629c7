"""A small HTTP/1.1 server on asyncio: keep-alive, chunked bodies, limits, and an answer for whatever comes in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from perfctl.cdn.delivery.headers import NO_HEADERS, Headers, tokens

logger = logging.getLogger("perfctl.sandbox.edge")

HOST = "127.0.0.1"
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_CONNECTIONS = 1024

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^\x00-\x20\x7f]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00-\x1f]*)?\r\n")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. `path` and `query` are ASCII, as they were sent (other bytes percent-encoded)."""

    method: str
    path: str
    query: str = ""
    headers: Headers = NO_HEADERS
    body: bytes = b""
    client: tuple[str, int] = (HOST, 0)
    version: str = "HTTP/1.1"
    head_bytes: int = 0

    @property
    def host(self) -> str:
        """The Host field without its port, lower case."""
        return re.sub(r":\d*$", "", self.headers.get("host") or "").lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; the server adds Content-Length and Connection. Status 0 closes the connection without an answer."""

    status: int = 200
    headers: Headers = NO_HEADERS
    body: bytes = b""
    length: int | None = None
    """Content-Length of a body that is not sent: the answer to HEAD, or one that is to end amid its body."""


NO_ANSWER = Response(status=0)

Handler = Callable[[Request], Awaitable[Response]]


class BadRequestError(Exception):
    """What came in is not a request that this server reads; the connection ends after the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds."""

    idle_seconds: float = 75.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    send_seconds: float = 30.0


class HttpServer:
    """Listens on 127.0.0.1 and asks `handler` for each request; an error of the handler is a 500 and is logged."""

    def __init__(
        self, handler: Handler, *, name: str, patience: Patience | None = None, body_bytes: int | None = None
    ) -> None:
        self._handler = handler
        self._name = name
        self._patience = patience or Patience()
        self._body_bytes = body_bytes or MAX_BODY_BYTES
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Listen, and return the port: a free one when `port` is 0."""
        self._server = await asyncio.start_server(self._connected, HOST, port, limit=MAX_HEAD_BYTES, backlog=512)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening and end every connection at once."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of asyncio.start_server always runs in a task
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away or was too slow, or the server closes: there is nobody to tell
        finally:
            self._connections.discard(task)
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) > MAX_CONNECTIONS:
            await self._refuse(reader, writer, BadRequestError(503, "too many connections"))
            return
        client = writer.get_extra_info("peername")[:2]
        keep = True
        while keep:
            try:
                request = await self._read(reader, writer, client)
            except BadRequestError as bad:
                await self._refuse(reader, writer, bad)
                return
            if request is None:
                return
            response = await self._answer(request)
            if response.status == 0:
                return
            keep = _keeps_alive(request) and not _is_cut(request, response)
            await self._send(writer, request, response, keep=keep)

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: tuple[str, int]
    ) -> Request | None:
        async with asyncio.timeout(self._patience.idle_seconds):
            first = await _first_byte(reader)
        if not first:
            return None
        try:
            async with asyncio.timeout(self._patience.head_seconds):
                head = first + await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            raise BadRequestError(408, "the request head took too long") from None
        except asyncio.LimitOverrunError:
            raise BadRequestError(431, f"the request head is longer than {MAX_HEAD_BYTES} bytes") from None
        request = parse_head(head, client)
        if (request.headers.get("expect") or "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(self._patience.body_seconds):
                body = await read_request_body(reader, request.headers, self._body_bytes)
        except TimeoutError:
            raise BadRequestError(408, "the request body took too long") from None
        return Request(
            request.method,
            request.path,
            request.query,
            request.headers,
            body,
            client,
            request.version,
            len(head),
        )

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bad: BadRequestError) -> None:
        """Answer, then read on for a moment: closing over unread data would reset the connection first."""
        await self._send(writer, None, _refusal(bad), keep=False)
        writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while await reader.read(65536):
                    pass

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except Exception:
            logger.exception("%s: %s %s", self._name, request.method, request.path[:200])
            return _refusal(BadRequestError(500, "a bug in the local CloudFront; its log has the traceback"))

    async def _send(
        self, writer: asyncio.StreamWriter, request: Request | None, response: Response, *, keep: bool
    ) -> None:
        writer.write(response_head(response, keep=keep))
        if not (request is not None and request.method == "HEAD") and has_body(response.status):
            writer.write(response.body)
        async with asyncio.timeout(self._patience.send_seconds):
            await writer.drain()


async def _first_byte(reader: asyncio.StreamReader) -> bytes:
    """The first byte of a request; empty lines before it are skipped (RFC 9112, 2.2)."""
    for _ in range(8):
        first = await reader.read(1)
        if first not in (b"\r", b"\n"):
            return first
    raise BadRequestError(400, "only empty lines")


def parse_head(head: bytes, client: tuple[str, int]) -> Request:
    """Read a request head, strictly: what could be read in two ways is a BadRequestError."""
    first, *lines = head[:-4].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise BadRequestError(400, "the request line is malformed")
    headers = Headers(tuple(_parse_field(line) for line in lines))
    version = f"HTTP/1.{match[3].decode()}"
    if len(headers.all("host")) != 1 and (version == "HTTP/1.1" or headers.all("host")):
        raise BadRequestError(400, "exactly one Host field is needed")
    path, query = _parse_target(match[2], match[1])
    return Request(match[1].decode(), path, query, headers, b"", client, version, len(head))


def _parse_field(line: bytes) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise BadRequestError(400, "a header field is malformed")
    return match[1].decode(), match[2].decode("latin-1").strip(" \t")


def _parse_target(target: bytes, method: bytes) -> tuple[str, str]:
    text = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in target)
    if match := re.fullmatch(r"https?://[^/?#]*(.*)", text, re.IGNORECASE):
        text = match[1] if match[1].startswith("/") else "/" + match[1]
    if text == "*" and method == b"OPTIONS":
        return "*", ""
    if not text.startswith("/"):
        raise BadRequestError(400, "the request target is not a path")
    path, _, query = text.partition("?")
    return path, query


async def read_request_body(reader: asyncio.StreamReader, headers: Headers, limit: int) -> bytes:
    """The body that the head announces, at most `limit` bytes.

    Both lengths at once are a BadRequestError (request smuggling).
    """
    coding, lengths = headers.get("transfer-encoding"), headers.all("content-length")
    if coding is not None:
        if lengths or tokens(coding) != ("chunked",):
            raise BadRequestError(400, "Transfer-Encoding is not chunked alone")
        return await read_chunked(reader, limit)
    if not lengths:
        return b""
    if len(set(lengths)) > 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0], re.ASCII):
        raise BadRequestError(400, "Content-Length is not one number")
    if int(lengths[0]) > limit:
        raise BadRequestError(413, f"the body is longer than {limit} bytes")
    return await reader.readexactly(int(lengths[0]))


async def read_chunked(reader: asyncio.StreamReader, limit: int) -> bytes:
    """A chunked body, at most `limit` bytes of it, its trailers dropped."""
    body = bytearray()
    while size := _chunk_size(await _line(reader)):
        if len(body) + size > limit:
            raise BadRequestError(413, f"the body is longer than {limit} bytes")
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise BadRequestError(400, "a chunk does not end where it says")
    for _ in range(100):
        if await _line(reader) == b"\r\n":
            return bytes(body)
    raise BadRequestError(400, "too many trailers")


def _chunk_size(line: bytes) -> int:
    match = _CHUNK_SIZE.fullmatch(line)
    if match is None:
        raise BadRequestError(400, "a chunk size is malformed")
    return int(match[1], 16)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequestError(400, "a line of the body is too long") from None


def has_body(status: int) -> bool:
    """Whether an answer of this status carries a body at all."""
    return status not in (204, 304) and status >= 200


def response_head(response: Response, *, keep: bool) -> bytes:
    """The status line and fields as they are sent."""
    lines = [f"HTTP/1.1 {response.status} {reason_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.without("content-length", "connection")]
    if has_body(response.status):
        lines.append(f"Content-Length: {len(response.body) if response.length is None else response.length}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _is_cut(request: Request, response: Response) -> bool:
    """Whether the body is shorter than it says: the connection then ends amid it."""
    return request.method != "HEAD" and response.length is not None and response.length > len(response.body)


def _keeps_alive(request: Request) -> bool:
    wishes = tokens(request.headers.get("connection"))
    return "keep-alive" in wishes if request.version == "HTTP/1.0" else "close" not in wishes


def _refusal(bad: BadRequestError) -> Response:
    return Response(bad.status, Headers((("Content-Type", "text/plain"),)), f"{bad.reason}\n".encode())
