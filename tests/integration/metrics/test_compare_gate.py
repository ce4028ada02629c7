"""`metrics compare` with real commands: the gate beside a busy CPU, and Ctrl-C in the middle of a pair."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest

from tests.bench.compare_gate import measured_gate
from tests.cli.conftest import Started, start

__all__ = ["start"]

COMPARISONS = 300


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_gate_holds_beside_a_busy_cpu() -> None:
    gate = measured_gate(COMPARISONS, COMPARISONS)
    assert gate.alarms <= 0.01, gate.change
    assert gate.found >= 0.95, gate.change


def test_an_interruption_ends_the_command_with_all_that_it_started(start: Started, tmp_path: Path) -> None:
    """Each of them holds the pipe open: it ends when the last of them has ended, one that no SIGTERM ends as well."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = f"exec 3>{pipe}; (trap '' TERM; echo begun >&3; sleep 60) & sleep 60"
    run = start("metrics", "compare", "--a", command, "--b", "true")
    with pipe.open("rb", buffering=0) as held:
        assert held.read(6) == b"begun\n"
        run.send_signal(signal.SIGINT)
        assert run.communicate(timeout=60) == ("", "error: interrupted\n")
        ready, _, _ = select.select([held], [], [], 30)
        assert (run.returncode, ready, held.read(1)) == (130, [held], b"")
