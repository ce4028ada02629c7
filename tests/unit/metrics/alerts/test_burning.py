"""Burn alerts over replayed histories: in time, over in time, and never without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.metrics.alerts.windows import burns_of
from tests.campaign import campaign
from tests.unit.metrics.alerts.replays import BEGAN, OBJECTIVE, Replay, Shape, holding, replay

FIRES_WITHIN, RESOLVES_WITHIN = 120.0, 300.0
EARLY = 60.0
"""Events of more than three hours ago are kept by the minute: the far end of a long window is not sharper."""


def incident(start: float, end: float, share: float, *, usual: float = 0.0003) -> Shape:
    """So many fail from then to then, and few else."""
    return lambda at: share if start <= at < end else usual


def slope(start: float, end: float, share: float) -> Shape:
    """It gets worse and worse, and is mended at once."""
    return lambda at: 0.0003 + share * (at - start) / (end - start) if start <= at < end else 0.0003


def assert_in_time(found: Replay, seconds: float) -> None:
    """Each alert fires two minutes after the workbook's condition begins to hold at most, and is over five minutes
    after it ceased to; and it fires at no other time."""
    for burn in burns_of(OBJECTIVE.window_seconds):
        name = f"api burn {burn.name}"
        fired = sorted(each.starts_at - BEGAN for each in found.notices if each.name == name and each.ends_at is None)
        over = sorted(each.ends_at - BEGAN for each in found.notices if each.name == name and each.ends_at is not None)
        stretches = holding(found.counts, burn, OBJECTIVE.objective, is_sure=True)
        stretches = [each for each in stretches if each[1] - each[0] > FIRES_WITHIN]
        for start, end in stretches:
            on = [at for at in fired if at <= start + FIRES_WITHIN]
            assert on, f"{name} did not fire after {start}"
            ended = [at for at in over if at > on[-1]]
            again = any(other[0] - end <= RESOLVES_WITHIN for other in stretches if other[0] > end)
            if end + RESOLVES_WITHIN < seconds - 60 and not again:
                assert any(at <= end + RESOLVES_WITHIN for at in ended), f"{name} is not over after {end}: {over}"
        held = holding(found.counts, burn, OBJECTIVE.objective)
        assert all(any(start - EARLY <= at <= end for start, end in held) for at in fired), f"{name} fired at {fired}"


@pytest.mark.parametrize(
    ("shape", "seconds"),
    [
        pytest.param(incident(4500, 5400, 1.0), 7200, id="an outage"),
        pytest.param(incident(4500, 6500, 0.05), 9000, id="one in twenty"),
        pytest.param(slope(4500, 8000, 0.1), 10_000, id="worse and worse"),
        pytest.param(incident(4500, 4620, 1.0), 6000, id="two minutes"),
    ],
)
def test_an_incident_is_told_within_two_minutes_and_over_within_five(
    tmp_path: Path, shape: Shape, seconds: float
) -> None:
    assert_in_time(replay(tmp_path, shape, seconds, every=120), seconds)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("shape", "hours"),
    [
        pytest.param(incident(25 * 3600, 31 * 3600, 0.02), 36, id="a bad quarter of a day"),
        pytest.param(incident(73 * 3600, 97 * 3600, 0.004), 104, id="a day slightly over"),
    ],
)
def test_slow_burns_are_told_in_time(tmp_path: Path, shape: Shape, hours: int) -> None:
    found = replay(tmp_path, shape, hours * 3600, every=1800)
    assert {each.name for each in found.notices} >= {"api burn 1d" if hours < 72 else "api burn 3d"}
    assert_in_time(found, hours * 3600)


def test_the_fast_alert_of_an_outage_is_over_five_minutes_after_the_outage(tmp_path: Path) -> None:
    found = replay(tmp_path, incident(4500, 5400, 1.0), 6000, every=60)
    over = [each.ends_at for each in found.notices if each.name == "api burn 1h" and each.status == "resolved"]
    assert over == [BEGAN + 5700]


def test_errors_that_come_and_go_are_told_of_at_most_twice(tmp_path: Path) -> None:
    bursts: Shape = lambda at: 0.5 if at > 4500 and at % 360 < 60 else 0.0003  # noqa: E731 - as the others
    found = replay(tmp_path, bursts, 9000, every=300)
    for burn in burns_of(OBJECTIVE.window_seconds):
        of_one = [each for each in found.notices if each.name == f"api burn {burn.name}"]
        assert sum(each.status == "firing" for each in of_one) <= 2


def test_a_cron_job_every_five_minutes_finds_what_a_watch_finds(tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("watched", "cron")]
    for folder in made:
        folder.mkdir()
    told = [
        {
            (each.name, each.status, each.starts_at, each.ends_at)
            for each in replay(folder, shape, 7200, every=every).notices
        }
        for folder, every in zip(made, (60.0, 300.0), strict=True)
        for shape in (incident(4500, 5400, 0.3),)
    ]
    assert told[0] == told[1]


def test_no_data_resolves_nothing(tmp_path: Path) -> None:
    found = replay(tmp_path, lambda at: 1.0 if 1800 <= at < 2400 else 0.0 if at < 1800 else None, 5000, every=300)
    assert {each.status for each in found.notices} == {"firing"}


def test_two_failures_in_the_first_minute_are_no_incident(tmp_path: Path) -> None:
    assert replay(tmp_path, lambda at: 0.2 if at < 10 else 0.0, 600, rps=1, every=60).notices == []


@campaign(3, 300)
@given(
    shares=st.lists(st.sampled_from([0.0, 0.0002, 0.0005, 0.0007]), min_size=6, max_size=6),
    rps=st.sampled_from([1, 5, 40]),
)
def test_within_budget_nothing_fires(tmp_path_factory: pytest.TempPathFactory, shares: list[float], rps: int) -> None:
    found = replay(tmp_path_factory.mktemp("within"), lambda at: shares[int(at // 900)], 5400, rps=rps, every=600)
    assert found.notices == []


@campaign(3, 300)
@given(
    start=st.sampled_from([60, 75, 90, 120, 400]),
    minutes=st.integers(1, 40),
    share=st.sampled_from([0.01, 0.02, 0.05, 0.2, 0.6, 1.0]),
    rps=st.sampled_from([10, 50]),
)
def test_any_incident_is_told_and_over_in_time(
    tmp_path_factory: pytest.TempPathFactory, start: int, minutes: int, share: float, rps: int
) -> None:
    shape = incident(start * 60, (start + minutes) * 60, share, usual=0.0)
    seconds = (start + minutes + 15) * 60
    folder = tmp_path_factory.mktemp("incident")
    assert_in_time(replay(folder, shape, seconds, rps=rps, every=300), seconds)
