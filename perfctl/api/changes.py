"""What the POST routes do: the engine's methods that the commands call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from perfctl.api.faults import FieldError, StatementError
from perfctl.api.reading import text_params
from perfctl.cache.ttl import ttl_seconds
from perfctl.errors import RefusedError, ServiceError
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.api import bodies
    from perfctl.optimizer import PerformanceOptimizer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a change came to: the result of a command, for its document."""

    words: tuple[str, ...]
    result: object
    warnings: tuple[str, ...] = ()
    is_partly_done: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What a body asks for, before it is done: for the guards and the audit."""

    action: str
    """`clear namespace 'api'`: for the refusal."""
    has_effect: bool = True
    """Whether something is changed: a `read_only` context refuses."""
    destroys: bool = False
    """Whether it is confirmed in a `protected` context."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the audit says of it: names and counts, no value."""


Change = Callable[["PerformanceOptimizer", Any], Awaitable[Answer]]
Meant = Callable[[Any], Intent]


async def cache_operation(optimizer: PerformanceOptimizer, body: bodies.CacheOperation) -> Answer:
    """`cache get`, `set`, `delete` or `clear`."""
    if body.operation == "clear":
        return await _cleared(optimizer, body.namespace, dry_run=body.dry_run)
    seconds = ttl_seconds(body.ttl, where="ttl")
    key, operator = body.key or "", optimizer.cache.operator
    if body.operation == "get":
        found = await operator.get(key, namespace=body.namespace)
        what = f"{key!r} holds {found.size_bytes} bytes that cannot be read: {found.unreadable}"
        return Answer(("cache", "get"), found, (what,) if found.unreadable else ())
    if body.operation == "delete":
        return Answer(("cache", "delete"), await operator.delete([key], namespace=body.namespace))
    return Answer(("cache", "set"), await operator.set(key, body.value, ttl=seconds, namespace=body.namespace))


def cache_operation_meant(body: bodies.CacheOperation) -> Intent:
    """A `get` changes nothing; a `clear` destroys. FieldError where a key or a value is missing, or one too many."""
    told = {"operation": body.operation, "namespace": body.namespace, "key": body.key}
    is_clear = body.operation == "clear"
    if is_clear and body.key is not None:
        raise FieldError("the field key: clear takes a namespace alone", hint="delete takes a key", where="key")
    if not is_clear and body.key is None:
        raise _missing("key", body.operation)
    if body.operation == "set" and body.value is UNSET:
        raise _missing("value", "set")
    where = f"namespace {body.namespace or 'default'!r}" if is_clear else f"{body.key!r}"
    does = body.operation != "get" and not (is_clear and body.dry_run)
    return Intent(f"{body.operation} {where}", does, is_clear and does, told)


async def cache_clear(optimizer: PerformanceOptimizer, body: bodies.CacheClear) -> Answer:
    """`cache clear`."""
    from perfctl.cache.operating.scope import ClearScope

    if body.tag is None and body.pattern is None and body.max_affected is None:
        return await _cleared(optimizer, body.namespace, dry_run=body.dry_run, reclaim=body.reclaim)
    scope = ClearScope(optimizer.cache.operator, body.namespace or "default", body.tag, body.pattern)
    size = await scope.measured()
    _refuse_over(scope.action, size.keys, "keys", body.max_affected)
    done = scope.planned(size) if body.dry_run else await scope.cleared(size, reclaim=body.reclaim)
    return Answer(("cache", "clear"), done)


def cache_clear_meant(body: bodies.CacheClear) -> Intent:
    """FieldError where a tag and a pattern are both named."""
    if body.tag is not None and body.pattern is not None:
        raise FieldError("the fields tag and pattern: one of them is to be cleared", hint="leave one out", where="tag")
    told = {"namespace": body.namespace or "default", "tag": body.tag, "pattern": body.pattern}
    what = next((f"{name} {value!r}" for name, value in reversed(told.items()) if value is not None), "")
    return Intent(f"clear {what}", not body.dry_run, not body.dry_run, {**told, "dry_run": body.dry_run})


async def cache_preload(optimizer: PerformanceOptimizer, body: bodies.CachePreload) -> Answer:
    """`cache preload`, of entries that are in the body."""
    from perfctl.cache.preloading.preload import entries_of, refuse_nothing

    seconds = ttl_seconds(body.ttl, where="ttl")
    entries = entries_of(body.entries, "entries")
    loaded = await optimizer.cache.operator.preload(entries, namespace=body.namespace, ttl=seconds)
    refuse_nothing(loaded, "entries", hint='an entry is {"key": "user:1", "value": 1, "ttl": 600}')
    left = format_counted(loaded.failed, "entry was", "entries were")
    warnings = (f"{left} not loaded: data.rows says which and why",) if loaded.failed else ()
    return Answer(("cache", "preload"), loaded, warnings, bool(loaded.failed))


def cache_preload_meant(body: bodies.CachePreload) -> Intent:
    """What is written over an older value destroys nothing that a cache may not forget."""
    told = {"namespace": body.namespace, "entries": len(body.entries)}
    return Intent(f"preload {format_counted(len(body.entries), 'entry', 'entries')}", told=told)


async def cdn_invalidate(optimizer: PerformanceOptimizer, body: bodies.CdnInvalidate) -> Answer:
    """`cdn invalidate`."""
    engine = optimizer.cdn
    engine.plan_invalidation(body.paths, tags=body.tags)
    targets = await engine.distribution_ids(())
    chosen = engine.choose_invalidation(body.paths, tags=body.tags, distributions=len(targets))
    _refuse_over(
        f"invalidate at {', '.join(targets)}", len(chosen.items.all) * len(targets), "items", body.max_affected
    )
    free_left = await engine.free_items_left() if body.dry_run else None
    report = await engine.send_invalidation(chosen, targets, wait=body.wait, dry_run=body.dry_run, free_left=free_left)
    unsent = [
        f"{one.distribution_id}: {one.items} items were not sent: {one.error}"
        for one in report.invalidations
        if one.error
    ]
    return Answer(("cdn", "invalidate"), report, tuple(unsent), bool(unsent))


def cdn_invalidate_meant(body: bodies.CdnInvalidate) -> Intent:
    """FieldError where nothing is named."""
    if not body.paths and not body.tags:
        raise FieldError(
            "the field paths: there is no path and no tag to invalidate", hint='such as ["/img/*"]', where="paths"
        )
    told = {"paths": len(body.paths), "first_paths": body.paths[:5], "tags": body.tags[:5], "dry_run": body.dry_run}
    does = not body.dry_run
    return Intent(f"invalidate {format_counted(len(body.paths) + len(body.tags), 'item')}", does, does, told)


async def cdn_preload(optimizer: PerformanceOptimizer, body: bodies.CdnPreload) -> Answer:
    """`cdn preload`."""
    from perfctl.cdn.preloading.fetching import refuse_silence

    report = await optimizer.cdn.preload_content(body.paths, encodings=body.encodings)
    refuse_silence(report)
    cold = report.requested - report.warmed
    warnings = (f"{format_counted(cold, 'request')} of {report.requested} did not warm",) if cold else ()
    return Answer(("cdn", "preload"), report, warnings, bool(cold))


def cdn_preload_meant(body: bodies.CdnPreload) -> Intent:
    """Reads through the edge, as any visitor may."""
    told = {"paths": len(body.paths), "first_paths": body.paths[:5]}
    return Intent(f"preload {format_counted(len(body.paths), 'path')}", has_effect=False, told=told)


async def optimize_query(optimizer: PerformanceOptimizer, body: bodies.OptimizeQuery) -> Answer:
    """`db analyze`, under the same gate: what could write or do other harm is refused, whatever the token may."""
    try:
        report = await optimizer.database.analyze_query_performance(
            body.query,
            text_params(body.params) if body.params else None,
            run=body.run,
            timeout=optimizer.timeout_seconds,
            params_are_text=True,
        )
    except ServiceError as error:
        raise StatementError(error.message, hint=error.hint, where="query") from error
    why = report.why_estimates if body.run else None
    return Answer(("db", "analyze"), report, (why,) if why else ())


def optimize_query_meant(body: bodies.OptimizeQuery) -> Intent:
    """To run a statement is confirmed in a protected context; its text is not told: it may hold values."""
    from perfctl.db.sqltext import fingerprint

    told = {"fingerprint": fingerprint(body.query), "run": body.run}
    return Intent("run a statement", has_effect=False, destroys=body.run, told=told)


async def optimize(optimizer: PerformanceOptimizer, body: bodies.Optimize) -> Answer:
    """`optimize`."""
    from perfctl.operations.optimizing import optimize as one_pass

    return Answer(("optimize",), await one_pass(optimizer, apply=body.apply))


def optimize_meant(body: bodies.Optimize) -> Intent:
    """Without `apply` it only looks."""
    action = "apply what optimize found" if body.apply else "look for what to optimize"
    return Intent(action, body.apply, body.apply, {"apply": body.apply})


async def _cleared(
    optimizer: PerformanceOptimizer, namespace: str | None, *, dry_run: bool, reclaim: bool = False
) -> Answer:
    from perfctl.cache.operating.clearing import clear_at_once
    from perfctl.cache.operating.scope import ClearScope

    operator, name = optimizer.cache.operator, namespace or "default"
    if dry_run:
        scope = ClearScope(operator, name)
        return Answer(("cache", "clear"), scope.planned(await scope.measured()))
    return Answer(("cache", "clear"), await clear_at_once(operator, name, reclaim=reclaim))


def _missing(name: str, operation: str) -> FieldError:
    return FieldError(f"the field {name} is missing: {operation} needs it", hint=f"add {name}", where=name)


def _refuse_over(action: str, count: int, noun: str, max_affected: int | None) -> None:
    if max_affected is not None and count > max_affected:
        raise RefusedError(
            f"{action}: {count} {noun} would be affected, over max_affected {max_affected}",
            hint=f"narrow it, or raise max_affected to {count}",
            where="max_affected",
        )


async def nothing(optimizer: PerformanceOptimizer, body: bodies.Body) -> Answer:
    """The change of a route that makes none."""
    raise NotImplementedError


def nothing_meant(body: bodies.Body) -> Intent:
    """The intent of a route that changes nothing."""
    return Intent("look", has_effect=False)
