"""Whatever happens to Redis: no wrong value, no exception to the caller, no hang, and the way back."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.campaign import SOAKS
from tests.chaos.rig import FAULTS, go_through, rig
from tests.redis_server import redis_server

pytestmark = pytest.mark.servers

ROUNDS = 27 if SOAKS else 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FAULTS)
def test_an_application_goes_through_a_fault(tmp_path: Path, name: str) -> None:
    dice = random.Random(f"{name} 1")
    protocol = 2 + (len(name) % 2)

    async def scene() -> tuple[Any, list[float]]:
        with redis_server(tmp_path) as server:
            async with rig(server, protocol=protocol) as made:
                faults = [(FAULTS[name], 0.2 + dice.random() * 1.2, 0.3) for _ in range(ROUNDS)]
                return await go_through(made, faults, seed=len(name))

    workload, recoveries = asyncio.run(scene())
    print(f"{name}: {workload.findings}; recoveries {max(recoveries):.2f} s at most")
    assert workload.findings.is_clean, str(workload.findings)
    assert len(recoveries) == ROUNDS


@pytest.mark.timeout(600)
def test_an_application_goes_through_one_fault_after_another(tmp_path: Path) -> None:
    dice = random.Random(4)
    names = [dice.choice(list(FAULTS)) for _ in range(60 if SOAKS else 4)]

    async def scene() -> tuple[Any, list[float]]:
        with redis_server(tmp_path) as server:
            async with rig(server) as made:
                faults = [(FAULTS[name], 0.1 + dice.random() * 0.6, dice.random() * 0.2) for name in names]
                return await go_through(made, faults, seed=4)

    workload, _ = asyncio.run(scene())
    assert workload.findings.is_clean, f"{names}\n{workload.findings}"
