"""The words of a comparison: pairs, the interval of the change, a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from perfctl.diagnosis import Check, Status

Verdict = Literal["pass", "breach", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One run of each, one right after the other."""

    a: float
    """What A took, in the comparison's unit."""
    b: float
    change: float
    """b / a - 1: 0.1 where B took a tenth more."""
    first: Literal["a", "b"]
    """Which of the two ran first; chance decides."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A."""

    listing: ClassVar[str] = "rows"

    verdict: Verdict
    change: float
    """The median of the pairs' changes: 0.1 where B takes a tenth more than A."""
    lower: float
    """The change is at least this, with a confidence of 99 %."""
    upper: float
    """The change is at most this, with a confidence of 99 %."""
    allow: float
    """`breach` where `lower` is above it."""
    detect: float
    """`pass` where `upper` is below it: what could not be excluded is `inconclusive`."""
    measure: str
    """`cpu`, `wall`, or the path of a number in what the commands print."""
    unit: str
    """`s` for cpu and wall; empty for a number that the commands print."""
    a: str
    """The command."""
    b: str
    a_median: float
    b_median: float
    pairs: int
    seed: int
    """With it, the order within each pair is the same again."""
    reason: str
    rows: tuple[Pair, ...]
    inconclusive: Literal["pass", "fail"] = "fail"
    """What a verdict of `inconclusive` comes to."""

    @property
    def is_passed(self) -> bool:
        """Whether the gate lets it through."""
        return self.verdict == "pass" or (self.verdict == "inconclusive" and self.inconclusive == "pass")

    @property
    def checks(self) -> tuple[Check, ...]:
        """The one check that a CI is told of."""
        status: Status = "fail" if not self.is_passed else "pass" if self.verdict == "pass" else "warn"
        fix = {"breach": "find what B does more: perfctl db plan diff, a profiler", "inconclusive": "more --pairs"}
        return (
            Check(
                "compare",
                self.measure,
                status,
                f"{self.verdict}: {self.reason}",
                fix.get(self.verdict),
                value=self.change,
                unit="ratio",
                threshold=self.allow,
            ),
        )
