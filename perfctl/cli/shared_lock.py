"""One run at a time across hosts: a lock in the context's Redis, renewed while its run lives."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from perfctl.cli.chosen import REDIS_PREFIX
from perfctl.cli.lock import held
from perfctl.errors import ConfigError, LockedError, PerfctlError

if TYPE_CHECKING:
    from perfctl.config import Settings

LEASE_SECONDS = 30.0
"""How long the lock outlives a host that died; renewed every third of it."""

RELEASE_SECONDS = 2.0

_ROOT = "perfctl:~lock:"
"""A namespace of the cache never starts with `~`: a lock is in no namespace's figures, and no clear takes it."""

_TAKE = "return redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])"
_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
_FREE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
"""Only who has the token touches the lock: it may have expired and belong to another run by now."""


class LockServer(Protocol):
    """What the lock needs of a Redis."""

    async def evaluate(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any: ...


@contextlib.asynccontextmanager
async def lock_of(settings: Settings, name: str) -> AsyncIterator[None]:
    """The shared lock, on the Redis of a context.

    ConfigError (exit 3) where the context has none, UnreachableError (exit 5) where it does not answer.
    """
    if not settings.cache.has_redis:
        raise ConfigError(
            f"--lock {REDIS_PREFIX}{name}: context {settings.context!r} has no Redis",
            hint="set cache.redis_url, or leave out redis: for a lock on this machine",
            where="--lock",
        )
    from perfctl.cache.address import address_of
    from perfctl.cache.redis import RedisStore

    server = RedisStore(address_of(settings.cache))
    try:
        async with shared_lock(server, name):
            yield
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def shared_lock(server: LockServer, name: str, *, lease_seconds: float = LEASE_SECONDS) -> AsyncIterator[None]:
    """Hold the lock from here to there; the body is cancelled when the lock is lost.

    LockedError (exit 8) when another run holds it, or when it was lost; what the server raises passes through.
    """
    key, token, lease_ms = f"{_ROOT}{name}", secrets.token_hex(16), int(lease_seconds * 1000)
    if not await server.evaluate(_TAKE, [key], [token, lease_ms]):
        raise held(REDIS_PREFIX + name)
    keeper = asyncio.create_task(_keep(server, key, token, lease_seconds, asyncio.current_task()))
    try:
        yield
    except asyncio.CancelledError:
        if keeper.done() and not keeper.cancelled():
            raise LockedError(f"the lock {REDIS_PREFIX + name!r} was lost while the run went on") from None
        raise
    finally:
        keeper.cancel()
        with contextlib.suppress(PerfctlError, OSError, TimeoutError):
            await asyncio.wait_for(server.evaluate(_FREE, [key], [token]), RELEASE_SECONDS)


async def _keep(server: LockServer, key: str, token: str, lease_seconds: float, body: asyncio.Task[Any] | None) -> None:
    """Renew until cancelled; when the lock belongs to another, or its time is over unrenewed, cancel the body."""
    loop = asyncio.get_running_loop()
    renewed = loop.time()
    while loop.time() - renewed < lease_seconds:
        await asyncio.sleep(lease_seconds / 3)
        with contextlib.suppress(PerfctlError, OSError, TimeoutError):
            if not await server.evaluate(_RENEW, [key], [token, int(lease_seconds * 1000)]):
                break
            renewed = loop.time()
    if body is not None:
        body.cancel()
