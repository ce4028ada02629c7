"""A log read once, its caches understood, and every configuration of interest replayed on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from perfctl.cdn.logs.arrays import Ints, np
from perfctl.cdn.logs.columns import Block
from perfctl.cdn.model.simulation import CdnSimulation, ContentFit
from perfctl.cdn.regions import UNKNOWN
from perfctl.cdn.simulating.bill import Prices, Span, observed_row, row_of
from perfctl.cdn.simulating.fitting import SAMPLE, Baseline, choose_layout, fitted
from perfctl.cdn.simulating.layouts import Columns, Key, Places
from perfctl.cdn.simulating.queries import EVERYTHING, QueryRule
from perfctl.cdn.simulating.replaying import NEVER
from perfctl.cdn.simulating.requests import EVENT, MISS, Intake
from perfctl.cdn.simulating.shelves import IN_MEMORY, Shelves
from perfctl.cdn.simulating.wanted import AUTO, Wanted
from perfctl.cdn.simulating.whatif import Change, Portion, Tally, alone
from perfctl.units import format_duration_ms

LADDER_SECONDS = (60, 300, 3_600, 86_400)
"""The TTLs that are tried where none is named."""
KEYS: dict[Key, str] = {
    "path": "path",
    "reduced": "path and part of the query",
    "query": "path and query",
    "cookie": "path, query and cookies",
}


def simulated(
    places: Sequence[str],
    blocks: Iterable[Block],
    wanted: Wanted,
    prices: Prices,
    *,
    in_memory: int = IN_MEMORY,
    replaying: Callable[[int, int], None] | None = None,
) -> CdnSimulation:
    """The log's hit ratio, its replay, and a row for each configuration that is wanted, or for some that are usual.

    `replaying` hears how many events of how many are replayed. UsageError where the log has not the fields for it.
    """
    intake = Intake([pattern for pattern, _ in wanted.patterns], wanted.query)
    with Shelves(in_memory) as shelves:
        for block in blocks:
            shelves.add(intake.events(block))
        return _Study(intake, shelves, wanted, prices).answer(tuple(places), replaying)


class _Study:
    """One log with its baseline."""

    def __init__(self, intake: Intake, shelves: Shelves, wanted: Wanted, prices: Prices) -> None:
        self._intake = intake
        self._shelves = shelves
        self._wanted = wanted
        self._prices = prices
        self._places = Places(intake.names)
        self._groups = len(intake.names.groups) or 1

    def answer(self, places: tuple[str, ...], replaying: Callable[[int, int], None] | None) -> CdnSimulation:
        """The whole result."""
        sample = self._sample()
        layout = choose_layout(sample, self._places, self._wanted.query, self._groups)
        baseline = fitted(self._shelves.portions, layout, self._places, self._groups)
        changes = _changes(self._wanted, self._busiest(sample))
        tallies = {change: Tally() for _, change in changes}
        log = _Log(self._groups)
        for events in self._shelves.portions():
            portion = Portion(events, baseline, self._places)
            for change, tally in tallies.items():
                tally += portion.replay(change)
            log.add(events)
            if replaying is not None:
                replaying(log.replayed, self._shelves.total)
        return self._result(places, baseline, log, [(name, change, tallies[change]) for name, change in changes])

    def _sample(self) -> np.ndarray:
        """Events of some paths, enough to tell how the caches work."""
        step = np.uint64(max(1, self._shelves.total // SAMPLE))
        found = (events[(events["path"] >> np.uint64(8)) % step == 0] for events in self._shelves.portions())
        return np.concatenate((np.zeros(0, EVENT), *found))

    def _busiest(self, sample: np.ndarray) -> str:
        """The region with the most requests."""
        counts = np.bincount(self._places.of(Columns(sample), "region"), minlength=len(self._places.names))
        known = [(int(count), name) for name, count in zip(self._places.names, counts, strict=False) if name != UNKNOWN]
        return max(known)[1] if known else UNKNOWN

    def _result(
        self, places: tuple[str, ...], baseline: Baseline, log: _Log, told: list[tuple[str, Change, Tally]]
    ) -> CdnSimulation:
        span = Span(self._intake.requests, self._intake.unreplayed, log.sent_bytes, log.hours)
        observed = observed_row(log.hits, log.refresh_hits, log.misses, log.origin_bytes, span, self._prices)
        as_it_is = row_of(*told[0], span, self._prices, None)
        rows = [row_of(name, change, tally, span, self._prices, as_it_is.cost_usd) for name, change, tally in told]
        residual = (
            as_it_is.hit_ratio - observed.hit_ratio
            if as_it_is.hit_ratio is not None and observed.hit_ratio is not None
            else None
        )
        return CdnSimulation(
            places=places,
            requests=self._intake.requests,
            replayed=log.replayed,
            malformed=self._intake.malformed,
            undated=self._intake.undated,
            hours=round(log.hours, 3),
            caches=baseline.layout.place,
            cache_key=KEYS[baseline.layout.key],
            has_shield=self._intake.has_shield,
            idle_seconds=None if baseline.idle_ms == NEVER else baseline.idle_ms / 1000,
            residual=residual,
            agreement=told[0][2].agreeing / log.replayed if log.replayed else None,
            rows=(observed, *rows),
            contents=self._contents(baseline, log, told[0][2]),
        )

    def _contents(self, baseline: Baseline, log: _Log, replayed: Tally) -> tuple[ContentFit, ...]:
        found = []
        for pattern, group in self._intake.names.groups.items():
            requests = int(log.group_requests[group])
            if requests:
                ttl_ms = int(baseline.ttl_ms[group])
                found.append(
                    ContentFit(
                        pattern=pattern,
                        requests=requests,
                        ttl_seconds=None if ttl_ms == NEVER else ttl_ms / 1000,
                        ttl_from=baseline.ttl_from[group],
                        observed_hit_ratio=float(log.group_hits[group] / requests),
                        replayed_hit_ratio=float(np.asarray(replayed.group_hits)[group] / requests),
                    )
                )
        return tuple(sorted(found, key=lambda one: -one.requests))


class _Log:
    """What the log itself says of its replayed requests."""

    def __init__(self, groups: int) -> None:
        self.replayed = self.hits = self.refresh_hits = self.misses = 0
        self.sent_bytes = self.origin_bytes = 0
        self.group_requests: Ints = np.zeros(groups, np.int64)
        self.group_hits: Ints = np.zeros(groups, np.int64)
        self._first = self._last = -1

    def add(self, events: np.ndarray) -> None:
        """A portion of it."""
        if not len(events):
            return
        counts = np.bincount(events["result"], minlength=3).tolist()
        missed = events["result"] == MISS
        self.replayed += len(events)
        self.hits, self.refresh_hits, self.misses = (
            before + now for before, now in zip((self.hits, self.refresh_hits, self.misses), counts, strict=True)
        )
        self.sent_bytes += int(events["size_bytes"].sum())
        self.origin_bytes += int(events["size_bytes"][missed].sum())
        self.group_requests += np.bincount(events["group"], minlength=len(self.group_requests))
        self.group_hits += np.bincount(events["group"][~missed], minlength=len(self.group_hits))
        first, last = int(events["second"].min()), int(events["second"].max())
        self._first = first if self._first < 0 else min(self._first, first)
        self._last = max(self._last, last)

    @property
    def hours(self) -> float:
        """From the first request to the last."""
        return (self._last - self._first) / 3600


def _changes(wanted: Wanted, busiest: str) -> list[tuple[str, Change]]:
    """What is replayed, by name: first as it is; each change alone; the TTLs with all the rest."""
    rest = Change(
        rules_ms=tuple(round(seconds * 1000) for _, seconds in wanted.patterns),
        min_ttl_ms=_in_ms(wanted.min_ttl_seconds),
        max_ttl_ms=NEVER if wanted.max_ttl_seconds is None else _in_ms(wanted.max_ttl_seconds),
        query=wanted.query,
        ignores_cookies=wanted.ignores_cookies,
        shield=busiest if wanted.shield == AUTO else wanted.shield,
    )
    ttls: list[int | None] = [_in_ms(seconds) for seconds in wanted.ttls_seconds]
    if not ttls and rest == Change():
        return _usual(wanted, busiest)
    found = [("as it is", Change())]
    for ttl in ttls or [None]:
        whole = replace(rest, ttl_ms=ttl)
        found += [(_named(part, wanted), part) for part in (*alone(whole), whole)]
    return list({change: (name, change) for name, change in found}.values())


def _usual(wanted: Wanted, busiest: str) -> list[tuple[str, Change]]:
    """Where nothing is asked for: some TTLs, no query strings, the Shield."""
    tried = [
        *(Change(ttl_ms=seconds * 1000) for seconds in LADDER_SECONDS),
        Change(query=QueryRule(drop=(EVERYTHING,))),
        Change(shield=busiest),
    ]
    return [("as it is", Change()), *((_named(change, wanted), change) for change in tried)]


def _in_ms(seconds: float) -> int:
    return min(round(seconds * 1000), NEVER)


def _named(change: Change, wanted: Wanted) -> str:
    """The parts of a change in words."""
    told = [
        f"TTL {_duration(change.ttl_ms)}" if change.ttl_ms is not None else "",
        *(f"{pattern} {_duration(_in_ms(seconds))}" for pattern, seconds in wanted.patterns if change.rules_ms),
        f"at least {_duration(change.min_ttl_ms)}" if change.min_ttl_ms else "",
        f"at most {_duration(change.max_ttl_ms)}" if change.max_ttl_ms != NEVER else "",
        change.query.text if change.query else "",
        "without cookies" if change.ignores_cookies else "",
        f"Shield in {change.shield}" if change.shield else "",
    ]
    return ", ".join(filter(None, told))


def _duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s" if seconds < 3_600 else format_duration_ms(milliseconds)
