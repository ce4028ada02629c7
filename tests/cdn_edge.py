"""The sandbox's local CloudFront alone, as a process of a test: quick to start, with faults and a clock to move."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DISTRIBUTION_ID = "E1TESTEDGE0001"
ACCESS_KEY_ID = "AKIDTESTEDGE"
SECRET_ACCESS_KEY = "canary-secret-of-the-edge"
COMPLETION_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LocalEdge:
    """Where it listens."""

    control_url: str
    edge_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What lets perfctl, boto3 and the AWS CLI find it."""
        return {
            "AWS_ENDPOINT_URL_CLOUDFRONT": self.control_url,
            "AWS_ENDPOINT_URL_LAMBDA": self.control_url,
            "AWS_ENDPOINT_URL_LOGS": self.control_url,
            "AWS_ENDPOINT_URL_S3": self.control_url,
            "AWS_ENDPOINT_URL_STS": self.control_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CLOUDFRONT_DISTRIBUTION_ID": DISTRIBUTION_ID,
            "PERFCTL_EDGE_URL": self.edge_url,
        }

    def set_faults(self, **faults: object) -> None:
        """Replace what goes wrong; nothing given: all is well again."""
        self._ask("faults", faults)

    def advance(self, seconds: float) -> None:
        """Move the clock of TTLs and invalidations forward."""
        self._ask("clock", {"advance_seconds": seconds})

    def paid(self) -> int:
        """How many invalidation paths were accepted this month."""
        paid: int = self._ask("cost", None)["paths"]
        return paid

    def _ask(self, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.control_url}/_perfctl/{path}", data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def local_edge(folder: Path, *, completion_seconds: float = COMPLETION_SECONDS) -> Iterator[LocalEdge]:
    """A local CloudFront with one distribution, ended by its pid at the end."""
    control, edge, origin = _free_ports(3)
    words = [
        *("--control-port", str(control), "--edge-port", str(edge), "--origin-port", str(origin)),
        *("--state-dir", str(folder / "state"), "--log-dir", str(folder / "log")),
        *("--distribution-id", DISTRIBUTION_ID, "--access-key", ACCESS_KEY_ID),
        *("--completion-seconds", str(completion_seconds)),
    ]
    process = subprocess.Popen([sys.executable, "-m", "perfctl.sandbox.edge", *words])
    try:
        made = LocalEdge(f"http://127.0.0.1:{control}", f"http://127.0.0.1:{edge}")
        _wait_until_ready(made, process)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_ports(number: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()
    return ports


def _wait_until_ready(edge: LocalEdge, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{edge.control_url}/_perfctl/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("the local CloudFront did not become ready")
