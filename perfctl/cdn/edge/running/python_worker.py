"""The process in which a Lambda@Edge function for Python runs: lines of JSON in, lines of JSON out.

It is started as a file, isolated, and imports nothing of perfctl: the function sees what it would see at Lambda.
"""

import importlib.util
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""
MOST_REPLY = 6_291_556
MOST_LOGS = 262_144
OWN_BYTES = 48 * 1024 * 1024
"""What Python and this file need themselves."""


class Context:
    """What Lambda hands a function beside the event."""

    def __init__(self, fields: dict[str, str], deadline: float) -> None:
        self.function_name = fields["functionName"]
        self.function_version = fields["functionVersion"]
        self.invoked_function_arn = fields["invokedFunctionArn"]
        self.memory_limit_in_mb = fields["memoryLimitInMB"]
        self.aws_request_id = fields["awsRequestId"]
        self.log_group_name = fields["logGroupName"]
        self.log_stream_name = fields["logStreamName"]
        self.identity = None
        self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(self._deadline - time.time() * 1000))


class Program:
    """The function, once it is loaded."""

    def __init__(self, first: dict[str, Any]) -> None:
        self.root: str = first["root"]
        self.handler: Callable[[Any, Context], Any] | None = None
        size = first["memory_mb"] * 1024 * 1024 + OWN_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        self._first = first

    def load(self) -> dict[str, Any]:
        sys.path.insert(0, self.root)
        name = Path(self._first["file"]).stem
        spec = importlib.util.spec_from_file_location(name, self._first["file"])
        if spec is None or spec.loader is None:
            return {"error": f"{self._first['file']} is not a Python file"}
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        handler = getattr(module, self._first["handler"], None)
        if not callable(handler):
            return {"error": f"there is no function {self._first['handler']!r} in it"}
        self.handler = handler
        return {"result": None}

    def call(self, message: dict[str, Any]) -> dict[str, Any]:
        if self.handler is None:
            return self.load()
        result = self.handler(message["event"], Context(message["context"], message["deadline"]))
        close = getattr(result, "close", None)
        if callable(close) and hasattr(result, "cr_code"):
            close()
            return {"unserializable": "a coroutine: Lambda does not await the handlers of Python"}
        return {"result": result}

    def told(self, error: BaseException) -> dict[str, Any]:
        """What went wrong, and the innermost line of the function's own that it came through."""
        if isinstance(error, MemoryError):
            return {"limit": f"it needs more than {self._first['memory_mb']} MB of memory"}
        if isinstance(error, SystemExit):
            return {"error": f"it ended the process: sys.exit({error.code!r})"}
        where = None
        if isinstance(error, SyntaxError) and error.filename:
            where = f"{error.filename}:{error.lineno}"
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(self.root):
                where = f"{frame.f_code.co_filename}:{line}"
        try:
            said = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - the function's own error cannot even be written
            said = type(error).__name__
        return {"error": said[:4096], "where": where}


class Tape(io.TextIOBase):
    """What the function prints, up to a limit."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._size < MOST_LOGS:
            self._parts.append(text[:MOST_LOGS])
        self._size += len(text)
        return len(text)

    def taken(self) -> list[str]:
        lines = [line for line in "".join(self._parts).split("\n") if line]
        self._parts, self._size = [], 0
        return lines


def encoded(reply: dict[str, Any], logs: list[str]) -> bytes:
    try:
        text = json.dumps({**reply, "logs": logs})
    except (TypeError, ValueError, RecursionError) as error:
        text = json.dumps({"unserializable": str(error), "logs": logs})
    if len(text) > MOST_REPLY:
        told = f"the response has more than the {MOST_REPLY} bytes that Lambda returns"
        text = json.dumps({"error": told, "logs": []})
    return text.encode() + b"\n"


def end_with_parent() -> None:
    """On Linux, be killed when who started us ends: a function that hangs does not see its stdin close."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    end_with_parent()
    replies = os.fdopen(int(os.environ.pop("REPLY_FD")), "wb", buffering=0)
    messages = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    tape = sys.stdout = sys.stderr = Tape()
    program = Program(json.loads(messages.readline()))
    reply = attempted(program, program.load)
    while True:
        text = memoryview(encoded(reply, tape.taken()))
        while text:
            text = text[replies.write(text) :]
        line = messages.readline()
        if not line:
            return
        reply = attempted(program, program.call, json.loads(line))


def attempted(program: Program, work: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    try:
        return work(*given)
    except BaseException as error:  # noqa: BLE001 - whatever a function raises is told
        return program.told(error)


if __name__ == "__main__":
    main()
