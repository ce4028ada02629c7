"""A baseline as a file: JSON that a repository can hold, with a line a field, so that a change can be read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from perfctl.db.baselines.recording import FORM
from perfctl.db.model.baselines import Access, Baseline, PlannedQuery, TableSize
from perfctl.errors import UsageError

SCHEMA = "perfctl.baseline"


def store(baseline: Baseline, path: Path) -> None:
    """Write it whole or not at all. UsageError where the place cannot be written."""
    data = {"schema": f"{SCHEMA}/{FORM}", **asdict(baseline), "recorded_at": baseline.recorded_at.isoformat()}
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        made.replace(path)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write the baseline {str(path)!r}: {error.strerror}",
            hint="name a file in a folder that is there and can be written",
        ) from error


def load(path: Path) -> Baseline:
    """Read it. UsageError says what is wrong with the file, and where."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read the baseline {str(path)!r}: {error.strerror}", hint=f"perfctl db baseline record {path}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _not_one(path, f"it is not JSON: {error}") from error
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith(f"{SCHEMA}/"):
        raise _not_one(path, f"it has no schema {SCHEMA}/{FORM}")
    if data["schema"] != f"{SCHEMA}/{FORM}":
        raise _not_one(path, f"its form is {data['schema']}, and this perfctl knows {SCHEMA}/{FORM}")
    try:
        return _baseline(data)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_one(path, f"{type(error).__name__}: {error}") from error


def _baseline(data: dict[str, Any]) -> Baseline:
    return Baseline(
        version=FORM,
        recorded_at=datetime.fromisoformat(data["recorded_at"]),
        server_version=str(data["server_version"]),
        database=str(data["database"]),
        settings={str(name): str(value) for name, value in data["settings"].items()},
        tables=tuple(_table(table) for table in data["tables"]),
        queries=tuple(_query(query) for query in data["queries"]),
    )


def _table(data: dict[str, Any]) -> TableSize:
    return TableSize(name=str(data["name"]), rows=float(data["rows"]), pages=int(data["pages"]))


def _access(data: dict[str, Any]) -> Access:
    indexes = tuple(map(str, data["indexes"]))
    return Access(relation=str(data["relation"]), is_sequential=bool(data["is_sequential"]), indexes=indexes)


def _query(data: dict[str, Any]) -> PlannedQuery:
    return PlannedQuery(
        fingerprint=str(data["fingerprint"]),
        query=str(data["query"]),
        is_generic=bool(data["is_generic"]),
        cost=float(data["cost"]),
        buffers=None if data["buffers"] is None else int(data["buffers"]),
        temp_blocks=None if data["temp_blocks"] is None else int(data["temp_blocks"]),
        rows=float(data["rows"]),
        shape=str(data["shape"]),
        accesses=tuple(_access(access) for access in data["accesses"]),
        error=None if data["error"] is None else str(data["error"]),
    )


def _not_one(path: Path, reason: str) -> UsageError:
    return UsageError(f"{str(path)!r} is no baseline: {reason}", hint="make one with perfctl db baseline record FILE")
