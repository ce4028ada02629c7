"""The example for a CI: its own commands let a query through, and stop it when it was slowed down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

FOLDER = Path(__file__).parents[3] / "docs" / "examples" / "ci"
JOB = yaml.safe_load((FOLDER / "github.yml").read_text())["jobs"]["gate"]
STEPS = {step["id"]: step["run"] for step in JOB["steps"] if "id" in step}
SLOWED = "SELECT count(*) FROM generate_series(1, 100), pg_sleep(0.06)"


def run_job(sandbox: RunningSandbox, folder: Path, branch: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Every step of the gate, one after the other, as a runner would in a checkout of its own."""
    shutil.copy(FOLDER / "query_bench.py", folder)
    environment = {
        **sandbox.home,
        **JOB["env"],
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{sandbox.home.get('PATH', os.defpath)}",
        "PERFCTL_CONTEXT": sandbox.name,
        "PERFCTL_METRICS__HISTORY_FILE": str(folder / "history.sqlite"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "BRANCH": branch,
    }
    return {
        name: subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        for name, line in STEPS.items()
    }


@pytest.mark.parametrize(("branch", "code", "verdict"), [(JOB["env"]["BRANCH"], 0, "pass"), (SLOWED, 1, "breach")])
def test_the_gate_of_the_example_stops_a_slowed_query(
    sandbox: RunningSandbox, tmp_path: Path, branch: str, code: int, verdict: str
) -> None:
    ran = run_job(sandbox, tmp_path, branch)
    for name in ("compare", "check"):
        assert ran[name].returncode == code, (name, ran["measure"].stderr, ran[name].stdout, ran[name].stderr)
        assert verdict in ran[name].stdout
        assert ("::error" in ran[name].stderr) == (code == 1)
    assert "perfctl metrics compare" in (tmp_path / "summary.md").read_text()
