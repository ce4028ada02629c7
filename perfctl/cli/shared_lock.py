"""One run at a time across hosts: a lock in the context's Redis, renewed while its run lives."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from perfctl.cli.lock import REDIS_PREFIX, held
from perfctl.errors import LockedError, PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cli.run import Run

LEASE_SECONDS = 30.0
"""How long the lock outlives a host that died; renewed every third of it."""

_EXTEND = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
"""Only the holder of the token touches the lock: it may have expired and belong to another run by now."""


class LockServer(Protocol):
    """What the lock needs of a Redis."""

    async def set(self, name: str, value: str, *, nx: bool, px: int) -> Any: ...

    async def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any: ...


@contextlib.asynccontextmanager
async def shared_lock(server: LockServer, name: str, *, lease_seconds: float = LEASE_SECONDS) -> AsyncIterator[None]:
    """Hold the lock from here to there; the body is cancelled when the lock is lost.

    LockedError (exit 8) when another run holds it, or when it was lost; what the server raises passes through.
    """
    key, token, lease_ms = f"perfctl:lock:{name}", secrets.token_hex(16), int(lease_seconds * 1000)
    if not await server.set(key, token, nx=True, px=lease_ms):
        raise held(REDIS_PREFIX + name)
    body = asyncio.current_task()
    keeper = asyncio.create_task(_keep(server, key, token, lease_seconds, body))
    try:
        yield
    except asyncio.CancelledError:
        if keeper.done() and not keeper.cancelled():
            raise LockedError(f"the lock {REDIS_PREFIX + name!r} was lost while the run went on") from None
        raise
    finally:
        keeper.cancel()
        with contextlib.suppress(PerfctlError, OSError, TimeoutError):
            await asyncio.wait_for(server.eval(_RELEASE, 1, key, token), 2)


async def _keep(server: LockServer, key: str, token: str, lease_seconds: float, body: Any) -> None:
    """Renew until cancelled; when the lock belongs to another, or its time is over unrenewed, cancel the body."""
    loop = asyncio.get_running_loop()
    renewed = loop.time()
    while loop.time() - renewed < lease_seconds:
        await asyncio.sleep(lease_seconds / 3)
        with contextlib.suppress(PerfctlError, OSError, TimeoutError):
            if not await server.eval(_EXTEND, 1, key, token, int(lease_seconds * 1000)):
                break
            renewed = loop.time()
    body.cancel()


@contextlib.asynccontextmanager
async def lock_of(run: Run, name: str) -> AsyncIterator[None]:
    """The shared lock of a run, on the Redis of its context. ConfigError where the context has none."""
    raise UsageError("--lock redis: is not here yet", where="--lock")
    yield
