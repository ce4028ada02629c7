"""Is everything well? Every part is asked at once; one that hangs or breaks is a failed check."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from perfctl.diagnosis import Check, Diagnosis, Status, diagnose
from perfctl.errors import PerfctlError, UnreachableError
from perfctl.folders import state_home
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.config import CacheConfig
    from perfctl.optimizer import PerformanceOptimizer

HEALTH_LIMIT_SECONDS = 5.0
DEEP_LIMIT_SECONDS = 30.0
DISK_WARN_BYTES = 1_000_000_000
DISK_FAIL_BYTES = 100_000_000

Ask = Callable[[], Awaitable[Sequence[Check]]]
"""A question about one part, such as an engine's `health`."""


class _Usage(Protocol):
    @property
    def free(self) -> int: ...

    @property
    def total(self) -> int: ...


class _Diagnosed(Protocol):
    @property
    def rows(self) -> tuple[Check, ...]: ...


class _Engine(Protocol):
    async def health(self) -> list[Check]: ...

    async def doctor(self) -> Sequence[Check] | _Diagnosed: ...


async def health(
    optimizer: PerformanceOptimizer, *, deep: bool = False, limit_seconds: float | None = None
) -> Diagnosis:
    """Ask every part at once whether it is well; one that hangs or breaks is a failed check, never an error.

    What is not configured is `off`. `deep` asks each engine's `doctor` as well: rights, versions, settings.
    """
    usual = DEEP_LIMIT_SECONDS if deep else HEALTH_LIMIT_SECONDS
    limit = limit_seconds or max(usual, optimizer.timeout_seconds or 0.0)
    questions = _questions(optimizer, deep=deep)
    answers = await asyncio.gather(*(_answer(part, ask, limit) for part, ask in questions))
    return diagnose([check for answer in answers for check in answer])


def _questions(optimizer: PerformanceOptimizer, *, deep: bool) -> list[tuple[str, Ask]]:
    cache, database, cdn = _wants_redis(optimizer.settings.cache), optimizer.has_database, optimizer.has_cdn
    return [
        ("redis", _of(lambda: optimizer.cache, deep) if cache else _off("redis", "cache.redis_url or REDIS_HOST")),
        (
            "postgres",
            _of(lambda: optimizer.database, deep) if database else _off("postgres", "database.dsn or DB_HOST"),
        ),
        ("cdn", _of(lambda: optimizer.cdn, deep) if cdn else _off("cdn", "cdn.distribution_id")),
        ("history", lambda: _history(optimizer)),
        ("disk", _disk),
    ]


def _wants_redis(config: CacheConfig) -> bool:
    """A cluster or sentinels without an address are a fault that the engine names, and not `off`."""
    return config.has_redis or config.cluster_enabled or config.sentinel_enabled


def _of(engine: Callable[[], _Engine], deep: bool) -> Ask:
    async def ask() -> Sequence[Check]:
        if not deep:
            return await engine().health()
        examined = await engine().doctor()
        return _without_repeats(
            [*await engine().health(), *(examined if isinstance(examined, Sequence) else examined.rows)]
        )

    return ask


def _off(part: str, key: str) -> Ask:
    async def ask() -> Sequence[Check]:
        return [Check(part, "configured", "off", f"not configured: no {key} is set")]

    return ask


async def _answer(part: str, ask: Ask, limit_seconds: float) -> Sequence[Check]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(limit_seconds):
            return await ask()
    except TimeoutError:
        return [_failed(part, f"no answer within {limit_seconds:g} s", "give it longer with --timeout", started)]
    except PerfctlError as error:
        return [_failed(part, error.message, error.hint, started)]
    except Exception as error:  # noqa: BLE001 - health always answers: a broken part is what it is asked about
        return [_failed(part, f"{type(error).__name__}: {error}", None, started)]


def _failed(part: str, observed: str, fix: str | None, started: float) -> Check:
    return Check(part, "health", "fail", observed, fix, took_ms=round((time.perf_counter() - started) * 1000, 3))


def _without_repeats(checks: Sequence[Check]) -> list[Check]:
    """`health` and `doctor` may look at the same thing: the first answer stands."""
    return list({(check.component, check.check): check for check in reversed(checks)}.values())[::-1]


async def _history(optimizer: PerformanceOptimizer) -> Sequence[Check]:
    """What the metrics keep: it is expected where this process publishes."""
    from perfctl.metrics.history import open_history
    from perfctl.metrics.history.vitals import history_checks

    settings = optimizer.settings

    def look() -> list[Check]:
        history = open_history(settings)
        try:
            return history_checks(
                history,
                now=time.time(),
                interval_seconds=settings.metrics.interval_seconds,
                is_expected=settings.metrics.publish,
            )
        finally:
            history.close()

    return await asyncio.to_thread(look)


async def _disk() -> Sequence[Check]:
    """Room where perfctl keeps its state: locks, history, the sandbox."""
    folder, usage = _room(state_home(os.environ))
    status: Status = "fail" if usage.free < DISK_FAIL_BYTES else "warn" if usage.free < DISK_WARN_BYTES else "pass"
    fix = None if status == "pass" else f"make room on the disk of {folder}, or set PERFCTL_STATE_DIR"
    observed = f"{format_bytes(usage.free)} of {format_bytes(usage.total)} free"
    limit = DISK_FAIL_BYTES if status == "fail" else DISK_WARN_BYTES
    return [Check("disk", "free", status, observed, fix, value=usage.free, unit="bytes", threshold=limit)]


def _room(folder: Path) -> tuple[Path, _Usage]:
    """The disk of the folder, or of the nearest one above it that is there and may be looked at."""
    for path in (folder, *folder.absolute().parents):
        with suppress(OSError):
            return path, shutil.disk_usage(path)
    raise UnreachableError(f"no disk can be looked at above {folder}", hint="set PERFCTL_STATE_DIR")
