"""The gate of every check: from which status on the exit code is 1."""

from __future__ import annotations

import pytest

from perfctl.cli.chosen import GlobalOptions
from perfctl.cli.gate import Severity, gated
from perfctl.cli.run import Run
from perfctl.diagnosis import Check, Status, diagnose


@pytest.mark.parametrize(
    ("status", "fail_on", "code"),
    [("pass", "warn", 0), ("warn", "fail", 0), ("warn", "warn", 1), ("fail", "fail", 1), ("fail", "warn", 1)],
)
def test_the_exit_code_is_1_from_the_named_status_on(status: Status, fail_on: str, code: int) -> None:
    run = Run(GlobalOptions(), ("cache", "check"))
    diagnosis = diagnose([Check("cache", "x", status, "seen"), Check("cache", "y", "off", "not there")])
    assert gated(run, diagnosis, Severity(fail_on)) == diagnosis
    assert run.exit_code == code
