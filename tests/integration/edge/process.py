"""The local CloudFront as a process, a viewer of its edge and a boto3 client of its control plane."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

KEY = "AKIASANDBOXEXAMPLE00"
DISTRIBUTION = "ESANDBOXEXAMPLE"
COMPLETION_SECONDS = 30.0
"""Long enough that only a moved clock completes an invalidation."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a viewer got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def x_cache(self) -> str:
        return self.headers.get("x-cache", "").removesuffix(" from cloudfront")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class EdgeProcess:
    """A running local CloudFront."""

    process: subprocess.Popen[bytes]
    control_port: int
    edge_port: int
    origin_port: int
    folder: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    def get(self, path: str, *, method: str = "GET", body: bytes | None = None, **fields: str) -> Reply:
        """Ask the edge; a field's `_` is a `-`."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return ask(self.edge_port, method, path, headers, body)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Ask a reserved path of the control port, which must like it."""
        reply = ask(self.control_port, method, f"/_perfctl/{path}", {}, json.dumps(body or {}).encode())
        assert reply.status == 200, reply.body
        return reply.json

    def advance(self, seconds: float) -> None:
        self.admin("POST", "clock", {"advance_seconds": seconds})


def ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@contextlib.contextmanager
def running(folder: Path, *, completion_seconds: float = COMPLETION_SECONDS) -> Iterator[EdgeProcess]:
    """Start it, wait until it is ready, and end it; it has printed nothing."""
    control, edge, origin = free_ports(3)
    words = [
        *(sys.executable, "-m", "perfctl.sandbox.edge"),
        *("--control-port", str(control), "--edge-port", str(edge), "--origin-port", str(origin)),
        *("--state-dir", str(folder / "state"), "--log-dir", str(folder / "logs")),
        *("--distribution-id", DISTRIBUTION, "--access-key", KEY),
        *("--completion-seconds", str(completion_seconds)),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until_ready(control, process)
        yield EdgeProcess(process, control, edge, origin, folder)
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=10)
    assert printed == b""


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/_perfctl/ready", {}).status == 200:
                return
        time.sleep(0.02)
    raise AssertionError(f"not ready; exit code {process.poll()}")


@overload
def client(
    service: Literal["cloudfront"], endpoint: str, *, key: str = ..., retries: int = ..., region: str = ...
) -> CloudFrontClient: ...
@overload
def client(
    service: Literal["lambda"], endpoint: str, *, key: str = ..., retries: int = ..., region: str = ...
) -> LambdaClient: ...
@overload
def client(
    service: Literal["logs"], endpoint: str, *, key: str = ..., retries: int = ..., region: str = ...
) -> Any: ...
@overload
def client(
    service: Literal["s3"], endpoint: str, *, key: str = ..., retries: int = ..., region: str = ...
) -> S3Client: ...
@overload
def client(
    service: Literal["sts"], endpoint: str, *, key: str = ..., retries: int = ..., region: str = ...
) -> STSClient: ...
def client(service: Any, endpoint: str, *, key: str = KEY, retries: int = 1, region: str = "us-east-1") -> Any:
    """A boto3 client that tries `retries` times."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key="not-checked",
        region_name=region,
        config=Config(retries={"total_max_attempts": retries, "mode": "standard"}, read_timeout=20),
    )
