"""QuickJS as CloudFront Functions know it: 2 MB, a time limit, no way out."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from perfctl.cdn.edge.model import Fault
from perfctl.errors import MissingExtraError

MEMORY_BYTES = 2 * 1024 * 1024
_MODULES = ("cloudfront", "crypto", "querystring", "buffer")
_IMPORT = re.compile(r"^([ \t]*)import\s+([\w$]+)\s+from\s+(['\"])(\w+)\3[ \t]*;?", re.MULTILINE)


class ScriptError(Exception):
    """The script threw, or reached a limit: `fault` says which, `line` where, where that is known."""

    def __init__(self, reason: str, *, fault: Fault = "execution", line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault
        self.line = line


@dataclass(frozen=True, slots=True)
class Returned:
    """A result as JSON text, what it cost in CPU time, what was logged."""

    text: str
    took_us: float
    logs: tuple[str, ...]


class JavaScript:
    """One context with one function in it; calls share its globals, as they may at CloudFront."""

    def __init__(self, source: str, *, handler: str, version: str, store: dict[str, str], limit_ms: float) -> None:
        try:
            import quickjs
        except ModuleNotFoundError as error:
            raise MissingExtraError("edge", needed_for="running a CloudFront Function") from error
        self._failed: type[Exception] = quickjs.JSException
        self._context = quickjs.Context()
        self._limit_ms = limit_ms
        prelude = files("perfctl.cdn.edge.running").joinpath("prelude.js").read_text()
        make: Any = self._context.eval(prelude)
        self._call: Any = make(version, json.dumps(store))
        self._context.set_memory_limit(self._context.memory()["memory_used_size"] + MEMORY_BYTES)
        self._context.set_max_stack_size(256 * 1024)
        self._context.set_time_limit(max(limit_ms, 1000) / 1000)
        self._guarded(lambda: self._context.eval('"use strict";' + imported(source)))
        self._context.set_time_limit(limit_ms / 1000)
        self._handler = handler

    def call(self, event: str) -> Returned:
        """Call the handler with an event, as JSON text. ScriptError where it fails."""
        started = time.thread_time_ns()
        text = self._guarded(lambda: self._call(self._handler, event))
        took = (time.thread_time_ns() - started) / 1000
        answer = json.loads(text)
        if "error" in answer:
            raise ScriptError(answer["error"], line=_line(answer.get("stack", "")))
        return Returned(answer.get("result", "null"), took, tuple(answer["logs"]))

    def _guarded(self, work: Any) -> Any:
        try:
            return work()
        except self._failed as error:
            raise _problem(str(error), self._limit_ms) from error


def imported(source: str) -> str:
    """The source with its import lines of built-in modules as calls; lines stay where they are.

    >>> imported("import cf from 'cloudfront';")
    "const cf = require('cloudfront');"
    """
    return _IMPORT.sub(lambda found: f"{found[1]}const {found[2]} = require('{found[4]}');", source)


def _problem(text: str, limit_ms: float) -> ScriptError:
    reason = text.partition("\n")[0]
    if "interrupted" in reason:
        return ScriptError(f"it ran longer than {limit_ms:g} ms", fault="limit")
    if reason in ("null", "InternalError: out of memory"):
        return ScriptError("it used more than 2 MB of memory", fault="limit")
    return ScriptError(reason, line=_line(text))


def _line(stack: str) -> int | None:
    found = re.search(r"<input>:(\d+)", stack)
    return int(found[1]) if found else None
