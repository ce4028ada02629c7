"""SIGKILL at each step of sending the queue, on the local CloudFront: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfctl.aws import AwsAccess
from perfctl.cdn.cloudfront import CloudFront
from tests.cdn_edge import ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY, LocalEdge, local_edge
from tests.queue_killed import NEVER, Fuse, items_of, queue_of

pytestmark = pytest.mark.xdist_group("queue_kills")

STEPS = 15
"""More than a pass does."""


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge"), completion_seconds=0.2) as made:
        yield made


def _sent(edge: LocalEdge) -> list[tuple[str, ...]]:
    """The paths of every invalidation that there is, the oldest first."""
    access = AwsAccess(region="us-east-1", access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)

    async def asked() -> list[tuple[str, ...]]:
        control = CloudFront(access, endpoint_url=edge.control_url)
        recent = await control.recent_invalidations(DISTRIBUTION_ID)
        found = [await control.invalidation(DISTRIBUTION_ID, row.invalidation_id) for row in reversed(recent)]
        await control.close()
        return [row.paths for row in found]

    return asyncio.run(asked())


def test_a_pass_that_is_killed_at_any_step_is_finished_by_the_next_one_once(edge: LocalEdge, tmp_path: Path) -> None:
    file = str(tmp_path / "queue.sqlite")
    before = edge.paid()
    exits = _killed(file, edge.control_url)
    assert set(exits[:8]) == {-signal.SIGKILL}
    assert exits[-1] == 0
    queue = queue_of(file, edge.control_url, Fuse(NEVER))
    done = asyncio.run(queue.drain(timeout_seconds=60))
    queue.close()
    assert (done.pending, done.in_flight, done.failed) == (0, 0, 0)
    asked = [item for number in range(1, STEPS + 1) for item in items_of(number).all]
    assert sorted(item for items in _sent(edge) for item in items) == sorted(asked)
    assert edge.paid() - before == len(asked)


def _killed(file: str, control_url: str) -> list[int]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.queue_killed", file, control_url, str(STEPS)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return [int(line) for line in ran.stdout.split()]
