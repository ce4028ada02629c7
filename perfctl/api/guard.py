"""The one door: which host was called, who asks, how often; what it lets through is answered, what it does not is an
error of the same form."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.api.auth import ANYBODY, READER, Caller
from perfctl.api.faults import BrokenError, NoTokenError, TooManyError, WrongHostError
from perfctl.api.replies import failure
from perfctl.config.settings import is_local
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from perfctl.api.service import Service
    from perfctl.config.settings import ApiConfig

_LOG = logging.getLogger("perfctl.api")

PROBES = frozenset(("/livez", "/readyz"))
"""Asked by those who have neither a token nor our name; they tell nothing but yes or no."""
SCRAPED = "/metrics"
"""Asked under whatever name the scraper has for us, but by no browser."""
_FORWARDED = (b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip")
_OF_BROWSERS = (b"accept-language", b"sec-fetch-site", b"sec-fetch-mode")
"""A browser sends the first one always, the others only to where it trusts: not to a name that was bent to here."""


@dataclass(slots=True)
class Asked:
    """What the head of a request says that decides."""

    host: bytes = b""
    authorization: bytes = b""
    accept: bytes = b""
    is_forwarded: bool = False
    """A proxy on this machine speaks for somebody elsewhere."""
    is_of_page: bool = False
    """A browser sent it, for a page."""

    @classmethod
    def of(cls, scope: Scope) -> Asked:
        """Read the head once."""
        asked = cls()
        for name, value in scope["headers"]:
            if name == b"host":
                asked.host = value
            elif name == b"authorization":
                asked.authorization = value
            elif name == b"accept":
                asked.accept = value
            elif name in _OF_BROWSERS:
                asked.is_of_page = True
            elif name in _FORWARDED or name.startswith(b"x-forwarded-"):
                asked.is_forwarded = True
        return asked


class Hosts:
    """The names under which this server may be called: a page that had its own name point here (DNS rebinding) calls
    another."""

    def __init__(self, config: ApiConfig) -> None:
        names = [*config.allowed_hosts] or ["localhost", config.host, socket.gethostname()]
        self._names = frozenset(name.lower().strip("[]").rstrip(".") for name in names)
        self._takes_any = "*" in self._names
        self._is_local = is_local(config.host)
        self._known: dict[bytes, bool] = {}

    def knows(self, host: bytes) -> bool:
        """Whether the header Host names this server; an address is this machine's, or any where others come in."""
        known = self._known.get(host)
        if known is None:
            known = self._takes_any or self._is_ours(host.decode("latin-1").lower())
            if len(self._known) < 1000:
                self._known[host] = known
        return known

    def _is_ours(self, host: str) -> bool:
        name = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
        name = name.rstrip(".")
        if name in self._names or (is_local(name) and name != ""):
            return True
        with suppress(ValueError):
            ipaddress.ip_address(name)
            return not self._is_local
        return False


def path_of(scope: Scope) -> str:
    """The path below where the application is mounted, as the router has it: also behind a server that says a root
    which the path does not begin with, or only begins with by chance (`/p` and `/performance`)."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    below = path.removeprefix(root)
    return below if below.startswith("/") else path


class Guard:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, *, service: Service) -> None:
        self._app, self._service = app, service
        self._hosts = Hosts(service.settings.api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answered(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on where it may go on; every error is a reply, as long as none has begun."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        path = path_of(scope)
        try:
            app = await self._next(scope, path)
            await app(scope, receive, noted)
        except PerfctlError as error:
            if has_begun:
                raise
            if scope["method"] == "POST":
                self._service.note_refusal(scope, path, error)
            await failure(error, headers=_headers(error))(scope, receive, send)
        except Exception as error:
            if has_begun:
                raise
            _LOG.exception("%s %s broke", scope["method"], path)
            broken = BrokenError(f"a bug in perfctl: {type(error).__name__}", hint="the log of serve has the details")
            await failure(broken)(scope, receive, send)

    async def _next(self, scope: Scope, path: str) -> ASGIApp:
        """What answers: a reply that is ready, or the routes."""
        service = self._service
        scope["perfctl.service"] = service
        if path in PROBES:
            return self._app
        asked = Asked.of(scope)
        await service.ready()
        scope["perfctl.caller"] = self._admitted(scope, path, asked)
        return service.prepared(scope["method"], path, scope["query_string"], asked.accept) or self._app

    def _admitted(self, scope: Scope, path: str, asked: Asked) -> Caller:
        """Who asks. WrongHostError, TooManyError, NoTokenError or ScopeError where the request goes no further."""
        service, address = self._service, (scope.get("client") or ("-",))[0]
        if not self._hosts.knows(asked.host) and (path != SCRAPED or asked.is_of_page):
            raise WrongHostError(
                f"{asked.host.decode('latin-1')[:100]!r} is not a name of this server",
                hint="call it by 127.0.0.1, or name it in api.allowed_hosts",
            )
        try:
            caller = service.tokens.caller(asked.authorization) if asked.authorization else ANYBODY
        except NoTokenError:
            self._count(address)
            raise
        self._count(caller.name if caller is not ANYBODY else address)
        needs_operate = scope["method"] == "POST" and service.takes_posts(path)
        if needs_operate:
            caller.require("operate")
        elif not self._is_open(path, address, asked):
            caller.require("read")
        return READER if caller is ANYBODY else caller

    def _count(self, client: str) -> None:
        try:
            self._service.limit.take(client)
        except TooManyError as error:
            error.add_note(str(self._service.limit.retry_after(client)))
            raise

    def _is_open(self, path: str, address: str, asked: Asked) -> bool:
        """Whether this may be read without a token: by who is on this machine, and what holds no figure."""
        if path in self._service.open_paths or path.startswith(self._service.open_prefixes):
            return True
        is_here = address != "-" and is_local(address) and not asked.is_forwarded
        return is_here and self._service.settings.api.open_reads


def _headers(error: PerfctlError) -> Mapping[str, str]:
    if isinstance(error, NoTokenError):
        return {"www-authenticate": 'Bearer realm="perfctl"'}
    if isinstance(error, TooManyError):
        return {"retry-after": next(iter(getattr(error, "__notes__", ())), "60")}
    return {}
