"""Shapes of statements: counted exactly, in flat memory, and quickly told apart."""

from __future__ import annotations

import random
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.logs import shapes as rooms
from perfctl.db.logs.bound import parameters, with_places, with_values
from perfctl.db.logs.following import Executed
from perfctl.db.logs.record import Record
from perfctl.db.logs.shapes import Shapes, cheap_key
from perfctl.db.logs.sketch import ERROR, Sketch
from perfctl.db.sqltext import fingerprint
from tests.campaign import campaign

RECORD = Record("2026-01-02 03:04:05 UTC", "42", "jo", "shop", "app", "", "", "LOG", "", "", "")
_PIECES = (
    "SELECT", "a", "b1", " ", " ", "\n", ",", "(", ")", "=", "-", "+", "IN", "'x'", "'it''s'", "''", "'--'", "'/* '",
    '"Na me"', '"it\'s"', '"1"', "1", "2.5", ".5", "1e3", "-7", "$1", "$2", "/* c */", "/* '1 */", "/* a /* b */ */",
    "-- x\n", "-- it's\n", "E'\\''", "E'a'", "$$ 1 'a' $$", "$t$ b $t$", "B'01'", "::int", "NULL", "true", "?", "*",
)  # fmt: skip


def _joined(pieces: list[str]) -> str:
    """The pieces as a text; words and values that touch each other are no SQL."""
    text = ""
    for piece in pieces:
        text += (
            " " * (text[-1:].isalnum() or text[-1:] in ("'", '"', "$")) * (piece[:1].isalnum() or piece[:1] in "'\".$")
        )
        text += piece
    return text


def ran(sql: str, took_ms: float | None) -> Executed:
    return Executed("statement", sql, took_ms, RECORD)


@campaign(300, 20_000)
@given(st.lists(st.sampled_from(_PIECES), max_size=12), st.randoms(use_true_random=False))
def test_texts_of_one_cheap_key_have_one_fingerprint(pieces: list[str], chance: random.Random) -> None:
    values = ("'x'", "'it''s'", "''", "1", "2.5", "'--'", "'/* '")
    other = [chance.choice(values) if piece in values else piece for piece in pieces]
    one, two = _joined(pieces), _joined(other)
    key = cheap_key(one)
    if key is not None and key == cheap_key(two):
        assert fingerprint(one) == fingerprint(two)


def test_every_call_is_counted() -> None:
    times = [random.Random(7).lognormvariate(0, 2) for _ in range(2_000)]
    shapes = Shapes()
    for i, time in enumerate(times):
        shapes.of(f"SELECT * FROM t WHERE id = {i}", RECORD).add(ran(f"SELECT {i}", time))
    (shape,) = shapes
    assert (shape.calls, shape.timed) == (2_000, 2_000)
    assert shape.total_ms == pytest.approx(sum(times))
    assert shape.stddev_ms == pytest.approx(pstdev(times))
    assert (shape.min_ms, shape.max_ms) == (min(times), max(times))
    assert shape.sketch.quantile(0.95) == pytest.approx(sorted(times)[1_899], rel=ERROR * 1.01)
    assert sorted(sample[0] for sample in shape.samples) == sorted(times)[-3:]


def test_a_call_without_a_time_counts_as_a_call_alone() -> None:
    shape = Shapes().of("SELECT 1", RECORD)
    shape.add(ran("SELECT 1", None))
    assert (shape.calls, shape.timed, shape.total_ms) == (1, 0, 0.0)


def test_of_too_many_shapes_those_that_took_the_least_go_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_SHAPES", 10)
    monkeypatch.setattr(rooms, "_KEPT_SHAPES", 8)
    shapes = Shapes()
    for i in range(11):
        sql = f"SELECT c{i} FROM t"
        shapes.of(sql, RECORD).add(ran(sql, float(i + 1)))
    assert len(shapes) == 9
    assert (shapes.evicted, shapes.evicted_calls, shapes.evicted_ms) == (2, 2, 3.0)


@campaign(200, 20_000)
@given(st.lists(st.floats(0.001, 1e7), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_percentile_is_at_most_a_hundredth_off(times: list[float], share: float) -> None:
    sketch = Sketch()
    sketch.add(times)
    rank = next(i for i in range(1, len(times) + 1) if i >= share * len(times))
    assert sketch.quantile(share) == pytest.approx(sorted(times)[rank - 1], rel=ERROR * 1.001)


def test_values_are_put_back_so_that_a_sample_can_be_run() -> None:
    detail = "parameters: $1 = 'it''s, $2 = 5', $2 = NULL, $3 = '2026-01-02'"
    assert parameters(detail) == ("it's, $2 = 5", None, "2026-01-02")
    assert with_values("SELECT $1, '$1', $2, $3::date, $4", detail) == (
        "SELECT 'it''s, $2 = 5', '$1', NULL, '2026-01-02'::date, $4"
    )


def test_a_shape_is_written_with_places_for_its_values() -> None:
    assert with_places("SELECT 'a', 5 FROM t WHERE x = $2 -- 1") == "SELECT $3, $4 FROM t WHERE x = $2 -- 1"
