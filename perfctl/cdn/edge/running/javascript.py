"""QuickJS as CloudFront Functions know it: 2 MB, a time limit, no way out.

It is for a process that may end: QuickJS does not look at its clock inside of a regular expression or of a built-in's
loop, and a few programs crash it. `function_worker` is that process.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perfctl.errors import MissingExtraError

MEMORY_BYTES = 2 * 1024 * 1024
LOAD_MS = 1_000.0
_STACK_BYTES = 256 * 1024
_OURS_FROM = 20_000
"""Lines from here on are ours, in a stack; a function of 10 KB has fewer."""
_IMPORT = re.compile(r"^([ \t]*)import\s+([\w$]+)\s+from\s+(['\"])([\w:]+)\3[ \t]*;?", re.MULTILINE)
_NAMED_IMPORT = re.compile(r"^([ \t]*)import\s+(\{[\w$,\s]+\})\s+from\s+(['\"])([\w:]+)\3[ \t]*;?", re.MULTILINE)


class JavaScript:
    """One context with one function in it; calls share its globals, as they may at CloudFront.

    A reply has a `result`, or an `error` with its `line`, or a `limit`, or what is `unserializable`; and `logs`.
    """

    def __init__(
        self, source: str, *, handler: str, version: str, store: Mapping[str, str] | None, limit_ms: float
    ) -> None:
        self._source = source
        self._handler_name = handler
        self._version = version
        self._store = json.dumps(store)
        self._limit_ms = limit_ms
        self._call: Callable[..., str] | None = None
        self._context: Any = None
        self._failed: type[Exception] = Exception

    def load(self) -> dict[str, Any]:
        """Evaluate the source in a new context; the reply has an `error` where it does not load."""
        try:
            import quickjs
        except ModuleNotFoundError as error:
            raise MissingExtraError("edge", needed_for="running a CloudFront Function") from error
        self._failed = quickjs.JSException
        context = quickjs.Context()
        context.set_max_stack_size(_STACK_BYTES)
        call = context.eval(_program(self._version, self._store))
        context.set_memory_limit(context.memory()["memory_used_size"] + MEMORY_BYTES)
        context.set_time_limit(LOAD_MS / 1000)
        self._context = context
        try:
            context.eval('"use strict";' + imported(self._source))
            handler = context.eval(f"typeof {self._handler_name} === 'function' ? {self._handler_name} : undefined")
        except self._failed as error:
            return _problem(str(error), LOAD_MS)
        if handler is None:
            return {"error": f"there is no function {self._handler_name!r} in it", "line": None, "logs": []}
        context.set_time_limit(self._limit_ms / 1000)
        self._call = lambda event, now: call(handler, event, now)
        return {"result": None, "logs": []}

    def call(self, event: str, *, now_ms: float = 0) -> tuple[str, float]:
        """Call the handler with an event, at a time of its clock (0: now): the reply as JSON text, and its CPU us."""
        if self._call is None:
            failure = self.load()
            if self._call is None:
                return json.dumps(failure), 0.0
        started = time.thread_time_ns()
        try:
            text = self._call(event, now_ms) or self._settled(started)
        except self._failed as error:
            reply = _problem(str(error), self._limit_ms)
            text = json.dumps(reply)
            self._forget(reply)
        else:
            if text.startswith('{"error"'):
                told = json.loads(text)
                reply = _problem(f"{told['error']}\n{told.get('stack', '')}", self._limit_ms)
                text = json.dumps({**reply, "logs": told["logs"]})
                self._forget(reply)
        return text, (time.thread_time_ns() - started) / 1000

    def _forget(self, reply: dict[str, Any]) -> None:
        """After a limit nobody knows what the context holds: the next call gets a new one."""
        if "limit" in reply:
            self._call = self._context = None

    def _settled(self, started: int) -> str:
        """The reply of a promise, once all that was to be done for it is done."""
        assert self._call is not None  # noqa: S101 - it has just been called
        while self._context.execute_pending_job():
            if time.thread_time_ns() - started > self._limit_ms * 1e6:
                raise self._failed("InternalError: interrupted")
        return self._call(None, None) or '{"error":"its promise never settles","logs":[]}'


def imported(source: str) -> str:
    """The source with its import lines of built-in modules as calls; lines stay where they are.

    >>> imported("import cf from 'cloudfront';")
    "const cf = require('cloudfront');"
    """
    for line in (_IMPORT, _NAMED_IMPORT):
        source = line.sub(lambda found: f"{found[1]}const {found[2]} = require('{found[4]}');", source)
    return source


def _program(version: str, store: str) -> str:
    here = Path(__file__).parent
    prelude, modules = ((here / name).read_text(encoding="utf-8") for name in ("prelude.js", "modules.js"))
    return "\n" * _OURS_FROM + f"{prelude.rstrip()}({json.dumps(version)}, {store}, {modules.strip()})"


def _problem(text: str, limit_ms: float) -> dict[str, Any]:
    reason = text.partition("\n")[0]
    if reason == "InternalError: interrupted":
        return {"limit": f"it ran longer than {limit_ms:g} ms", "logs": []}
    if reason in ("null", "InternalError: out of memory"):
        return {"limit": "it needs more than 2 MB of memory", "logs": []}
    lines = (int(line) for line in re.findall(r"<input>:(\d+)", text))
    return {"error": reason, "line": next((line for line in lines if line < _OURS_FROM), None), "logs": []}
