"""The alerts of one context: evaluated over the history, kept between runs, told once each way."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from perfctl.metrics.alerts.events import events_of
from perfctl.metrics.alerts.ledger import Ledger
from perfctl.metrics.alerts.model import Alert, Alerts, Notice, SinkState, State
from perfctl.metrics.alerts.rules import BudgetRule, BurnRule, Evidence, Rule, rules_of
from perfctl.metrics.alerts.sinks import Sink
from perfctl.metrics.alerts.stepping import Standing, step
from perfctl.metrics.alerts.store import Sheet, Store
from perfctl.metrics.alerts.telling import tell
from perfctl.metrics.budgets.model import Budgets, Expression
from perfctl.metrics.history.levels import moment_of

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

STEP_SECONDS = 10.0
"""Moments between two evaluations are looked at so far apart: a run every five minutes misses nothing."""
_LONG_GAP_SECONDS = 1800.0
_LONG_GAP_STEP_SECONDS = 60.0
CATCH_UP_SECONDS = 6 * 3600.0
"""What lies further back than this is not looked at again."""
_SET_BACK_SECONDS = 60.0
"""An evaluation that lies further ahead was made by a clock that went wrong: it is begun anew from now."""
_LATE_SECONDS = 120.0
"""Processes write what they measured as late as this."""
_EVALUATED = "evaluated"
_ORDER: dict[State, int] = {"firing": 0, "pending": 1, "resolved": 2, "inactive": 3}


class Recorded(Protocol):
    """What alerts are evaluated from: a history."""

    def frames(self, start: float, end: float) -> Iterator[Frame]:
        """What was measured in [start, end), oldest first."""


class AlertEngine:
    """What the budgets promise, watched: pending, firing, resolved.

    All that is known between two evaluations is in `state_file`: a restart, another process or a cron job goes on
    from there, and looks at every moment since the last evaluation, so that nobody misses what came and went.
    Several processes may evaluate the same file: each change is told by one of them.
    """

    def __init__(
        self,
        budgets: Budgets,
        history: Recorded,
        sinks: Sequence[Sink],
        state_file: Path,
        *,
        context: str = "default",
    ) -> None:
        self.rules = rules_of(budgets)
        self._history = history
        self._sinks = tuple(sinks)
        self._store = Store(state_file)
        self._context = context

    async def evaluate(self, now: float | None = None) -> tuple[Alert, ...]:
        """Look at every moment since the last time, keep what came of it, and tell who has to know.

        `now` is in seconds since 1970. What cannot be told waits, and is told later. ConfigError, LockedError or
        ServiceError where the history or the alerts' file cannot be used.
        """
        return await asyncio.to_thread(self.evaluate_here, time.time() if now is None else now)

    def evaluate_here(self, now: float) -> tuple[Alert, ...]:
        """The same, in this thread."""
        with self._store.writing() as sheet:
            before = sheet.moment(_EVALUATED)
            standings = self._stepped(sheet, self._first(now) if before is None else before, now)
        gap = now - before if before is not None else 0.0
        firing = [self._notice(rule, standings[rule.name]) for rule in self.rules if _fires(standings[rule.name])]
        for sink in self._sinks:
            tell(self._store, sink, firing, now, gap_seconds=max(gap, 0.0))
        return self._alerts(standings)

    def alerts(self) -> Alerts:
        """How everything stood when it was last evaluated; nothing is evaluated or told."""
        if not self._store.is_there:
            return _summed(
                self._alerts({}), None, tuple(SinkState(each.name, 0, 0, None, None) for each in self._sinks)
            )
        with self._store.reading() as sheet:
            rows = self._alerts(sheet.standings())
            return _summed(rows, sheet.moment(_EVALUATED), tuple(_sink_state(sheet, each) for each in self._sinks))

    def _stepped(self, sheet: Sheet, before: float | None, now: float) -> dict[str, Standing]:
        known = sheet.standings()
        standings = {rule.name: known.get(rule.name, Standing()) for rule in self.rules}
        moments = moments_since(before, now)
        if not moments:
            return standings
        evidence = self._evidence(sheet, moments[0][0], now)
        notices = [gone for gone in (self._gone(name, each, now) for name, each in known.items()) if gone]
        for at, elapsed in moments:
            for rule in self.rules:
                standing = standings[rule.name]
                then = step(standing, rule.look(evidence, at), at, elapsed, rule.patience)
                if _fires(then) and not _fires(standing):
                    then = replace(then, severity=rule.severity, budget=rule.text)
                standings[rule.name] = then
                if then.state != standing.state and "firing" in (then.state, standing.state):
                    notices.append(self._notice(rule, then))
        sheet.keep_standings(standings)
        sheet.keep_moment(_EVALUATED, now)
        for sink in self._sinks:
            sheet.tell(sink.name, notices)
        return standings

    def _first(self, now: float) -> float | None:
        """Before the first evaluation: as far back as what is broken would have to be broken to fire."""
        longest = max((rule.patience.for_seconds for rule in self.rules), default=0.0)
        return now - longest - STEP_SECONDS if longest else None

    def _evidence(self, sheet: Sheet, start: float, now: float) -> Evidence:
        windows = [rule.window_seconds for rule in self.rules if isinstance(rule, BudgetRule)]
        frames = tuple(self._history.frames(start - max(windows), now)) if windows else ()
        burns = [rule for rule in self.rules if isinstance(rule, BurnRule)]
        slis = {str(rule.objective.sli): rule.objective.sli for rule in burns}
        sheet.forget_other_events(slis)
        longest = {
            text: max(rule.burn.long_seconds for rule in burns if str(rule.objective.sli) == text) for text in slis
        }
        ledgers = {
            text: self._ledger(sheet, text, sli, start, now, CATCH_UP_SECONDS + longest[text])
            for text, sli in slis.items()
        }
        return Evidence(frames, ledgers)

    def _ledger(
        self, sheet: Sheet, text: str, sli: Expression, start: float, now: float, keep_seconds: float
    ) -> Ledger:
        """The events of a ratio: those that are known, and what was recorded since they were read."""
        read = sheet.moment(f"read:{text}")
        since = now - keep_seconds if read is None or read > now else max(read - _LATE_SECONDS, now - keep_seconds)
        since = since // 60 * 60
        found = ((moment_of(frame), events_of(sli, frame)) for frame in self._history.frames(since, now))
        sheet.replace_events(text, since, [(at, events) for at, events in found if events is not None])
        sheet.keep_moment(f"read:{text}", now)
        sheet.fold_events(text, now=now, keep_seconds=keep_seconds)
        return Ledger(sheet.events(text, min(start, now) - keep_seconds))

    def _gone(self, name: str, standing: Standing, now: float) -> Notice | None:
        """What fires and is watched no more is over."""
        if not _fires(standing) or any(rule.name == name for rule in self.rules):
            return None
        over = replace(standing, state="resolved", resolved_at=now, reason="it is not watched any more")
        return self._told(name, over, None, "")

    def _notice(self, rule: Rule, standing: Standing) -> Notice:
        return self._told(rule.name, standing, rule.limit, rule.unit)

    def _told(self, name: str, standing: Standing, limit: float | None, unit: str) -> Notice:
        is_over = standing.state != "firing"
        began = standing.fired_at or 0.0
        return Notice(
            id=_digest(self._context, name, f"{began:.3f}", "resolved" if is_over else "firing"),
            status="resolved" if is_over else "firing",
            name=name,
            severity=standing.severity,
            budget=standing.budget,
            context=self._context,
            observed=standing.observed,
            limit=limit,
            unit=unit,
            reason=standing.reason,
            starts_at=began,
            ends_at=standing.resolved_at if is_over else None,
        )

    def _alerts(self, standings: dict[str, Standing]) -> tuple[Alert, ...]:
        found = [_alert(rule, standings.get(rule.name, Standing(reason="never evaluated"))) for rule in self.rules]
        return tuple(sorted(found, key=lambda alert: (_ORDER[alert.state], alert.severity != "page")))


def moments_since(before: float | None, now: float) -> list[tuple[float, float]]:
    """The moments to look at, each with the seconds since the one before; none where the clock stands or goes back.

    >>> moments_since(100.0, 125.0)
    [(110.0, 10.0), (120.0, 10.0), (125.0, 5.0)]
    """
    if before is None or before > now + _SET_BACK_SECONDS:
        return [(now, 0.0)]
    gap = now - before
    if gap <= 0:
        return []
    size = STEP_SECONDS if gap <= _LONG_GAP_SECONDS else _LONG_GAP_STEP_SECONDS
    first = max(before, now - CATCH_UP_SECONDS)
    count = int((now - first) / size - 1e-9)
    steps = [(first + size * (number + 1), size) for number in range(count)]
    last = steps[-1][0] if steps else first
    return [*steps, (now, now - last)]


def _fires(standing: Standing) -> bool:
    return standing.state == "firing"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _alert(rule: Rule, standing: Standing) -> Alert:
    return Alert(
        name=rule.name,
        state=standing.state,
        severity=rule.severity,
        since=_moment(standing.since),
        observed=standing.observed,
        limit=rule.limit,
        reason=standing.reason,
        budget=rule.text,
        unit=rule.unit,
        has_data=standing.has_data,
    )


def _summed(rows: tuple[Alert, ...], evaluated: float | None, sinks: tuple[SinkState, ...]) -> Alerts:
    return Alerts(
        firing=sum(alert.state == "firing" for alert in rows),
        pending=sum(alert.state == "pending" for alert in rows),
        no_data=sum(not alert.has_data for alert in rows),
        evaluated_at=_moment(evaluated),
        rows=rows,
        sinks=sinks,
    )


def _sink_state(sheet: Sheet, sink: Sink) -> SinkState:
    kept = sheet.sink(sink.name)
    return SinkState(sink.name, kept.waiting, kept.refused, kept.error, _moment(kept.retry_at))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
