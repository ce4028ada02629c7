"""Reading what EXPLAIN (FORMAT JSON) printed; every other form is turned into this one's shape first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from perfctl.db.model.plans import PlanJit, PlanReport, PlanSerialization, PlanTrigger
from perfctl.db.plans.checked import mapping, not_a_plan, number, sequence, shown, text, whole, written
from perfctl.db.plans.nodes import read_node
from perfctl.db.plans.parts import buffers_of
from perfctl.db.plans.timing import with_own_times
from perfctl.errors import UsageError

_STEPS = ("Generation", "Inlining", "Optimization", "Emission", "Total")


def read_document(document: object, *, sql: str = "", is_generic: bool = False) -> PlanReport:
    """The plan of a parsed document. UsageError says where it is not a plan."""
    top = _top(document)
    execution_ms = number(top, "Execution Time", "$")
    root = read_node(top["Plan"], "$.Plan")
    triggers = sequence(top.get("Triggers", []), "$.Triggers")
    planning = mapping(top.get("Planning") or {}, "$.Planning")
    return PlanReport(
        sql=sql or text(top, "Query Text", "$") or "",
        analyzed=root.loops is not None,
        is_generic=is_generic,
        planning_ms=number(top, "Planning Time", "$"),
        execution_ms=execution_ms,
        settings={str(n): written(value) for n, value in mapping(top.get("Settings") or {}, "$.Settings").items()},
        triggers=tuple(_trigger(mapping(item, "$.Triggers"), f"$.Triggers[{i}]") for i, item in enumerate(triggers)),
        plan=with_own_times(root, max(execution_ms or 0.0, root.total_ms or 0.0)),
        jit=_jit(top),
        planning_buffers=buffers_of(planning, "$.Planning"),
        planning_memory_kb=whole(planning, "Memory Used", "$.Planning"),
        query_id=_query_id(top),
        query_parameters=text(top, "Query Parameters", "$"),
        serialization=_serialization(top),
    )


def parsed(document: str | bytes) -> object:
    """The JSON of a text. UsageError says at which line and column it is none."""
    try:
        return json.loads(document)
    except ValueError as error:
        raise UsageError(f"the plan is not JSON: {error}", hint="make it with EXPLAIN (FORMAT JSON)") from error
    except RecursionError as error:
        raise not_a_plan("$", "is nested too deeply") from error


def _top(document: object) -> Mapping[str, Any]:
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    top = mapping(document, "$")
    if "Plan" not in top:
        raise not_a_plan("$", 'has no "Plan"')
    return top


def _trigger(raw: Mapping[str, Any], where: str) -> PlanTrigger:
    return PlanTrigger(
        name=text(raw, "Constraint Name", where) or text(raw, "Trigger Name", where) or "",
        relation=text(raw, "Relation", where),
        calls=number(raw, "Calls", where) or 0.0,
        time_ms=number(raw, "Time", where) or 0.0,
    )


def _jit(top: Mapping[str, Any]) -> PlanJit | None:
    if top.get("JIT") is None:
        return None
    jit = mapping(top["JIT"], "$.JIT")
    options = mapping(jit.get("Options", {}), "$.JIT.Options")
    timing = mapping(jit.get("Timing", {}), "$.JIT.Timing")
    generation = timing.get("Generation")
    deform = generation if isinstance(generation, Mapping) else {}
    flat = {**timing, "Generation": deform.get("Total") if deform else generation}
    spent = [number(flat, step, "$.JIT.Timing") for step in _STEPS]
    return PlanJit(
        functions=whole(jit, "Functions", "$.JIT") or 0,
        generation_ms=spent[0],
        deform_ms=number(deform, "Deform", "$.JIT.Timing.Generation"),
        inlining_ms=spent[1],
        optimization_ms=spent[2],
        emission_ms=spent[3],
        total_ms=spent[4],
        options=tuple(str(name) for name, is_on in options.items() if is_on is True),
    )


def _query_id(top: Mapping[str, Any]) -> str | None:
    value = top.get("Query Identifier")
    if value is None:
        return None
    is_id = (isinstance(value, int) and abs(value) < 2**64) or (isinstance(value, str) and len(value) <= 20)
    if not is_id or isinstance(value, bool):
        raise not_a_plan("$.Query Identifier", f"is {shown(value)}, not a number of 64 bits")
    return str(value)


def _serialization(top: Mapping[str, Any]) -> PlanSerialization | None:
    if top.get("Serialization") is None:
        return None
    raw = mapping(top["Serialization"], "$.Serialization")
    return PlanSerialization(
        format=text(raw, "Format", "$.Serialization") or "text",
        time_ms=number(raw, "Time", "$.Serialization"),
        output_kb=whole(raw, "Output Volume", "$.Serialization") or 0,
        buffers=buffers_of(raw, "$.Serialization"),
    )
