"""What running an edge function says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class EdgeRun:
    """One call of a function: what it made of the event, and what CloudFront makes of that."""

    function: str
    runtime: str
    trigger: str
    outcome: Literal["request", "response", "error"]
    """A request that goes on, a response that goes out; or neither, and the viewer gets `viewer_status`."""
    result: Mapping[str, Any] | None
    """What the function returned; None where it did not."""
    error: str | None
    where: str | None
    """`file:line` of an error in the function."""
    violations: tuple[str, ...]
    """Each rule of CloudFront that the result breaks."""
    viewer_status: int | None
    """What CloudFront would answer because of an error: 502 or 503."""
    logs: tuple[str, ...]
    took_us: float | None
    compute_utilization: int | None
    """0 to 100, an estimate from the time taken here; of CloudFront Functions alone."""


@dataclass(frozen=True, slots=True)
class EdgeTest:
    """One row of a function's table of tests."""

    function: str
    test: str
    passed: bool
    took_us: float | None
    """The quickest of several calls."""
    budget_us: float | None
    compute_utilization: int | None
    budget_percent: int | None
    failures: tuple[str, ...] = ()
    """What was expected and was not so, a sentence each."""


@dataclass(frozen=True, slots=True)
class EdgeTests:
    """All tests of all functions that were asked for, those that failed first."""

    listing: ClassVar[str] = "rows"

    passed: int
    failed: int
    functions: int
    rows: tuple[EdgeTest, ...]
