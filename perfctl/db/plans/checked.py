"""Values of a plan's JSON form, taken with their type checked: an error says at which path the plan is not one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from perfctl.errors import UsageError

_LARGEST = 1e300
"""More than any figure of a plan; sums and products of what is below stay finite."""


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, Mapping):
        raise not_a_plan(where, f"is {shown(value)}, not an object")
    return value


def sequence(value: object, where: str) -> list[Any]:
    """A list; YAML writes an empty one as nothing."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise not_a_plan(where, f"is {shown(value)}, not a list")
    return value


def text(node: Mapping[str, Any], name: str, where: str) -> str | None:
    """A text, or None where there is none."""
    value = node.get(name)
    if value is not None and not isinstance(value, str):
        raise not_a_plan(f"{where}.{name}", f"is {shown(value)}, not a text")
    return value


def texts(node: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """A list of texts; one text alone is a list of it."""
    value = node.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(written(item) for item in sequence(value, f"{where}.{name}"))


def number(node: Mapping[str, Any], name: str, where: str) -> float | None:
    """A number of at least 0, or None where there is none."""
    value = node.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _LARGEST:
        raise not_a_plan(f"{where}.{name}", f"is {shown(value)}, not a number of at least 0")
    return float(value)


def whole(node: Mapping[str, Any], name: str, where: str) -> int | None:
    """A number of at least 0 without its fraction, or None where there is none."""
    value = number(node, name, where)
    return None if value is None else int(value)


def total(node: Mapping[str, Any], names: Iterable[str], where: str) -> float | None:
    """The sum of those that are there, or None where none is."""
    found = [value for name in names if (value := number(node, name, where)) is not None]
    return sum(found) if found else None


def truth(node: Mapping[str, Any], name: str) -> bool | None:
    """True or False, or None where there is neither."""
    value = node.get(name)
    return value if isinstance(value, bool) else None


def written(value: object) -> str:
    """A text as it is; anything else as a message would show it."""
    return value if isinstance(value, str) else shown(value)


def shown(value: object) -> str:
    """The value for a message, cut short."""
    if isinstance(value, (list, dict)) and value:
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a number of more than 40 digits"
    written = repr(value)
    return written if len(written) <= 40 else written[:39] + "…"


def not_a_plan(where: str, what: str) -> UsageError:
    """The error for what stands at that path."""
    place = where if len(where) <= 120 else f"{where[:60]} … {where[-50:]}"
    return UsageError(f"the plan's {place} {what}", hint="make it with EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)")
