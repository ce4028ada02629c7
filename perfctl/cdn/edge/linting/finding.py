"""One thing that is wrong with a function, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.edge.header_rules import is_disallowed, is_read_only
from perfctl.cdn.edge.model import EdgeFunction


@dataclass(frozen=True, slots=True)
class Finding:
    """Lines and columns begin with 1."""

    rule: str
    status: Literal["warn", "fail"]
    said: str
    line: int = 1
    column: int = 1
    fix: str | None = None


def of_header(function: EdgeFunction, name: str, *, on_request: bool | None, line: int, column: int) -> Finding | None:
    """What is wrong with a header that the source sets; `on_request` is None where one cannot tell on what."""
    if is_disallowed(name):
        return Finding("header", "fail", f"edge functions may not set the header {name}", line, column)
    matters = on_request is None or on_request == function.is_for_requests
    if matters and on_request is not None and is_read_only(function, name):
        said = f"the header {name} is read-only at {function.trigger}"
        return Finding("header", "fail", said, line, column)
    if name != name.lower():
        said = f"the header {name} is set under a name that is not in lower case"
        return Finding("header-case", "fail", said, line, column, f"write {name.lower()!r}")
    return None
