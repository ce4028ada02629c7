"""A Redis or Valkey of one test alone, which it may freeze, kill and ask anything."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import hiredis
import pytest

from perfctl.sandbox.ports import settle
from perfctl.sandbox.valkey import find_server

PRODUCTS = ("valkey", "redis")


def program(product: str) -> Path:
    """The server's program; a test that needs Debian's redis-server is skipped without it."""
    if product == "valkey":
        return find_server()
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("SKIPPED LOUDLY: redis-server is not installed, so Redis itself was not tested: apt-get install it")
    return Path(found)


def free_port() -> int:
    """A port that nobody listens on, and that no outgoing connection takes before it is used."""
    return settle({}, ["free"])["free"]


class RedisServer:
    """A server without persistence on a port of its own. End it with `kill`."""

    def __init__(self, folder: Path, product: str = "valkey", *options: str) -> None:
        self.port = free_port()
        self._command = [str(program(product)), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", str(folder), "--enable-debug-command", "yes", *options]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(3000):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError("the server does not start")

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, without a word."""
        self.process.kill()
        self.process.wait()

    def call(self, *words: bytes | str | int) -> Any:
        """The reply to one command; an error of the server is raised as AssertionError."""
        with self.client() as client:
            return client.call(*words)

    @contextmanager
    def client(self) -> Iterator[RawClient]:
        """A plain connection for several commands."""
        with closing(RawClient(self.port)) as client:
            yield client


class RawClient:
    """A blocking connection that knows nothing of perfctl's drivers."""

    def __init__(self, port: int, host: str = "127.0.0.1", password: str | None = None) -> None:
        self._socket = socket.create_connection((host, port), 10)
        self._reader = hiredis.Reader()
        if password:
            self.call("AUTH", password)

    def call(self, *words: bytes | str | int) -> Any:
        """The reply to one command."""
        self._socket.sendall(hiredis.pack_command(words))
        while (reply := self._reader.gets()) is False:
            chunk = self._socket.recv(65536)
            assert chunk, "the server closed the connection"
            self._reader.feed(chunk)
        assert not isinstance(reply, hiredis.ReplyError), f"{words[:2]}: {reply}"
        return reply

    def close(self) -> None:
        """End it."""
        self._socket.close()


@contextmanager
def redis_server(folder: Path, product: str = "valkey", *options: str) -> Iterator[RedisServer]:
    """A server that is gone afterwards, whatever happened to it."""
    server = RedisServer(folder, product, *options)
    try:
        yield server
    finally:
        server.kill()
