"""perfctl as a process of its own, without the 0.2 seconds of imports that each start costs.

A server that has the imports behind it forks for each run: the child has the words, variables, folder and files of
`subprocess.run`, an exit code, and a life of its own. What measures or tests a start itself starts a real process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

IMPORTED = (
    *("perfctl.cli.process", "perfctl.cli.run", "perfctl.cli.command", "perfctl.optimizer", "typer", "redis.asyncio"),
    *("asyncpg", "botocore.session", "msgspec", "yaml", "perfctl.cache.engine", "perfctl.db.engine"),
    *("perfctl.cdn.engine", "perfctl.render.show", "perfctl.render.plain", "perfctl.cli.planner"),
)
_HEAD = struct.Struct("!I")
_PYTHON_VARIABLES = ("PYTHONWARNINGS", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONPATH", "LANG", "LC_ALL")
_servers: dict[tuple[int, tuple[str | None, ...]], tuple[str, subprocess.Popen[bytes]]] = {}
"""The address of the server for a process of tests and what its interpreter was started with."""


def run(
    words: tuple[str, ...], *, env: Mapping[str, str], cwd: str | Path, input: str | None = None, timeout: float = 100
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, "-m", "perfctl", *words], ...)` with captured texts; stdin is empty
    without `input`. TimeoutExpired after the process was killed.
    """
    arguments = [sys.executable, "-m", "perfctl", *words]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write((input or "").encode())
        files[0].seek(0)
        line = stack.enter_context(socket.socket(socket.AF_UNIX))
        line.connect(_server(env))
        request = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
        socket.send_fds(line, [_HEAD.pack(len(request))], [file.fileno() for file in files])
        line.sendall(request)
        pid = _HEAD.unpack(_received(line, _HEAD.size))[0]
        line.settimeout(timeout)
        try:
            status = _HEAD.unpack(_received(line, _HEAD.size))[0]
        except TimeoutError as error:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, timeout) from error
        for file in files:
            file.seek(0)
        texts = [file.read().decode() for file in files]
    return subprocess.CompletedProcess(arguments, os.waitstatus_to_exitcode(status), texts[1], texts[2])


def _server(env: Mapping[str, str]) -> str:
    key = (os.getpid(), tuple(env.get(name) for name in _PYTHON_VARIABLES))
    if key not in _servers:
        folder = tempfile.mkdtemp(prefix="perfctl-")
        address = str(Path(folder) / "line")
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(address)
        listening.listen(64)
        reading, writing = os.pipe()
        variables = {name: value for name, value in env.items() if name in (*_PYTHON_VARIABLES, "PATH", "HOME")}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.perfctl_process", str(listening.fileno()), str(reading)],
            env=variables,
            cwd=Path(__file__).parents[1],
            pass_fds=(listening.fileno(), reading),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        listening.close()
        os.close(reading)
        atexit.register(_end, writing, folder, process, os.getpid())
        _servers[key] = address, process
    return _servers[key][0]


def _end(writing: int, folder: str, process: subprocess.Popen[bytes], pid: int) -> None:
    if os.getpid() == pid:
        os.close(writing)
        process.wait(timeout=10)
        Path(folder, "line").unlink(missing_ok=True)
        Path(folder).rmdir()


def _received(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            raise ConnectionError("the server of processes is gone")
        data += part
    return data


# -- the server ---------------------------------------------------------------------------------------------------


def serve(listening: socket.socket, parent: int) -> None:
    """Fork for each that connects, until the parent is gone."""
    import importlib
    import select

    for name in IMPORTED:
        importlib.import_module(name)
    _read_models()
    while True:
        ready, _, _ = select.select([listening, parent], [], [], 1.0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if parent in ready:
            return
        if ready:
            line, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os.close(parent)
                _attend(line)
            line.close()


def _read_models() -> None:
    """Have botocore's descriptions of the services read once: each client reads megabytes of JSON anew."""
    from botocore.loaders import JSONFileLoader
    from botocore.session import get_session

    read, known = JSONFileLoader.load_file, {}

    def load_file(self: JSONFileLoader, path: str) -> object:
        if path not in known:
            known[path] = read(self, path)
        return known[path]

    JSONFileLoader.load_file = load_file  # type: ignore[method-assign]
    for service in ("cloudfront", "sts"):
        get_session().create_client(
            service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
        ).close()


def _attend(line: socket.socket) -> None:
    """Run one perfctl as our child, and tell its pid and how it ended."""
    head, files, _, _ = socket.recv_fds(line, _HEAD.size, 3)
    request = json.loads(_received(line, _HEAD.unpack(head)[0]))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(request, files)
    with contextlib.suppress(OSError):
        line.sendall(_HEAD.pack(pid))
        line.sendall(_HEAD.pack(os.waitpid(pid, 0)[1]))
    os._exit(0)


def _become(request: dict[str, object], files: list[int]) -> None:
    """The run itself; it does not come back."""
    import runpy
    import time

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[arg-type, call-overload]
    time.tzset()
    os.chdir(str(request["cwd"]))
    sys.argv = ["perfctl", *request["words"]]  # type: ignore[misc]
    sys.path[0] = str(request["cwd"])
    code: object = 70
    try:
        runpy.run_module("perfctl", run_name="__main__", alter_sys=True)
    except SystemExit as left:
        code = left.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
