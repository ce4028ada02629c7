"""What was done between two readings of pg_stat_statements, and what of it nobody can know any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import sub

from perfctl.db.statements.reading import Counted, Counters, Key, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the later of two readings has more, a shape that was not called in between left out."""

    since: datetime
    until: datetime
    statements: Mapping[Key, Counted]
    """Minimum and maximum are None where they may lie before the first reading."""
    events: tuple[str, ...]
    """What makes the figures too low: a reset, evictions, a restart; a sentence each."""
    evicted: int | None
    """How often the table was full in between."""


def between(first: Reading, second: Reading) -> Difference:
    """What happened from the first to the second.

    A shape whose counters fell, or whose counting began in between (PostgreSQL 17 tells), was reset or evicted: what it
    has now was done since, and what it did before that is lost. After a reset of everything that holds for all.
    Counters that are others, and were counting at the time of the first reading already, are another server's, behind
    the same address: what they have was not done in between, and only what is known to have begun since is counted.
    """
    was_reset, is_other = _was_reset(first, second), _is_other(first, second)
    statements: dict[Key, Counted] = {}
    restarted = 0
    for key, now in second.statements.items():
        if is_other and (now.since is None or now.since <= first.at):
            continue
        before = None if was_reset else first.statements.get(key)
        if before is not None and _began_anew(before, now, first.at):
            before, restarted = None, restarted + 1
        if before is None:
            statements[key] = now
        elif now.counters.calls > before.counters.calls:
            statements[key] = _grown(before, now)
    evicted = _evicted(first, second, was_reset)
    return Difference(
        since=first.at,
        until=second.at,
        statements=statements,
        events=_events(first, second, was_reset, restarted, evicted, is_other=is_other),
        evicted=evicted,
    )


def _was_reset(first: Reading, second: Reading) -> bool:
    """Whether everything was reset; without a time of it (13) a table in which most counters fell was."""
    if first.reset is not None or second.reset is not None:
        return first.reset != second.reset
    common = first.statements.keys() & second.statements.keys()
    fell = sum(second.statements[key].counters.calls < first.statements[key].counters.calls for key in common)
    return bool(first.statements) and (not common or fell * 2 > len(common))


def _is_other(first: Reading, second: Reading) -> bool:
    """Whether the counters are not those of the first reading, for they are older than it and began at another time."""
    return first.reset is not None and second.reset is not None and first.reset != second.reset <= first.at


def _began_anew(before: Counted, now: Counted, first_at: datetime) -> bool:
    if now.since is not None:
        return now.since > first_at
    return now.counters.calls < before.counters.calls or now.counters.total_ms < before.counters.total_ms


def _grown(before: Counted, now: Counted) -> Counted:
    more = Counters._make(map(sub, now.counters, before.counters))
    if min(more) < 0:  # by rounding
        more = Counters._make(max(count, 0) for count in more)
    return Counted(
        more,
        now.min_ms if now.min_ms is not None and before.min_ms is not None and now.min_ms < before.min_ms else None,
        now.max_ms if now.max_ms is not None and before.max_ms is not None and now.max_ms > before.max_ms else None,
        now.since,
    )


def _evicted(first: Reading, second: Reading, was_reset: bool) -> int | None:
    if second.evicted is None:
        return None
    if _is_other(first, second):
        return None
    return second.evicted if was_reset or first.evicted is None else second.evicted - first.evicted


def _events(
    first: Reading, second: Reading, was_reset: bool, restarted: int, evicted: int | None, *, is_other: bool
) -> tuple[str, ...]:
    if is_other:
        return (
            f"another server's counters were read, which began at {_time(second.reset)}: a failover, or a copy put in "
            f"its place; what was done from {_time(first.at)} until {_time(second.at)} is not known",
        )
    said = []
    if second.started != first.started:
        said.append(f"the server was restarted at {_time(second.started)}")
    if was_reset:
        at = f" at {_time(second.reset)}" if second.reset else ""
        said.append(f"pg_stat_statements was reset{at}: what was done from {_time(first.at)} until then is lost")
    elif restarted:
        shapes = "1 shape was" if restarted == 1 else f"{restarted} shapes were"
        said.append(f"{shapes} reset or evicted in between: what they did before that is lost")
    if evicted:
        said.append(
            f"the server's table of {second.most} shapes was full {_times(evicted)}: rare statements are missing or "
            "too low; raise pg_stat_statements.max"
        )
    return tuple(said)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "an unknown time"
