"""Tables of tests beside a function: `NAME.tests.yaml` (or .json), read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perfctl.cdn.edge.model import EdgeRequest, EdgeResponse, Pairs
from perfctl.errors import UsageError

ENDINGS = (".tests.yaml", ".tests.yml", ".tests.json")

_FILE = ("budget_percent", "budget_us", "fresh", "tests")
_TEST = ("name", "event", "request", "response", "expect", "budget_percent", "budget_us", "now", "fresh")
_REQUEST = ("method", "uri", "querystring", "headers", "client_ip", "body", "origin")
_RESPONSE = ("status", "description", "headers", "body")
_EXPECT = ("request", "response", "error", "logs")


@dataclass(frozen=True, slots=True)
class TableTest:
    """One test: an event, or what to make it of, and what is to come of it."""

    name: str
    event: Mapping[str, Any] | None
    request: EdgeRequest
    response: EdgeResponse
    expected: Mapping[str, Any]
    """Of `request` and `response` the fields that count; `error` and `logs` hold a text that must occur."""
    budget_percent: int | None
    budget_us: float | None
    now_ms: float | None
    is_fresh: bool
    """Whether it is run once, in a context or process of its own: no global of another call is there."""


def table_of(function: Path) -> Path | None:
    """The table beside a function's file or folder, or in the folder; None where there is none."""
    name = function.stem if function.is_file() else function.name
    places = [function.parent / f"{name}{ending}" for ending in ENDINGS]
    if function.is_dir():
        places += [function / f"{name}{ending}" for ending in ENDINGS]
    return next((place for place in places if place.is_file()), None)


def read_table(path: Path) -> tuple[TableTest, ...]:
    """The tests of a file. UsageError names what is not understood, with its place in the file."""
    content = _parsed(path)
    file = _object(content, _FILE, str(path))
    tests = file.get("tests")
    if not isinstance(tests, list) or not tests:
        raise UsageError(
            f"{path}: it has no tests", hint="tests: is a list of {name, request, expect}", where=str(path)
        )
    return tuple(_test(one, file, f"{path}: test {number}") for number, one in enumerate(tests, 1))


def _test(content: Any, file: Mapping[str, Any], where: str) -> TableTest:
    test = _object(content, _TEST, where)
    name = str(test.get("name") or where)
    expected = _object(test.get("expect"), _EXPECT, f"{where} ({name}): expect")
    for part, keys in (("request", _REQUEST), ("response", _RESPONSE)):
        if part in expected:
            _object(expected[part], keys, f"{where} ({name}): expect.{part}")
    percent, most = (test.get(key, file.get(key)) for key in ("budget_percent", "budget_us"))
    return TableTest(
        name=name,
        event=_object(test["event"], None, f"{where} ({name}): event") if "event" in test else None,
        request=_request(test.get("request", {}), f"{where} ({name}): request"),
        response=_response(test.get("response", {}), f"{where} ({name}): response"),
        expected=expected,
        budget_percent=None if percent is None else int(_number(percent, f"{where} ({name}): budget_percent")),
        budget_us=None if most is None else _number(most, f"{where} ({name}): budget_us"),
        now_ms=_moment(test["now"], f"{where} ({name}): now") if "now" in test else None,
        is_fresh=bool(test.get("fresh", file.get("fresh", False))),
    )


def _request(content: Any, where: str) -> EdgeRequest:
    fields = _object(content, _REQUEST, where)
    plain = EdgeRequest()
    uri, mark, query = str(fields.get("uri", plain.uri)).partition("?")
    return EdgeRequest(
        method=str(fields.get("method", plain.method)),
        uri=uri,
        querystring=str(fields.get("querystring", query if mark else "")),
        headers=_headers(fields.get("headers", {"host": plain_host()}), where),
        client_ip=str(fields.get("client_ip", plain.client_ip)),
        body=str(fields["body"]).encode() if "body" in fields else None,
        origin=dict(_object(fields["origin"], None, f"{where}.origin")) if "origin" in fields else None,
    )


def plain_host() -> str:
    """The host of a request that names none."""
    return "d111111abcdef8.cloudfront.net"


def _response(content: Any, where: str) -> EdgeResponse:
    fields = _object(content, _RESPONSE, where)
    status = fields.get("status", 200)
    if not isinstance(status, int):
        raise UsageError(f"{where}: status is {status!r}", hint="a number, such as 200", where=where)
    return EdgeResponse(status, str(fields.get("description", "OK")), _headers(fields.get("headers", {}), where))


def _headers(content: Any, where: str) -> Pairs:
    fields = _object(content, None, f"{where}.headers")
    return tuple(
        (str(name), str(value))
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _moment(value: Any, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise UsageError(f"{where}: {value!r} is not a time", hint="2026-01-31T12:00:00Z", where=where) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: {value!r} is not a number", hint="such as 40", where=where)
    return float(value)


def _object(content: Any, keys: Sequence[str] | None, where: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        said = "is missing" if content is None else f"is {type(content).__name__}"
        raise UsageError(f"{where} {said}", hint="write an object: KEY: VALUE lines", where=where)
    unknown = [key for key in content if keys is not None and key not in keys]
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", hint=f"there are {', '.join(keys or ())}", where=where)
    return content


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: it cannot be read: {error}", hint="save it as UTF-8", where=str(path)) from error
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise _unparsed(path, error.msg, error.lineno, error.colno) from error
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _unparsed(
            path, str(error.problem), mark.line + 1 if mark else 1, mark.column + 1 if mark else 1
        ) from error
    except yaml.YAMLError as error:
        raise _unparsed(path, str(error).partition("\n")[0], 1, 1) from error


def _unparsed(path: Path, said: str, line: int, column: int) -> UsageError:
    kind = "JSON" if path.suffix == ".json" else "YAML"
    hint = f"look at line {line}; a table is tests: and a list of {{name, request, expect}}"
    return UsageError(f"{path}: it is not {kind}: {said}", hint=hint, where=f"{path}:{line}:{column}")
