"""All of schemathesis's own checks against `perfctl serve`: boundary values, then what it can think of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign import SOAKS
from tests.conftest import RunningSandbox
from tests.integration.api.test_serve import TOKEN, serving

CASES = 2000
"""Of each operation, besides those of the schema's bounds."""
CONFIG = """\
[checks]
# what a schema allows may still be refused: a path without a slash, a statement that writes, a body over 1 MB
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 413, 422, 429]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]
"""


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.skipif(not SOAKS, reason="a campaign: make soak runs it")
@pytest.mark.timeout(7200)
def test_every_check_of_schemathesis_passes(sandbox: RunningSandbox, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    home = {
        **sandbox.home,
        "PERFCTL_API__REQUESTS_PER_MINUTE": "0",
        "PERFCTL_API__AUDIT_FILE": str(tmp_path / "audit"),
    }
    with (tmp_path / "log").open("w") as log, serving(home, "-c", sandbox.name, errors=log) as (_, url):
        ran = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml", "run"),
                *(f"{url}/docs/performance/openapi.json", "--checks", "all", "--mode", "all"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", str(CASES), "--continue-on-failure"),
                *(
                    "--header",
                    f"Authorization: Bearer {TOKEN}",
                    "--suppress-health-check",
                    "all",
                    "--request-timeout",
                    "60",
                ),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2000:]
    assert (tmp_path / "audit").read_text().count('"outcome": "done"') > CASES / 10
