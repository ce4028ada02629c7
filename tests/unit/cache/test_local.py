"""The tier in the process, by itself: its bound, its deadlines, what readers may take from it, and threads."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator

import pytest

from perfctl.cache.clock import ManualClock
from perfctl.cache.entry import MISSING, Entry, Packed
from perfctl.cache.local import OVERHEAD_BYTES, LocalTier


class Space:
    """A namespace, as entries know it."""

    generation = 0
    version = 0


def tier(capacity: int = 100_000, clock: ManualClock | None = None) -> LocalTier:
    """A tier whose clock stands still."""
    return LocalTier(capacity, "lru", now=(clock or ManualClock()).monotonic)


def keep(made: LocalTier, key: bytes, space: Space, *, own: bool = False, seconds: float = 100) -> Entry:
    """Put something into it."""
    until = made.now() + seconds
    entry = Entry(
        key, space, generation=space.generation, good_until=until, fresh_until=until, kept_until=until, own=own
    )
    made.keep(key, entry)
    return entry


def test_what_is_due_is_taken_out_bit_by_bit_by_writes() -> None:
    clock = ManualClock()
    made, space = tier(clock=clock, capacity=10_000_000), Space()
    for number in range(1000):
        keep(made, b"%d" % number, space, seconds=5)
    clock.advance(6)
    keep(made, b"one", space)
    assert 900 < len(made) < 1000, "one write does not do it all"
    for number in range(30):
        keep(made, b"more%d" % number, space)
    assert len(made) == 31


def test_a_sweep_says_when_there_is_more_to_do() -> None:
    clock = ManualClock()
    made, space = tier(clock=clock), Space()
    assert made.sweep() is None
    keep(made, b"a", space, seconds=5)
    assert made.sweep() == 5
    clock.advance(6)
    assert made.sweep() is None
    assert (len(made), made.size_bytes) == (0, 0)


def test_an_entry_that_was_renewed_outlives_its_first_deadline() -> None:
    clock = ManualClock()
    made, space = tier(clock=clock), Space()
    entry = keep(made, b"a", space, seconds=5)
    entry.kept_until = clock.now + 50
    clock.advance(6)
    assert made.sweep() == 44
    assert len(made) == 1


def test_a_cleared_namespace_is_dead_at_once_and_gone_soon() -> None:
    made, cleared, other = tier(), Space(), Space()
    entry = keep(made, b"a", cleared)
    kept = keep(made, b"b", other)
    cleared.generation += 1
    made.clear(cleared)
    assert made.is_dead(entry)
    assert not made.is_dead(kept)
    assert not made.delete(b"a"), "it was not there any more"
    keep(made, b"a", cleared)
    keep(made, b"c", cleared)
    assert set(made.entries) == {b"a", b"b", b"c"}
    cleared.generation += 1
    made.clear(cleared)
    made.sweep()
    assert set(made.entries) == {b"b"}


def test_what_was_written_under_another_version_is_dead() -> None:
    made, space = tier(), Space()
    entry = keep(made, b"a", space)
    entry.version, space.version = 7, 7
    assert not made.is_dead(entry)
    space.version = 8
    assert made.is_dead(entry)
    made.clean()
    made.sweep()
    assert len(made) == 0


def test_our_own_write_is_asked_about_once_and_anybody_elses_forgotten() -> None:
    made, space = tier(), Space()
    entry = keep(made, b"a", space, own=True)
    made.demote(b"a")
    assert (entry.good_until, entry.own) == (0.0, False)
    made.demote(b"a")
    made.demote(b"absent")
    assert len(made) == 0


def test_what_is_too_big_takes_the_place_of_what_was_there() -> None:
    made, space = tier(2000), Space()
    keep(made, b"a", space)
    big = Entry("big", space, generation=0, size_bytes=5000)
    assert not made.keep(b"a", big)
    assert (len(made), made.size_bytes) == (0, 0)


def test_reads_are_told_to_the_policy_with_the_next_write() -> None:
    made, space = tier(3 * OVERHEAD_BYTES + 100), Space()
    for key in (b"a", b"b", b"c"):
        keep(made, key, space)
    made.get(b"a")
    keep(made, b"d", space)
    assert set(made.entries) == {b"a", b"c", b"d"}


def test_nothing_is_left_after_all_is_forgotten() -> None:
    made, space = tier(), Space()
    keep(made, b"a", space)
    made.empty()
    assert (len(made), made.size_bytes, made.get(b"a")) == (0, 0, MISSING)
    keep(made, b"a", space)
    assert made.get(b"a") == b"a"


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Threads take turns after a few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching_often")
def test_threads_never_see_another_keys_value_and_the_account_is_right() -> None:
    made, space = LocalTier(60_000, "lru"), Space()
    wrong: list[object] = []

    def clear(_: bytes) -> None:
        space.generation += 1
        made.clear(space)

    def read(key: bytes) -> None:
        found = made.get(key)
        if found is not MISSING and found != key:
            wrong.append((key, found))

    def put(key: bytes) -> None:
        keep(made, key, space, seconds=random.choice([-1, 0.001, 100]), own=True)

    deeds = [put] * 6 + [made.delete, made.demote] * 3 + [read] * 12 + [clear]

    def work(seed: int) -> None:
        own = random.Random(seed)
        try:
            for _ in range(1500):
                own.choice(deeds)(b"%d" % own.randrange(300))
        except Exception as error:  # noqa: BLE001 - a thread's error must fail the test
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert made.size_bytes == sum(entry.size_bytes for entry in made.entries.values()) <= 60_000


def packed(made: LocalTier, key: bytes, space: Space, *, weight: int = 1000, seconds: float = 100) -> Packed:
    """What was just read from the server is put into it."""
    until = made.now() + seconds
    blob = Packed(b"blob", space, space.generation, until, until, until, weight, space.version)
    made.keep_packed([(key, blob, blob)], {key: blob})
    return blob


def test_what_lies_packed_counts_like_everything_else() -> None:
    made, space = tier(3500), Space()
    for key in (b"a", b"b"):
        packed(made, key, space)
    keep(made, b"c", space)
    assert (set(made.packed), set(made.entries)) == ({b"a", b"b"}, {b"c"})
    assert made.size_bytes == 2000 + made.entries[b"c"].size_bytes
    packed(made, b"d", space)
    assert (set(made.packed), set(made.entries)) == ({b"b", b"d"}, {b"c"})
    assert made.evictions == 1


def test_what_lost_its_ticket_is_not_kept_and_takes_nothing_away() -> None:
    made, space = tier(), Space()
    keep(made, b"a", space)
    blob = Packed(b"blob", space, 0, 9e9, 9e9, 9e9, 1000, 0)
    made.keep_packed([(b"a", blob, "mine"), (b"b", blob, "mine"), (b"c", blob, "mine")], {b"a": "other", b"c": "mine"})
    assert (set(made.entries), set(made.packed)) == ({b"a"}, {b"c"})


def test_what_is_unpacked_has_the_place_of_what_was_packed() -> None:
    made, space = tier(), Space()
    blob = packed(made, b"a", space)
    entry = Entry("value", space, generation=0)
    assert made.unpack(b"a", blob, entry)
    assert not made.unpack(b"a", blob, Entry("another", space, generation=0)), "somebody was faster"
    assert (made.entries, made.packed, made.size_bytes) == ({b"a": entry}, {}, 1000)
    assert made.unpack(b"b", packed(made, b"b", space), None)
    assert (set(made.entries), made.packed, made.size_bytes) == ({b"a"}, {}, 1000)


def test_what_lies_packed_is_forgotten_whatever_becomes_of_it() -> None:
    clock = ManualClock()
    made, space = tier(clock=clock), Space()
    for forget in (made.delete, made.demote, made.doubt):
        packed(made, b"a", space)
        forget(b"a")
        assert (len(made), made.size_bytes) == (0, 0)
    packed(made, b"a", space, seconds=5)
    clock.advance(6)
    made.sweep()
    assert (len(made), made.size_bytes) == (0, 0)
    packed(made, b"a", space)
    space.generation += 1
    made.clear(space)
    made.sweep()
    assert (len(made), made.size_bytes) == (0, 0)
    packed(made, b"a", space)
    assert not keep(made, b"a", space).shortcuts
    assert (len(made), made.size_bytes) == (1, made.entries[b"a"].size_bytes)
    packed(made, b"a", space, weight=10**9)
    assert (len(made), made.size_bytes) == (0, 0)
