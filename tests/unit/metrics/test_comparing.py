"""Comparing two commands: false alarms and what is found, the runs themselves, and what cannot be compared."""

from __future__ import annotations

import json
import math
import random
import statistics
import time
from pathlib import Path

import pytest

from perfctl.errors import TimedOutError, UsageError
from perfctl.metrics.comparing import compare
from perfctl.metrics.comparing.comparing import ALLOW, DETECT, judged
from perfctl.metrics.comparing.interval import median_interval
from perfctl.metrics.comparing.model import Pair
from perfctl.metrics.comparing.running import run_once

NOISE = json.loads((Path(__file__).parents[2] / "fixtures" / "metrics" / "noise_at_load.json").read_text())
"""Logarithms of 300 ratios of CPU times of one command to itself, measured beside a busy loop on two shared CPUs."""
CAMPAIGN = 400


def verdicts(slower: float, *, pairs: int = 30) -> list[str]:
    """What a campaign of comparisons says of a B that is so much slower, under the noise that was measured."""
    chance = random.Random(11)
    found = []
    for _ in range(CAMPAIGN):
        noise = [chance.choice(NOISE) * chance.choice((1, -1)) for _ in range(pairs)]
        rows = [Pair(1.0, math.exp(each) * (1 + slower), 0.0, "a") for each in noise]
        found.append(judged(rows, a="a", b="b", measure="cpu", allow=ALLOW, detect=DETECT, seed=0).verdict)
    return found


def test_a_command_against_itself_hardly_ever_raises_an_alarm() -> None:
    assert verdicts(0.0).count("breach") <= CAMPAIGN * 0.01


def test_a_tenth_slower_is_found() -> None:
    found = verdicts(0.10)
    assert found.count("breach") >= CAMPAIGN * 0.95
    assert found.count("pass") <= CAMPAIGN * 0.01


@pytest.mark.parametrize("count", [5, 8, 30, 31])
def test_the_interval_is_the_one_that_drawing_would_give(count: int) -> None:
    chance = random.Random(count)
    values = [chance.gauss(0, 1) for _ in range(count)]
    drawn = sorted(statistics.median(chance.choices(values, k=count)) for _ in range(20_000))
    ordered = sorted(values)
    for bound, share in zip(median_interval(values), (0.01, 0.99), strict=True):
        around = (drawn[int(20_000 * (share - 0.004))], drawn[int(20_000 * (share + 0.004))])
        assert around[0] <= bound <= around[1], (bound, around, ordered)


def test_a_number_that_the_commands_print_is_compared() -> None:
    result = compare('echo \'{"data": {"n": 100}}\'', 'echo \'{"data": {"n": 150}}\'', pairs=5, measure="data.n")
    assert (result.verdict, result.a_median, result.b_median) == ("breach", 100.0, 150.0)
    assert result.change == pytest.approx(0.5)
    assert result.checks[0].status == "fail"


def test_the_seed_fixes_the_order_and_both_orders_come() -> None:
    first = [row.first for row in compare("echo 1", "echo 1", pairs=8, measure="wall", seed=3).rows]
    again = [row.first for row in compare("echo 1", "echo 1", pairs=8, measure="wall", seed=3).rows]
    assert first == again
    assert set(first) == {"a", "b"}


def test_the_time_of_children_that_were_waited_for_counts() -> None:
    work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
    assert run_once(f"sh -c '{work}'; true", "a", timeout_seconds=60).cpu_seconds > 0.004


@pytest.mark.parametrize(
    ("command", "measure", "said"),
    [
        ("echo broken pipe >&2; exit 3", "cpu", "exit code 3\n  | broken pipe"),
        ("kill -9 $$", "cpu", "SIGKILL"),
        ("echo hello", "data.n", "prints no JSON"),
        ('echo \'{"data": {"m": 1}}\'', "data.n", "there is no 'n'"),
        ('echo \'{"data": {"n": 0}}\'', "data.n", "only numbers above 0"),
        ('echo \'{"data": {"n": null}}\'', "data.n", "is no number"),
        (" ", "cpu", "is no command"),
    ],
)
def test_what_cannot_be_compared_is_told(command: str, measure: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        compare(command, "true", pairs=5, measure=measure)
    assert said in caught.value.message


def test_a_command_that_takes_too_long_is_ended_with_its_children() -> None:
    started = time.monotonic()
    with pytest.raises(TimedOutError):
        run_once("sleep 100 & sleep 100", "a", timeout_seconds=0.2)
    assert time.monotonic() - started < 50
