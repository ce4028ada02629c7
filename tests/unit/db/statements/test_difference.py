"""What two readings of pg_stat_statements say of the time between them, whoever was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from perfctl.db.statements.difference import between
from perfctl.db.statements.reading import Counted, Counters, Key, Reading

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY, OTHER = Key(1, 2, True, 3), Key(1, 2, True, 4)


def counted(calls: int, since: datetime | None = None) -> Counted:
    return Counted(Counters(calls, *[0] * (len(Counters._fields) - 1)), None, None, since)


def reading(at: datetime, statements: Mapping[Key, Counted], *, reset: datetime | None) -> Reading:
    return Reading(
        at=at, started=NOON - timedelta(days=9), reset=reset, evicted=0, most=5000, database="", role="",
        times_io=False, times_planning=False, statements=statements, databases={}, users={}, texts={}, unreadable=0,
        unreadable_ms=0.0,
    )  # fmt: skip


def calls(first: Reading, second: Reading) -> dict[Key, int]:
    return {key: int(row.counters.calls) for key, row in between(first, second).statements.items()}


def test_what_was_counted_more_was_done_in_between() -> None:
    reset = NOON - timedelta(days=1)
    first = reading(NOON, {KEY: counted(5)}, reset=reset)
    second = reading(NOON + timedelta(hours=1), {KEY: counted(7), OTHER: counted(1)}, reset=reset)
    assert calls(first, second) == {KEY: 2, OTHER: 1}


def test_after_a_reset_in_between_everything_was_done_since() -> None:
    first = reading(NOON, {KEY: counted(5)}, reset=NOON - timedelta(days=1))
    second = reading(NOON + timedelta(hours=1), {KEY: counted(7)}, reset=NOON + timedelta(minutes=1))
    assert calls(first, second) == {KEY: 7}


def test_months_of_another_server_behind_the_same_address_are_not_of_this_hour() -> None:
    first = reading(NOON, {KEY: counted(5)}, reset=NOON - timedelta(days=1))
    second = reading(NOON + timedelta(hours=1), {KEY: counted(7_000_000)}, reset=NOON - timedelta(days=90))
    assert calls(first, second) == {}
    assert "another server" in between(first, second).events[0]


def test_of_another_server_what_is_known_to_have_begun_since_counts() -> None:
    first = reading(NOON, {KEY: counted(5)}, reset=NOON - timedelta(days=1))
    now = {KEY: counted(7_000_000, NOON - timedelta(days=80)), OTHER: counted(3, NOON + timedelta(minutes=5))}
    second = reading(NOON + timedelta(hours=1), now, reset=NOON - timedelta(days=90))
    assert calls(first, second) == {OTHER: 3}
