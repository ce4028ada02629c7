"""A driver's errors in perfctl's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import hiredis
from redis import exceptions as failures

from perfctl.cache.address import Address
from perfctl.cache.store import ForbiddenError, at_node
from perfctl.calls import begun, ended
from perfctl.errors import AuthError, PerfctlError, ServiceError, TimedOutError, UnreachableError


@contextmanager
def translated(at: Address, node: str, call: str | None = None) -> Iterator[None]:
    """Raise what the driver raises as a PerfctlError that names the node; `call` is told of in the log of calls, which
    hears of each command from the channel itself."""
    since = begun() if call else 0.0
    try:
        yield
    except (failures.RedisError, failures.RedisClusterException, hiredis.ReplyError, OSError) as error:
        raise translation(error, at, node) from error
    finally:
        ended(f"Redis at {node}" if since else "", call or "", since)


def translation(error: BaseException, at: Address, node: str) -> PerfctlError:
    """A driver's error in perfctl's words, with the node that failed."""
    return at_node(_translation(error, at), node)


def refusal(reason: str, at: Address, node: str) -> PerfctlError:
    """What a server's `-ERR ...` becomes."""
    return at_node(_refused(reason, at), node)


def _translation(error: BaseException, at: Address) -> PerfctlError:
    if isinstance(error, (failures.AuthenticationError, failures.AuthorizationError)) or _sentinels_refuse(error):
        reason = "the sentinels want another password" if _sentinels_refuse(error) else error
        return AuthError(f"Redis at {at} does not let us in: {reason}", hint=_AUTH_HINT)
    if isinstance(error, (failures.TimeoutError, TimeoutError)):
        return TimedOutError(
            f"Redis at {at} did not answer within {at.timeout_seconds:g} s",
            hint="is it overloaded? --timeout waits longer",
        )
    if isinstance(error, failures.BusyLoadingError):
        return _loading(error, at)
    if isinstance(error, hiredis.ReplyError):
        return _refused(str(error), at)
    if isinstance(error, (failures.ConnectionError, failures.RedisClusterException, OSError)):
        hint = _TRUST_HINT if _certificate_refused(error) else _UNREACHABLE_HINT
        return UnreachableError(f"cannot reach Redis at {at}: {_reason(error)}", hint=hint)
    return _refused(str(error), at)


_AUTH_HINT = "check cache.redis_username and cache.redis_password, or REDIS_PASSWORD"
_RIGHTS_HINT = "perfctl cache doctor lists the rights that are missing"
_TRUST_HINT = "cache.tls_ca names the file of authorities to trust; the certificate must name the host that is asked"
_UNREACHABLE_HINT = "is it running there? perfctl config show --origin says where its address was set"


def _loading(error: object, at: Address) -> PerfctlError:
    return ServiceError(f"Redis at {at} is loading its data: {error}", hint="try again when it has started")


def _refused(reason: str, at: Address) -> PerfctlError:
    if reason.startswith("LOADING"):
        return _loading(reason.partition(" ")[2], at)
    if reason.startswith(("NOAUTH", "WRONGPASS")):
        return AuthError(f"Redis at {at} does not let us in: {reason}", hint=_AUTH_HINT)
    if "NOPERM" in reason or "no permissions" in reason.lower():
        return ForbiddenError(f"Redis at {at} forbids it: {reason}", hint=_RIGHTS_HINT)
    return ServiceError(f"Redis at {at} refused: {reason}", hint=_hint_for(reason))


def _hint_for(reason: str) -> str | None:
    """What to do about a refusal, by the server's words; redis-py leaves the code out of some."""
    if "READONLY" in reason or "read only replica" in reason:
        return "this is a replica: write to its primary, or list the sentinels"
    if "OOM" in reason or "maxmemory" in reason:
        return "set maxmemory-policy to allkeys-lru, or raise maxmemory"
    return None


def _sentinels_refuse(error: BaseException) -> bool:
    """Whether nobody named the primary because nobody let us ask: redis-py hides that in its error's text."""
    return type(error).__name__ == "MasterNotFoundError" and "auth" in str(error).lower().partition(" - ")[2]


def _certificate_refused(error: BaseException) -> str | None:
    """Why TLS does not trust the server, in OpenSSL's words."""
    for each in (error, error.__cause__, error.__context__):
        words: str | None = getattr(each, "verify_message", None)
        if words:
            return words
    return None


def _reason(error: BaseException) -> str:
    """The driver's words without its address, which the message has already."""
    if type(error).__name__ == "MasterNotFoundError":
        return "no sentinel answers with a primary of that name"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionError) and cause.errno:  # asyncio puts the address in place of the reason
        return os.strerror(cause.errno).lower()
    if refused := _certificate_refused(error):
        return f"certificate verify failed: {refused.rstrip('.')}"
    text = str(error).strip().rstrip(".")
    return text.rpartition(". ")[2] or type(error).__name__
