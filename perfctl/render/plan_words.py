"""What a plan's nodes and figures are called, on a terminal and in a picture alike."""

from __future__ import annotations

from perfctl.db.model.plans import FindingSeverity, PlanNode
from perfctl.render.view import Tone
from perfctl.units import format_count

TONES: dict[FindingSeverity, Tone] = {"critical": "bad", "warning": "warn", "info": "dim"}


def subplan_of(node: PlanNode) -> str:
    """`SubPlan 1: ` before the name of a node that is one."""
    return f"{node.subplan_name}: " if node.subplan_name else ""


def amount(number: float) -> str:
    """Rows as whole numbers; PostgreSQL 18 counts fractions of them per loop."""
    return format_count(number) if number >= 10 or number == int(number) else f"{number:.2f}"


def cut(text: str, length: int) -> str:
    """A text that is too long without its middle: how it begins and ends tells most."""
    if len(text) <= length:
        return text
    head = length * 2 // 3
    return f"{text[:head]} … {text[-(length - head - 3) :]}"
