"""What EXPLAIN's text says below the nodes: planning, triggers, JIT, serialization, the times of the whole."""

from __future__ import annotations

import re
from typing import Any

from perfctl.db.plans.text_lines import LONGEST, NoValueError, Values, assigned, buffers_in, settings_of

_TRIGGER = re.compile(
    r"Trigger (?:for constraint (?P<only>.+?)|(?P<name>.+?)(?: for constraint (?P<constraint>.+?))?)"
    r"(?: on (?P<relation>\S+))?: (?:time=(?P<time>\d+\.\d+) )?calls=(?P<calls>\d+(?:\.\d+)?)"
)
_SPENT = re.compile(r"(\w+) (\d+\.\d+) ms(?: \(Deform (\d+\.\d+) ms\))?")
_MILLISECONDS = re.compile(r"(\d+(?:\.\d+)?) ms")
SECTIONS = ("Planning", "JIT", "Serialization")
"""What is followed by lines of its own."""


def top_value(line: str) -> Values | None:
    """What a line at the plan's own margin says; None where it is none of EXPLAIN's."""
    key, colon, text = line.partition(":")
    text = text.strip()
    if len(line) > LONGEST and key != "Settings":
        raise NoValueError(f"it is longer than {LONGEST} characters")
    if line.startswith("Trigger "):
        return {"Triggers": [_trigger(line)]}
    if not colon:
        return None
    if key in ("Planning Time", "Execution Time", "Total runtime"):
        return {"Execution Time" if key == "Total runtime" else key: _milliseconds(text)}
    if key == "Settings":
        return {"Settings": settings_of(text)}
    if key == "Query Identifier":
        return {key: text}
    if key == "Serialization":
        return {key: _serialization(text)}
    return {key: {}} if key in ("Planning", "JIT") and not text else None


def section_value(section: str, line: str) -> Values:
    """What a line under `Planning:`, `JIT:` or `Serialization:` says."""
    key, _, text = line.partition(":")
    text = text.strip()
    if len(text) > LONGEST:
        raise NoValueError(f"it is longer than {LONGEST} characters")
    if key == "Buffers":
        return buffers_in(key, text)
    if key == "Memory":
        found = assigned(text)
        return {"Memory Used": found.get("used"), "Memory Allocated": found.get("allocated")}
    if section == "JIT":
        return _jit(key, text)
    return {}


def _trigger(line: str) -> Values:
    found = _TRIGGER.fullmatch(line)
    if found is None:
        raise NoValueError("such as Trigger t: time=0.1 calls=2")
    named = {
        "Trigger Name": found["name"],
        "Constraint Name": found["only"] or found["constraint"],
        "Relation": found["relation"],
        "Time": float(found["time"]) if found["time"] else None,
        "Calls": float(found["calls"]),
    }
    return {name: value for name, value in named.items() if value is not None}


def _milliseconds(text: str) -> float:
    found = _MILLISECONDS.fullmatch(text)
    if found is None:
        raise NoValueError("such as 0.123 ms")
    return float(found[1])


def _serialization(text: str) -> Values:
    found = assigned(text)
    if "output" not in found:
        raise NoValueError("such as time=0.1 ms  output=2kB  format=text")
    form = re.search(r"format=(\w+)", text)
    timed = {"Time": found["time"]} if "time" in found else {}
    return {**timed, "Output Volume": found["output"], "Format": form[1] if form else "text"}


def _jit(key: str, text: str) -> Values:
    if key == "Functions":
        if not text.isdigit():
            raise NoValueError("a number")
        return {"Functions": int(text[:18])}
    if key == "Options":
        return {key: {name: said == "true" for name, said in re.findall(r"(\w+) (true|false)", text)}}
    if key == "Timing":
        return {key: _timing(text)}
    return {}


def _timing(text: str) -> Values:
    timing: dict[str, Any] = {}
    for step, spent, deform in _SPENT.findall(text):
        timing[step] = {"Deform": float(deform), "Total": float(spent)} if deform else float(spent)
    return timing
