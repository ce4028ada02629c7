"""Interleaved pairs of two commands, and what they say of the change.

What else the machine does slows both runs of a pair alike, so that their ratio hardly feels it; chance decides which
runs first, so that neither always has the warm caches of the other.
"""

from __future__ import annotations

import math
import random
import secrets
import statistics
from collections.abc import Callable, Sequence
from typing import Literal

from perfctl.errors import UsageError
from perfctl.metrics.comparing.interval import median_interval
from perfctl.metrics.comparing.measuring import OWN, measured, unit_of
from perfctl.metrics.comparing.model import Comparison, Pair, Verdict
from perfctl.metrics.comparing.running import run_once

ALLOW = 0.01
"""Measured at load 12: with 30 pairs of CPU times this bound raises 0.3 % false alarms and finds 98 % of +10 %."""
DETECT = 0.10
LEAST_PAIRS = 5
MOST_PAIRS = 10_000
TIMEOUT_SECONDS = 600.0


def compare(
    a: str,
    b: str,
    *,
    pairs: int = 30,
    measure: str = "cpu",
    allow: float = ALLOW,
    detect: float = DETECT,
    seed: int | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Run both commands in interleaved pairs, after one pair that does not count, and judge B by A.

    `measure` is `cpu`, `wall`, or the path of a number in the JSON that both print. UsageError where a command fails
    or has no such number, TimedOutError where one run takes longer than `timeout_seconds`.
    """
    _refuse_unusable(a, b, pairs, allow, detect)
    chosen = secrets.randbits(32) if seed is None else seed
    orders = random.Random(chosen)  # noqa: S311 - an order, no secret
    runs = _Runs(a, b, measure, timeout_seconds)
    runs.pair("a")
    rows = []
    for done in range(pairs):
        rows.append(runs.pair(orders.choice(("a", "b"))))
        if progress is not None:
            progress(done + 1)
    return judged(rows, a=a, b=b, measure=measure, allow=allow, detect=detect, seed=chosen)


def judged(rows: Sequence[Pair], *, a: str, b: str, measure: str, allow: float, detect: float, seed: int) -> Comparison:
    """What these pairs say."""
    logs = [math.log(row.b / row.a) for row in rows]
    lower, upper = (math.expm1(bound) for bound in median_interval(logs))
    change = math.expm1(statistics.median(logs))
    verdict = verdict_of(lower, upper, allow=allow, detect=detect)
    return Comparison(
        verdict=verdict,
        change=change,
        lower=lower,
        upper=upper,
        allow=allow,
        detect=detect,
        measure=measure,
        unit=unit_of(measure),
        a=a,
        b=b,
        a_median=statistics.median(row.a for row in rows),
        b_median=statistics.median(row.b for row in rows),
        pairs=len(rows),
        seed=seed,
        reason=_reason(verdict, change, lower, upper, allow, detect),
        rows=tuple(rows),
    )


def verdict_of(lower: float, upper: float, *, allow: float, detect: float) -> Verdict:
    """`breach` where the change is surely above what is allowed, `pass` where what must be found is surely not there.

    >>> verdict_of(0.04, 0.12, allow=0.01, detect=0.1), verdict_of(-0.2, 0.3, allow=0.01, detect=0.1)
    ('breach', 'inconclusive')
    """
    if lower > allow:
        return "breach"
    return "pass" if upper < detect else "inconclusive"


class _Runs:
    """The two commands, ready to be run in pairs."""

    def __init__(self, a: str, b: str, measure: str, timeout_seconds: float) -> None:
        self._commands = {"a": a, "b": b}
        self._measure = measure
        self._timeout_seconds = timeout_seconds

    def pair(self, first: Literal["a", "b"]) -> Pair:
        """One run of each, `first` before the other."""
        took = {name: self._took(name) for name in ((first, "b") if first == "a" else (first, "a"))}
        return Pair(took["a"], took["b"], took["b"] / took["a"] - 1, first)

    def _took(self, name: str) -> float:
        took = run_once(
            self._commands[name],
            name,
            timeout_seconds=self._timeout_seconds,
            keep_output=self._measure not in OWN,
        )
        return measured(took, self._measure, name)


def percent(share: float) -> str:
    """A change with its sign: `+10.3 %`, `-0.5 %`.

    >>> percent(0.1034), percent(-0.005)
    ('+10.3 %', '-0.5 %')
    """
    return f"{share * 100:+.1f} %"


def _reason(verdict: Verdict, change: float, lower: float, upper: float, allow: float, detect: float) -> str:
    found = f"B takes {percent(change)}, between {percent(lower)} and {percent(upper)}"
    if verdict == "breach":
        return f"{found}: above the {percent(allow)} that is allowed"
    if verdict == "pass":
        return f"{found}: {percent(detect)} is excluded"
    return f"{found}: {percent(detect)} cannot be excluded, and it is not surely above {percent(allow)}"


def _refuse_unusable(a: str, b: str, pairs: int, allow: float, detect: float) -> None:
    for name, command in (("a", a), ("b", b)):
        if not command.strip() or "\0" in command:
            raise UsageError(f"--{name} is no command", hint="write a command line in quotes", where=f"--{name}")
    if not LEAST_PAIRS <= pairs <= MOST_PAIRS:
        raise UsageError(
            f"--pairs: {pairs} is not between {LEAST_PAIRS} and {MOST_PAIRS}",
            hint="30 find +10 % on a busy machine",
            where="--pairs",
        )
    if not 0 <= allow < detect:
        raise UsageError(
            f"--allow {allow:g} is not below --detect {detect:g}",
            hint="allow what does not matter, detect what must not pass",
            where="--allow",
        )
