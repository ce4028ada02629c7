"""What of a run is compared: its CPU time, its time by the clock, or a number that it prints as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from perfctl.config.fault import did_you_mean, shortened
from perfctl.errors import UsageError
from perfctl.metrics.comparing.running import OUTPUT_LIMIT, Took

OWN = ("cpu", "wall")
"""What needs no output of the command."""


def measured(took: Took, measure: str, name: str) -> float:
    """The number that is compared, above 0. UsageError where there is none."""
    if measure in OWN:
        value = took.cpu_seconds if measure == "cpu" else took.wall_seconds
    else:
        value = _number(_found(_document(took.output, name), measure, name), measure, name)
    if not (math.isfinite(value) and value > 0):
        raise UsageError(
            f"{name}: {measure} is {value:g}, and only numbers above 0 can be compared",
            hint="let the command do more, or measure something else",
            where="--measure",
        )
    return value


def unit_of(measure: str) -> str:
    """The unit of what is compared: seconds, or whatever the command prints."""
    return "s" if measure in OWN else ""


def _document(output: bytes, name: str) -> Any:
    """The whole output, else its last line that is JSON."""
    if len(output) >= OUTPUT_LIMIT:
        raise UsageError(f"{name}: it prints too much to be read", hint="print less", where=f"--{name}")
    text = output.decode("utf-8", errors="replace")
    for part in (text, *reversed(text.splitlines())):
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    raise UsageError(
        f"{name}: it prints no JSON that --measure could read a number from",
        hint="add -o json to a command of perfctl; or --measure cpu",
        where="--measure",
    )


def _found(document: Any, path: str, name: str) -> Any:
    """`data.rows.0.mean_ms`: names of objects and places of lists."""
    for part in path.split("."):
        if isinstance(document, list) and part.isascii() and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            raise UsageError(
                f"{name}: there is no {shortened(part)} in what it prints ({path})",
                hint=_near(document, part),
                where="--measure",
            )
    return document


def _near(document: Any, part: str) -> str:
    if isinstance(document, dict) and document:
        return did_you_mean(part, [str(key) for key in list(document)[:40]])
    if isinstance(document, list):
        return f"it is a list of {len(document)}: write a place from 0 on"
    return "the path ends before it"


def _number(value: Any, path: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{name}: {path} is no number", hint="name a number", where="--measure")
    return float(value)
