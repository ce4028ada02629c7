"""`perfctl cdn queue` as a user runs it, on the local CloudFront: output, exit codes, a sender that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cdn_edge import LocalEdge, local_edge
from tests.conftest import Perfctl


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge"), completion_seconds=0.5) as made:
        yield made


@pytest.fixture
def env(edge: LocalEdge, tmp_path: Path) -> dict[str, str]:
    return {**edge.environment, "PERFCTL_STATE_DIR": str(tmp_path), "PERFCTL_CDN__QUEUE_WINDOW_SECONDS": "0.1"}


def _data(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    data: dict[str, Any] = json.loads(ran.stdout)["data"]
    return data


def test_what_is_queued_is_sent_once_by_a_drain_and_billed(
    perfctl: Perfctl, edge: LocalEdge, env: dict[str, str]
) -> None:
    before = edge.paid()
    queued = _data(perfctl("cdn", "invalidate", "/q/*", "/q/a", "/z", "--queue", "--yes", "-o", "json", env=env))
    assert (queued["status"], queued["invalidation_id"]) == ("queued", None)
    assert queued["queued"][0]["queued"] == ["/q/*", "/z"]
    again = perfctl("cdn", "invalidate", "/q/b", "/z", "--queue", "--yes", env=env)
    assert "1 there already" in again.stdout
    assert "perfctl cdn queue run sends it" in again.stdout
    assert edge.paid() == before
    drained = _data(perfctl("cdn", "queue", "drain", "-o", "json", env=env))
    assert (drained["sent"], drained["completed"], drained["pending"]) == (2, 2, 0)
    assert edge.paid() == before + 2
    bill = _data(perfctl("cdn", "invalidations", "--cost", "-o", "json", env=env))
    assert bill["months"][0]["items"] == edge.paid()


def test_cancelling_is_confirmed_and_says_what_it_took(perfctl: Perfctl, env: dict[str, str]) -> None:
    perfctl("cdn", "invalidate", "/a", "/b", "--queue", "--yes", env=env)
    refused = perfctl("cdn", "queue", "cancel", "--all", env=env)
    assert (refused.returncode, "--yes" in refused.stderr) == (7, True)
    assert _data(perfctl("cdn", "queue", "cancel", "/a", "--dry-run", "-o", "json", env=env))["total"] == 1
    assert _data(perfctl("cdn", "queue", "cancel", "--all", "--yes", "-o", "json", env=env))["total"] == 2
    assert _data(perfctl("cdn", "queue", "status", "-o", "json", env=env))["pending"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("invalidate", "/a", "--queue", "--wait"), "--queue returns before anything is sent"),
        (("invalidate", "/a", "--within", "5s"), "--within goes with --queue"),
        (("queue", "cancel"), "name what to cancel"),
        (("queue", "cancel", "img"), "neither an ID nor a pattern"),
        (("queue", "run", "--every", "1ms"), "not looked at that often"),
        (("invalidations", "--since", "soon"), "--since"),
    ],
)
def test_what_makes_no_sense_is_refused(
    perfctl: Perfctl, env: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    ran = perfctl("cdn", *words, env=env)
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr


def test_a_service_that_is_killed_again_and_again_sends_everything_once(
    perfctl: Perfctl, edge: LocalEdge, env: dict[str, str]
) -> None:
    before = edge.paid()
    words = [sys.executable, "-m", "perfctl", "cdn", "queue", "run", "--for", "20s", "--every", "100ms"]
    for number, seconds in enumerate((0.5, 0.7, 0.9)):
        perfctl("cdn", "invalidate", f"/k{number}/*", f"/k{number}", "--queue", "--yes", env=env)
        process = subprocess.Popen(
            words, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    done = _data(perfctl("cdn", "queue", "drain", "-o", "json", env=env))
    assert (done["pending"], done["in_flight"]) == (0, 0)
    assert edge.paid() == before + 6
