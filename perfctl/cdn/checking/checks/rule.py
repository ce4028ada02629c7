"""What a check of a distribution is: the evidence that it looks at, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.checking.setup import BehaviourSetup, Setup
from perfctl.cdn.model.checks import CacheExplanation
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.diagnosis import Status

Area = Literal["ttl", "compression", "key", "origin", "viewer", "logs", "behaviours", "answer"]
MAX_OBJECTS = 10


@dataclass(frozen=True, slots=True)
class Page:
    """One URL, asked for twice in a row: the second answer shows what the edge kept of the first."""

    path: str
    first: EdgeAnswer
    last: CacheExplanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the checks look at; what may not be read is None."""

    setup: Setup | None = None
    pages: tuple[Page, ...] = ()
    has_metrics: bool | None = None
    """Whether additional metrics are on."""
    deliveries: tuple[str, ...] | None = None
    """Where standard logs v2 go; None: it may not be read."""
    knows_tags: bool = True
    viewers: Mapping[str, float] | None = None
    """Requests by price class (`100`, `200`, `All`: the cheapest that covers the viewer), from the access logs."""
    private_paths: tuple[str, ...] = ()
    """Patterns whose content is one visitor's own, as the configuration says."""

    def behaviour_of(self, page: Page) -> BehaviourSetup | None:
        """The behaviour that a page falls to, where the configuration is known."""
        return self.setup.behaviour_of(page.path.partition("?")[0])[1] if self.setup else None

    def changes_answers(self, page: Page) -> bool:
        """Whether a function or a policy may have set headers for viewers after the edge kept the answer."""
        behaviour = self.behaviour_of(page)
        return behaviour is not None and behaviour.changes_answers

    @property
    def well_pages(self) -> tuple[Page, ...]:
        """Those that were answered with content."""
        return tuple(page for page in self.pages if page.last.status == 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check makes of the evidence; `off` where there is nothing to judge."""

    status: Status
    observed: str
    fix: str | None = None
    objects: Sequence[str] = ()
    value: float | None = None
    unit: str | None = None
    threshold: float | None = None


Judge = Callable[[Evidence], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check: a file of this folder, and a row of its table."""

    name: str
    area: Area
    judge: Judge
    needs: Literal["setup", "pages"]
    """Without it there is nothing to judge."""


def well(observed: str) -> Verdict:
    """Nothing to mend."""
    return Verdict(status="pass", observed=observed)


def off(observed: str, fix: str | None = None) -> Verdict:
    """Nothing to judge, or a matter of taste and money: what is there to be had."""
    return Verdict(status="off", observed=observed, fix=fix)


def setup_in(evidence: Evidence) -> Setup:
    """The setup of a check that needs one."""
    assert evidence.setup is not None  # noqa: S101 - `needs` says so
    return evidence.setup


def named(behaviours: Iterable[BehaviourSetup]) -> tuple[str, ...]:
    """Their patterns."""
    return tuple(behaviour.name for behaviour in behaviours)


def of_behaviours(bad: Sequence[BehaviourSetup], *, status: Status, is_well: str, observed: str, fix: str) -> Verdict:
    """A verdict over behaviours: a pass where none of them is bad."""
    if not bad:
        return well(is_well)
    return Verdict(status=status, observed=observed, fix=fix, objects=named(bad), value=len(bad), unit="count")


def of_pages(bad: Sequence[tuple[Page, str]], *, status: Status, is_well: str, observed: str, fix: str) -> Verdict:
    """A verdict over pages, each with what is wrong with it."""
    if not bad:
        return well(is_well)
    objects = tuple(f"{page.path}: {why}" if why else page.path for page, why in bad)
    return Verdict(status=status, observed=observed, fix=fix, objects=objects, value=len(bad), unit="count")
