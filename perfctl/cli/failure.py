"""An error becomes three lines on stderr (or one JSON document) and an exit code."""

from __future__ import annotations

import json
import sys
from typing import Any

from perfctl.errors import PerfctlError


def report(error: PerfctlError, *, as_json: bool) -> int:
    """Say what failed, where it was set and what to try; return the exit code."""
    sys.stderr.write(_document(error) if as_json else _lines(error))
    return error.exit_code


def error_fields(error: PerfctlError) -> dict[str, Any]:
    """The error as `{"error": ...}` holds it, in the CLI and over HTTP."""
    return {
        "code": error.exit_code,
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "where": error.where,
    }


def _document(error: PerfctlError) -> str:
    return json.dumps({"error": error_fields(error)}, ensure_ascii=False) + "\n"


def _lines(error: PerfctlError) -> str:
    lines = [f"error: {error.message}"]
    if error.where:
        lines.append(f"  set by: {error.where}")
    if error.hint:
        lines.append(f"  try:    {error.hint}")
    return "\n".join(lines) + "\n"
