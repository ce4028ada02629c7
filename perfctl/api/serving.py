"""Serving the application: the socket, the server around it, and an end that cuts no reply."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from perfctl.api.app import application
from perfctl.api.auth import SHORTEST_TOKEN, Tokens, refuse_strangers
from perfctl.api.recorder import record
from perfctl.api.reloading import reloading
from perfctl.config.settings import is_local
from perfctl.errors import AuthError, UsageError

if TYPE_CHECKING:
    from perfctl.api.service import Service
    from perfctl.config.settings import Settings
    from perfctl.optimizer import PerformanceOptimizer

DRAIN_SECONDS = 7.0
"""How long replies and jobs may take to their end; a run that was told to end has ten seconds in all."""
_BACKLOG = 512


class _Server(uvicorn.Server):
    """Signals are the command line's own; and it says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    settings: Settings,
    *,
    optimizer: PerformanceOptimizer,
    host: str,
    port: int,
    told: Callable[[str], None],
    warn: Callable[[str], None],
    read: Callable[[], Settings] | None = None,
) -> None:
    """Answer until it is cancelled; then take no more, and finish what was begun.

    `read` reads the configuration again: with it SIGHUP replaces the tokens.

    `told` hears the address when it can be called, `warn` of short tokens on this machine's address. RefusedError for
    an address that others reach without a token, UsageError for one that is taken or is none, ConfigError for a token
    that is missing, or too short for an address that others reach.
    """
    tokens = await Tokens.of(settings, allows_short=is_local(host))
    refuse_strangers(host, tokens)
    for where in tokens.short:
        warn(f"{where}: a token of less than {SHORTEST_TOKEN} characters can be tried out; only this machine takes it")
    listening = listen(host, port)
    app = application(replace(settings, api=replace(settings.api, host=host)), optimizer=optimizer)
    service: Service = app.state.service
    service.allows_short_tokens = is_local(host)
    server = _Server(_configured(app))
    served = asyncio.create_task(server.serve([listening]))
    beside = {asyncio.create_task(record(optimizer, settings))}
    if read is not None:
        beside.add(asyncio.create_task(reloading(service, host, read)))
    try:
        up = asyncio.create_task(server.is_up.wait())
        await asyncio.wait({up, served}, return_when=asyncio.FIRST_COMPLETED)
        if up.done():
            told(_address(listening))
        await asyncio.shield(served)
    finally:
        for task in beside:
            task.cancel()
        service.end_streams()
        server.should_exit = True
        await asyncio.wait({served, *beside}, timeout=DRAIN_SECONDS + 1.0)
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. UsageError where it cannot."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"{host!r} is no address of this machine: {error}", hint="such as 127.0.0.1", where="--host"
        ) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise _unusable(host, port, error) from error
    return listening


def _unusable(host: str, port: int, error: OSError) -> UsageError | AuthError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"another program listens on {host}:{port} already",
            hint="--port 0 takes a free one; ss -ltnp shows which program it is",
            where="--port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return AuthError(f"this user may not listen on port {port}", hint="ports from 1024 on are free to all")
    return UsageError(f"{host}:{port} cannot be listened on: {error.strerror}", hint="--host 127.0.0.1", where="--host")


def _configured(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        access_log=False,
        date_header=True,
        lifespan="on",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=round(DRAIN_SECONDS),
        ws="none",
    )


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
