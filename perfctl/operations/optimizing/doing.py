"""Each kind of step: what it does, what it measures, what undoes it, and what a run that was cut off left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from perfctl.errors import RefusedError, ServiceError
from perfctl.operations.optimizing.measuring import compared, cost_of, pays
from perfctl.operations.optimizing.model import Measured, StepState
from perfctl.operations.optimizing.steps import Step, StepKind
from perfctl.units import format_bytes, format_ratio

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from perfctl.db.postgres import Session
    from perfctl.operations.optimizing.model import RecordedStep
    from perfctl.optimizer import PerformanceOptimizer


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a step."""

    state: StepState
    made: str = ""
    note: str | None = None
    measured: tuple[Measured, ...] = ()


class Doing(Protocol):
    """What a kind of step can."""

    async def prepare(self, optimizer: PerformanceOptimizer, step: Step) -> None:
        """Return where it can be done. RefusedError where something is in the way."""
        ...

    async def apply(self, optimizer: PerformanceOptimizer, step: Step) -> Done:
        """Do it and measure; raises what the engine raises, with nothing left behind."""
        ...

    async def undo(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        """Take it back: `undone`, `kept` where there is nothing to take back, `failed` where it cannot be."""
        ...

    async def left(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        """What a run that was cut off in this step left: `started` is something unfinished, which `undo` mends."""
        ...


class _Index:
    """An index, built while others read and write; kept where a plan becomes cheaper by it."""

    async def prepare(self, optimizer: PerformanceOptimizer, step: Step) -> None:
        from perfctl.db.mending import MOST_BYTES, drop_if_invalid, index_state, table_bytes

        async with _building(optimizer) as session:
            if (size := await table_bytes(session, step.table)) > MOST_BYTES:
                raise RefusedError(f"{format_bytes(size)} take long to index", hint=f"choose the hour: {step.command}")
            await drop_if_invalid(session, step.index)
            if await index_state(session, step.index) is not None:
                raise RefusedError(f"an index {step.index} is there already", hint="perfctl optimize --history")

    async def apply(self, optimizer: PerformanceOptimizer, step: Step) -> Done:
        from perfctl.db.mending import build, drop_index_statement, probe

        database = optimizer.database
        statements = {"statement": step.statement, "look-up": probe(step.table, step.columns)}
        if step.statement == statements["look-up"]:
            del statements["statement"]
        before = {name: await cost_of(database, text) for name, text in statements.items()}
        async with _building(optimizer) as session:
            made = await build(session, step.command, step.index)
            after = {name: await cost_of(database, text) for name, text in statements.items()}
            measured = tuple(figure for name in statements for figure in compared(name, before[name], after[name]))
            judged = [pays(before[name], after[name]) for name in statements]
            if next((each for each in judged if each is not None), True) is False:
                await session.execute(drop_index_statement(step.index))
                return Done("taken back", note="the planner has no use for it: dropped again", measured=measured)
        size = Measured(
            name="index size", unit="bytes", before=0.0, after=float(made.size_bytes), how="pg_relation_size"
        )
        return Done("done", made.definition, measured=(*measured, size))

    async def undo(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        from perfctl.db.mending import drop_index_statement, index_state

        async with _building(optimizer) as session:
            state = await index_state(session, recorded.subject)
            if state is None:
                return Done("undone", recorded.made, "it was gone already")
            if recorded.made and state.definition != recorded.made:
                return Done("failed", recorded.made, "another index has its name by now: drop it yourself")
            if state.is_being_built:
                return Done("failed", recorded.made, "the server is still building it: try again when it has ended")
            await session.execute(drop_index_statement(recorded.subject))
            if await index_state(session, recorded.subject) is not None:
                raise ServiceError(f"{recorded.subject} is still there", hint=drop_index_statement(recorded.subject))
        return Done("undone", recorded.made)

    async def left(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        from perfctl.db.mending import index_state

        async with optimizer.database.pool.acquire() as session:
            state = await index_state(session, recorded.subject)
        if state is None:
            return Done("failed", note="cut off before the index was made: nothing is left of it")
        if state.is_being_built:
            return Done("started", note="the server is still building the index")
        if state.is_valid:
            return Done("done", state.definition, "cut off, but the index was finished")
        return Done("started", note="cut off: an invalid index is left, which costs writes and serves nobody")


class _Analyze:
    """New statistics. Harmless: it takes no lock that anybody waits for; nothing brings the old ones back."""

    async def prepare(self, optimizer: PerformanceOptimizer, step: Step) -> None:
        """Nothing can be in the way."""

    async def apply(self, optimizer: PerformanceOptimizer, step: Step) -> Done:
        from perfctl.db.mending import changed_rows

        async with _building(optimizer) as session:
            before = await changed_rows(session, step.table)
            await session.execute(step.command)
            after = await changed_rows(session, step.table)
        figure = Measured(
            name="rows changed since it was analyzed",
            unit="count",
            before=None if before is None else float(before),
            after=None if after is None else float(after),
            how="pg_stat_all_tables",
        )
        return Done("done", measured=(figure,))

    async def undo(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        return Done("kept", note="statistics stay: the old ones are gone, and the new ones are truer")

    async def left(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        return Done("failed", note="cut off: the table may have been analyzed; nothing is left unfinished")


class _Dictionary:
    """A zstd dictionary of a namespace that had none: taken back by writing without one again."""

    async def prepare(self, optimizer: PerformanceOptimizer, step: Step) -> None:
        if await _current(optimizer, step.namespace) is not None:
            raise RefusedError(f"namespace {step.namespace} has a dictionary by now", hint="perfctl cache dict list")

    async def apply(self, optimizer: PerformanceOptimizer, step: Step) -> Done:
        from perfctl.cache.operating.training import train

        operator = optimizer.cache.operator
        size = await operator.measure(step.namespace)
        training = await train(operator, step.namespace)
        if not training.is_stored or training.ratio is None or training.plain_ratio is None:
            return Done("taken back", note=f"it does not pay: {training.reason or 'plain zstd does as well'}")
        share = Measured(
            name="left of a value",
            unit="ratio",
            before=training.plain_ratio,
            after=training.ratio,
            how=f"held-out values of {training.samples} samples: zstd alone, and with the dictionary",
        )
        bytes_now = float(size.size_bytes or 0)
        whole = Measured(
            name=f"bytes of {step.namespace}",
            unit="bytes",
            before=bytes_now,
            after=bytes_now * training.ratio / training.plain_ratio,
            how="what lies there now, and once each value is written anew, at the measured ratios",
        )
        note = f"{format_ratio(training.ratio)} is left, zstd alone leaves {format_ratio(training.plain_ratio)}"
        return Done("done", training.id or "", note, (share, whole))

    async def undo(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        current = await _current(optimizer, recorded.subject)
        if current is None:
            return Done("undone", recorded.made, "no dictionary is in use")
        if recorded.made and current != recorded.made:
            return Done("kept", recorded.made, f"a later dictionary, {current}, took its place: it stays")
        await optimizer.cache.operator.dictionaries.drop(recorded.subject)
        return Done("undone", recorded.made, "values that were written with it stay readable while it lives")

    async def left(self, optimizer: PerformanceOptimizer, recorded: RecordedStep) -> Done:
        current = await _current(optimizer, recorded.subject)
        if current is None:
            return Done("failed", note="cut off before a dictionary was stored: nothing is left of it")
        return Done("done", current, "cut off, but the dictionary was stored")


DOINGS: Mapping[StepKind, Doing] = {"index": _Index(), "analyze": _Analyze(), "dictionary": _Dictionary()}
"""A row a kind of step."""


def _building(optimizer: PerformanceOptimizer) -> AbstractAsyncContextManager[Session]:
    from perfctl.db.mending import building

    return building(optimizer.settings.database)


async def _current(optimizer: PerformanceOptimizer, namespace: str) -> str | None:
    """The id of the dictionary that a namespace's values are written with."""
    from perfctl.cache.operating.training import listed

    rows = (await listed(optimizer.cache.operator, namespace)).rows
    return next((row.id for row in rows if row.is_current), None)
