"""Asking CloudFront for the invalidations of a time, page by page, and what each of them held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.invalidating.sending import Sender
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.model.spending import Billed, InvalidationSpending
from perfctl.cdn.paths import is_wildcard
from perfctl.cdn.queue.bill import Prices, leaders_of, months_of, repeated_of
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.cdn.queue.seen import Seen
from perfctl.config import CDNConfig
from perfctl.errors import AuthError

Tell = Callable[[int, int], None]
"""Told how many of how many invalidations were read."""

_AT_ONCE = 4
_KEEP_EVERY = 100


def month_of(moment: datetime) -> datetime:
    """The beginning of its month, UTC: when the free items are all there again."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class Account(Protocol):
    """What is asked of the engine."""

    config: CDNConfig

    async def control(self) -> ControlPlane: ...

    async def distribution_ids(self, named: Sequence[str] = ()) -> tuple[str, ...]: ...

    @property
    def queue(self) -> InvalidationQueue: ...


async def spent(
    account: Account, named: Sequence[str], *, since: datetime | None, with_items: bool, tell: Tell | None
) -> InvalidationSpending:
    """The spending of those named, else of the whole account, as far as its distributions may be listed."""
    control = await account.control()
    config = account.config
    now = datetime.fromtimestamp(account.queue.time.now(), UTC)
    everyone: tuple[str, ...] = ()
    if not named:
        try:
            everyone = tuple(one.id for one in await control.distributions())
        except AuthError as error:
            if "AccessDenied" not in error.message:
                raise
    return await spending(
        control,
        named or everyone or await account.distribution_ids(),
        Seen(account.queue.store),
        since=since or month_of(now),
        prices=Prices(config.invalidation_price_usd, config.free_invalidations),
        with_items=with_items,
        is_whole_account=bool(everyone),
        time=account.queue.time,
        tell=tell,
    )


async def spending(
    control: ControlPlane,
    distributions: Sequence[str],
    seen: Seen,
    *,
    since: datetime,
    prices: Prices,
    with_items: bool,
    is_whole_account: bool,
    time: Time,
    tell: Tell | None = None,
) -> InvalidationSpending:
    """The invalidations since a moment; `with_items` asks each for what it held, which the figures need."""
    sender = Sender(control, time=time)
    start = month_of(since) if with_items else since
    found = [row for name in distributions for row in await _listed(control, sender, name, start)]
    if with_items:
        found = await _filled(control, sender, found, seen, tell)
    found.sort(key=lambda row: (row.created_at or "", row.invalidation_id), reverse=True)
    rows = [row for row in found if _created(row) >= since]
    paths = [item for row in rows for item in row.paths]
    return InvalidationSpending(
        since=since.astimezone(UTC).isoformat(timespec="seconds"),
        distributions=tuple(distributions),
        is_whole_account=is_whole_account,
        invalidations=len(rows),
        items=len(paths) if with_items else None,
        wildcards=sum(map(is_wildcard, paths)) if with_items else None,
        tags=sum(item.startswith("#") for item in paths) if with_items else None,
        free_items=prices.free_items,
        item_price_usd=prices.item_usd,
        months=months_of(found, prices) if with_items else (),
        folders=leaders_of(rows, prices),
        repeated=repeated_of(rows, prices),
        rows=tuple(_billed(row) for row in rows),
    )


async def _listed(control: ControlPlane, sender: Sender, distribution: str, since: datetime) -> list[Invalidation]:
    """All that were created since then: the newest come first, so the first older one ends it."""
    found: list[Invalidation] = []
    marker: str | None = None
    while True:
        after = marker
        page = await sender.retried(lambda: control.invalidation_page(distribution, marker=after))  # noqa: B023
        young = [row for row in page.rows if _created(row) >= since]
        found += young
        marker = page.next_marker
        if marker is None or len(young) < len(page.rows):
            return found


async def _filled(
    control: ControlPlane, sender: Sender, rows: Sequence[Invalidation], seen: Seen, tell: Tell | None
) -> list[Invalidation]:
    """The rows with their items, asked for where they were not seen completed before."""
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    for name in {row.distribution_id for row in rows}:
        identifiers = [row.invalidation_id for row in rows if row.distribution_id == name]
        known |= {(name, one): items for one, items in seen.items_of(name, identifiers).items()}
    gate = asyncio.Semaphore(_AT_ONCE)
    asked: list[Invalidation] = []
    done = len(known)

    async def filled(row: Invalidation) -> Invalidation:
        nonlocal done
        items = known.get((row.distribution_id, row.invalidation_id))
        if items is not None:
            return replace(row, items=len(items), wildcards=sum(map(is_wildcard, items)), paths=items)
        async with gate:
            found = await sender.retried(lambda: control.invalidation(row.distribution_id, row.invalidation_id))
        made = replace(found, created_at=row.created_at)
        asked.append(made)
        done += 1
        if len(asked) >= _KEEP_EVERY:
            seen.keep(asked)
            asked.clear()
        if tell is not None:
            tell(done, len(rows))
        return made

    try:
        return list(await asyncio.gather(*(filled(row) for row in rows)))
    finally:
        seen.keep(asked)


def _created(row: Invalidation) -> datetime:
    """Who does not say when is taken for new."""
    return datetime.fromisoformat(row.created_at) if row.created_at else datetime.max.replace(tzinfo=UTC)


def _billed(row: Invalidation) -> Billed:
    return Billed(
        created_at=row.created_at,
        status=row.status,
        distribution_id=row.distribution_id,
        invalidation_id=row.invalidation_id,
        items=row.items,
        wildcards=row.wildcards,
        first_item=row.paths[0] if row.paths else None,
    )
