"""Who asks, and what they may: tokens with scopes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.api.faults import NoTokenError, ScopeError
from perfctl.config.settings import is_local
from perfctl.credentials import resolve
from perfctl.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from perfctl.config.secret import Secret
    from perfctl.config.settings import Settings

SHORTEST_TOKEN = 16
"""Characters: what is shorter can be tried out."""
_HINT = "send Authorization: Bearer TOKEN; a token is set as api.token, api.tokens or PERFCTL_API_TOKEN"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """The name of the token; `-` for who came without one."""
    scopes: frozenset[str] = frozenset()
    is_named: bool = False
    """Whether the token stands in `api.tokens` under a name of its own."""

    def require(self, scope: str) -> None:
        """Return where the caller may. NoTokenError without a token, ScopeError with one that may not."""
        if scope in self.scopes:
            return
        if self is ANYBODY or self is READER:
            raise NoTokenError(f"this needs a token with the scope {scope!r}, and the request has none", hint=_HINT)
        raise ScopeError(
            f"the token {self.name!r} has not the scope {scope!r}",
            hint=f"give it scopes: [{', '.join(sorted({*self.scopes, scope}))}] in api.tokens",
        )


ANYBODY = Caller("-")
READER = Caller("-", frozenset(("read",)))
"""Somebody on this machine, where reads are open."""


class Tokens:
    """The tokens of the configuration, by the digests of their values."""

    def __init__(self, known: Iterable[tuple[str, Caller]], *, short: tuple[str, ...] = ()) -> None:
        self._known = tuple((_digest(token.encode()), caller) for token, caller in known)
        self.short = short
        """Where those are set that can be tried out."""

    def __bool__(self) -> bool:
        return bool(self._known)

    @classmethod
    async def of(cls, settings: Settings, *, allows_short: bool = False) -> Tokens:
        """The tokens that the settings name, looked up now. ConfigError for one that is missing, or is short where
        that is not allowed."""
        config, known, short = settings.api, [], []
        if config.token is not None:
            caller = Caller("api.token", frozenset(("read", "operate")))
            where = _place(settings, "api.token")
            value = await _value(config.token, "api.token", where, allows_short=allows_short)
            known.append((value, caller))
            short += [where] * (len(value) < SHORTEST_TOKEN)
        for place, row in enumerate(config.tokens):
            key, where = f"api.tokens[{place}]", _place(settings, "api.tokens")
            if not row.name:
                raise ConfigError(
                    f"{key}: the token has no name", hint="name whom it belongs to: the audit says it", where=where
                )
            value = await _value(row.token, key, where, allows_short=allows_short)
            known.append((value, Caller(row.name, frozenset(row.scopes), is_named=True)))
            short += [where] * (len(value) < SHORTEST_TOKEN)
        return cls(known, short=tuple(short))

    def caller(self, authorization: bytes) -> Caller:
        """Whose token the header holds. NoTokenError where it is nobody's."""
        scheme, _, token = authorization.strip().partition(b" ")
        if scheme.lower() != b"bearer":
            raise NoTokenError("the header Authorization holds no bearer token", hint=_HINT)
        given, found = _digest(token.strip()), None
        for digest, caller in self._known:
            if hmac.compare_digest(digest, given):
                found = caller
        if found is None:
            raise NoTokenError("the token is not known", hint=_HINT)
        return found


def refuse_strangers(host: str, tokens: Tokens) -> None:
    """Return where the address may be listened on. RefusedError for one that others reach, without a token."""
    if not is_local(host) and not tokens:
        raise RefusedError(
            f"{host or '0.0.0.0'} can be reached by others, and no token is set",  # noqa: S104 - it is refused
            hint="set PERFCTL_API_TOKEN (or api.tokens), or listen on 127.0.0.1",
            where="--host",
        )


def _place(settings: Settings, key: str) -> str:
    origin = settings.origins.get(key)
    return origin.source if origin else key


async def _value(token: Secret | str | None, key: str, where: str, *, allows_short: bool) -> str:
    value = await resolve(token)
    if not value or (len(value) < SHORTEST_TOKEN and not allows_short):
        raise ConfigError(
            f"{key}: the token is {'missing' if not value else 'too short'}",
            hint=f"give it {SHORTEST_TOKEN} characters or more: python -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'",
            where=where,
        )
    return value


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
