"""GETs over HTTP/1.1 to addresses that are held to, over connections that are kept."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perfctl.calls import begun, ended
from perfctl.cdn.addresses import Pins
from perfctl.errors import PerfctlError, ServiceError, TimedOutError, UnreachableError

_CHUNK_BYTES = 1 << 16
_PORTS = {"http": 80, "https": 443}
_PATIENCE = 6.0
"""For so many timeouts an answer may be as slow as it likes, if only each of its bytes comes in time."""
_SLOWEST_BYTES_A_SECOND = 1000
"""Thereafter; on average."""

_Bounds = tuple[int, int | None]
"""How many bytes of a body are kept, and how many there may be."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a GET goes: which server is spoken to, which name is asked for, which path."""

    scheme: str
    host: str
    port: int | None
    host_header: str | None
    """Another name than the server's, where the edge stands in for it."""
    path: str
    is_public: bool = False
    """Whether the server must have a public address."""

    @property
    def url(self) -> str:
        """The URL as a viewer would write it."""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host_header or self.host + port}{self.path}"

    @property
    def connects_to(self) -> tuple[str, str, int, str]:
        """What makes two targets share a connection: the last is the name on the certificate."""
        is_named = self.host_header is not None and self.is_public
        name = self.host_header if is_named and self.host_header else self.host
        return self.scheme, self.host, self.port or _PORTS[self.scheme], name


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, read to its end: an edge may not keep what was not fetched whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    size_bytes: int
    kept: bytes
    """The first bytes of the body, as many as were wanted."""
    took_ms: float

    def header(self, name: str) -> str | None:
        """The field of this name, its values joined."""
        values = [value for known, value in self.headers if known.lower() == name.lower()]
        return ", ".join(values) if values else None


class Session:
    """Connections that are kept from one GET to the next. One thread at a time."""

    def __init__(self, pins: Pins, timeout_seconds: float) -> None:
        self._pins = pins
        self._timeout_seconds = timeout_seconds
        self._open: dict[tuple[str, str, int, str], http.client.HTTPConnection] = {}

    def get(
        self, target: Target, headers: Mapping[str, str], *, keep_bytes: int = 0, most_bytes: int | None = None
    ) -> Got:
        """The answer. PerfctlError by kind: no answer in time, unreachable, no HTTP, an address that is not public, a
        body of more than `most_bytes`, or of less than was promised. What trickles for ever is no answer in time.

        A connection that the server closed while it lay idle is made anew, once.
        """
        since = begun()
        try:
            return self._got(target, headers, (keep_bytes, most_bytes))
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: of a chunk's size
            raise _failed(target, error) from error
        finally:
            ended("edge", f"GET {target.url}", since)

    def close(self) -> None:
        """Let go of the connections."""
        opened, self._open = self._open, {}
        for connection in opened.values():
            connection.close()

    def _got(self, target: Target, headers: Mapping[str, str], bounds: _Bounds) -> Got:
        is_kept = target.connects_to in self._open
        try:
            return self._asked(target, headers, bounds)
        except (http.client.BadStatusLine, ConnectionError):
            if not is_kept:
                raise
        return self._asked(target, headers, bounds)

    def _asked(self, target: Target, headers: Mapping[str, str], bounds: _Bounds) -> Got:
        started = time.perf_counter()
        connection = self._open.pop(target.connects_to, None) or self._connection(target)
        try:
            connection.putrequest("GET", target.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", _host_of(target))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            with response:
                size, kept = _drained(response, bounds)
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._open[target.connects_to] = connection
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        return Got(response.status, tuple(response.getheaders()), size, kept, took_ms)

    def _connection(self, target: Target) -> http.client.HTTPConnection:
        scheme, host, port, name = target.connects_to
        addresses = self._pins.of(host, port, public_only=target.is_public)
        context = ssl.create_default_context() if scheme == "https" else None
        return _Pinned(addresses, port, name, context, self._timeout_seconds)


class _Steady(io.RawIOBase):
    """What a socket brings, for as long as it brings something to speak of: TimeoutError after that."""

    def __init__(self, raw: io.RawIOBase, timeout_seconds: float) -> None:
        self._raw = raw
        self._patient_until = time.monotonic() + _PATIENCE * timeout_seconds
        self._allowance = _PATIENCE * timeout_seconds * _SLOWEST_BYTES_A_SECOND

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        late = time.monotonic() - self._patient_until
        if late > 0 and self._allowance + late * _SLOWEST_BYTES_A_SECOND > 0:
            raise TimeoutError("the answer trickles")
        size = self._raw.readinto(buffer)
        self._allowance -= size or 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that may not trickle for ever, neither its head nor its body."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Steady(self.fp.detach(), sock.gettimeout() or 0.0))


class _Pinned(http.client.HTTPConnection):
    """A connection to one of these addresses, whatever its name has become; TLS checks the name."""

    response_class = _Answer

    def __init__(
        self, addresses: Sequence[str], port: int, name: str, context: ssl.SSLContext | None, timeout_seconds: float
    ) -> None:
        super().__init__(name, port, timeout=timeout_seconds)
        self._addresses = addresses
        self._name = name
        self._context = context
        self._timeout_seconds = timeout_seconds

    def connect(self) -> None:
        """Open the first of the addresses that answers."""
        plain = _first_open(self._addresses, self.port, self._timeout_seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            self.sock = plain
            return
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self._name)
        except BaseException:
            plain.close()
            raise


def _first_open(addresses: Sequence[str], port: int, timeout_seconds: float) -> socket.socket:
    for address in addresses[:-1]:
        try:
            return socket.create_connection((address, port), timeout_seconds)
        except OSError:
            continue
    return socket.create_connection((addresses[-1], port), timeout_seconds)


def _host_of(target: Target) -> str:
    if target.host_header:
        return target.host_header
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}" if target.port not in (None, _PORTS[target.scheme]) else host


def _drained(response: http.client.HTTPResponse, bounds: _Bounds) -> tuple[int, bytes]:
    keep_bytes, most_bytes = bounds
    size, kept = 0, bytearray()
    while chunk := response.read(_CHUNK_BYTES):
        kept += chunk[: max(keep_bytes - size, 0)]
        size += len(chunk)
        if most_bytes is not None and size > most_bytes:
            raise ServiceError(f"the answer is longer than {most_bytes} bytes", hint="is this what was meant?")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return size, bytes(kept)


def _failed(target: Target, error: Exception) -> PerfctlError:
    where = f"GET {target.url}"
    if isinstance(error, TimeoutError):
        return TimedOutError(f"{where}: no answer in time", hint="raise --timeout, or check the edge (cdn.edge_url)")
    if isinstance(error, ssl.SSLError):
        return UnreachableError(f"{where}: TLS: {error}", hint="check the certificate of that name")
    if isinstance(error, OSError):
        return UnreachableError(f"{where}: {error.strerror or error}", hint="check the edge (cdn.edge_url)")
    if isinstance(error, http.client.IncompleteRead):
        return ServiceError(f"{where}: the answer was cut short", hint="is the edge well, and what is before it?")
    return ServiceError(f"{where}: not an HTTP answer: {error!r}", hint="is this the edge's address?")
