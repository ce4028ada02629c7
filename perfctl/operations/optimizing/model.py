"""What one pass over all engines found, what it did about it, and what became of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from perfctl.operations.optimizing.steps import StepKind

Severity = Literal["critical", "warning", "info"]
Risk = Literal["none", "low", "medium", "high"]
CommandKind = Literal["sql", "perfctl", "redis", "yaml"]
"""`sql`: a statement for PostgreSQL; `perfctl`: a line for the shell; `redis`: a command for redis-cli; `yaml`: lines
for perfctl.yaml."""
State = Literal["open", "applied", "failed", "taken back"]
"""`taken back`: it was applied, gained nothing, and was undone at once."""
StepState = Literal["started", "done", "failed", "taken back", "undone", "kept"]
"""`started`: it is under way, or the run was cut off in it; `kept`: there is nothing that could undo it."""
Mode = Literal["find", "apply", "rollback", "history"]
Answer = Literal["answered", "skipped", "unanswered"]
"""`skipped`: there is nothing to ask; `unanswered`: it was asked, and failed or took too long."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that was observed."""

    name: str
    observed: str
    """As it is to be read, with its unit."""
    value: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """What mending it would bring."""

    text: str
    """A figure with its unit, or `unknown`."""
    how: str
    """How it was estimated, or why it cannot be."""
    value: float | None = None
    """None: unknown."""
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure before and after a step; None where it could not be measured."""

    name: str
    unit: str
    before: float | None
    after: float | None
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that could be better."""

    id: str
    """Stays the same while the thing stays the same: `foreign_keys:orders(customer_id)`."""
    source: str
    """Which row of the sources found it."""
    severity: Severity
    title: str
    subject: str
    """What it is about: a table, a statement, a namespace, a distribution."""
    evidence: tuple[Evidence, ...]
    gain: Gain
    risk: Risk
    risk_why: str
    command: str
    """Exactly what to run."""
    command_kind: CommandKind
    advice: str | None = None
    """What no command says by itself."""
    is_safe: bool = False
    """Whether `--apply` does it."""
    reverse: str | None = None
    """What undoes it; None: nothing does."""
    weight: float = 0.0
    """By which the findings of a severity are ranked: the share of the engine's work that it concerns, 0..1."""
    state: State = "open"
    measured: tuple[Measured, ...] = ()
    """Before and after, where it was applied."""
    outcome: str | None = None
    """What became of it, where it was to be applied."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """One source of findings: whether it answered."""

    source: str
    answer: Answer
    findings: int
    reason: str | None
    """Why there is no answer."""
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One step of a run, as the journal has it."""

    finding: str
    """The finding's id."""
    title: str
    kind: StepKind
    subject: str
    """The index, table or namespace that it is done to."""
    command: str
    reverse: str | None
    state: StepState
    made: str = ""
    """What was made: an index's definition, a dictionary's id."""
    note: str | None = None
    """Why it failed, was taken back or could not be undone."""
    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """One `--apply`, as the journal has it."""

    id: str
    started_at: str
    """ISO 8601, UTC."""
    ended_at: str | None
    """None: it is under way, or was cut off."""
    database: str
    """`host:port/database`; empty where none is configured."""
    steps: tuple[RecordedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """The findings, the worst first, who was asked, and what was done."""

    listing: ClassVar[str] = "rows"

    mode: Mode
    rows: tuple[Finding, ...] = ()
    sources: tuple[SourceAnswer, ...] = ()
    applied: int = 0
    failed: int = 0
    undone: int = 0
    run_id: str | None = None
    """Under which it was recorded: `--rollback ID` undoes it."""
    runs: tuple[RecordedRun, ...] = ()
    """With `--history` all of them, the latest first; with `--rollback` the one."""
    notes: tuple[str, ...] = ()
    """What earlier runs left unfinished, and what was there to say besides."""
