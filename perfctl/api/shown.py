"""What a read shows of what is known: the command's document, and what is missing where nothing is known."""

from __future__ import annotations

import dataclasses
import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from perfctl.api.replies import document, what_is_missing
from perfctl.diagnosis import Diagnosis

if TYPE_CHECKING:
    from perfctl.api.routes import Route
    from perfctl.api.snapshot import Known


@dataclasses.dataclass(frozen=True, slots=True)
class Unanswered:
    """The place of a result of which nothing is known."""

    fields: dict[str, Any]
    unwrapped = "fields"


def written(route: Route, known: Known, *, context: str, limit: int | None = None) -> bytes:
    """The document of a part as it is known now."""
    warnings = [*getattr(known.value, "notes", ()), *_of_figures(known.value), *what_is_missing(known, route.part)]
    result = unknown(route, known) if known.value is None else known.value
    return document(route.words, result, context=context, warnings=warnings, took_ms=known.took_ms, limit=limit)


def status_of(route: Route, known: Known) -> int:
    """200; 503 for a health that failed, or is not known."""
    if route.part != "health":
        return 200
    return 200 if isinstance(known.value, Diagnosis) and known.value.status != "fail" and known.error is None else 503


def unknown(route: Route, known: Known) -> Unanswered:
    """The fields of the result: lists empty, every figure null, and in `unanswered` why."""
    why = known.error.message if known.error is not None else "asked now, and there is no answer yet"
    return Unanswered({**_empty(route.answers), "unanswered": [f"{route.part}: {why}"]})


@cache
def _empty(answers: str) -> dict[str, Any]:
    return {field.name: [] if _is_list(field) else None for field in dataclasses.fields(result_type(answers))}


def _is_list(field: dataclasses.Field[Any]) -> bool:
    return str(field.type).startswith("tuple[")


def result_type(answers: str) -> Any:
    """The dataclass of `module:Name`."""
    module, _, name = answers.partition(":")
    return getattr(importlib.import_module(module), name)


def _of_figures(value: object) -> tuple[str, ...]:
    unanswered: tuple[str, ...] = getattr(value, "unanswered", ())
    return (f"no answer from {' and '.join(unanswered)}: its figures are missing",) if unanswered else ()
