"""What `--apply` can do: a kind of step, and what it is done to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["index", "analyze", "dictionary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, in plain values that a journal can hold."""

    kind: StepKind
    table: str = ""
    """Qualified, as SQL writes it."""
    columns: tuple[str, ...] = ()
    index: str = ""
    """The qualified name of the index that is made."""
    command: str = ""
    """What does it: a statement, or a line for the shell."""
    namespace: str = ""
    statement: str = ""
    """What is to become faster, where it is known: its plan is taken before and after."""
