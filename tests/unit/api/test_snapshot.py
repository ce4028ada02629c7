"""The snapshot: what hangs or breaks is old, and holds nobody up."""

from __future__ import annotations

import asyncio
import time

import pytest

from perfctl.api.snapshot import Part, Snapshot
from perfctl.errors import UnreachableError


async def _hang() -> object:
    await asyncio.sleep(3600)
    raise AssertionError


def test_one_part_that_hangs_holds_no_other_up_and_is_told_since_when() -> None:
    async def told() -> None:
        async def well() -> object:
            return 7

        snapshot = Snapshot([Part("dead", _hang, 0.05), Part("well", well)], refresh_seconds=60)
        assert (await snapshot.settled("well")).value == 7
        known = await snapshot.settled("dead")
        assert (known.value, known.error.kind if known.error else None) == (None, "timeout")
        assert known.since == pytest.approx(time.time(), abs=30)
        await snapshot.close()

    asyncio.run(told())


def test_what_was_known_stays_while_nothing_answers() -> None:
    answers: list[object] = [1, UnreachableError("gone"), UnreachableError("gone still"), 2]

    async def ask() -> object:
        answer = answers.pop(0) if answers else 2
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def told() -> None:
        snapshot = Snapshot([Part("cache", ask)], refresh_seconds=0.01)
        seen = []
        stream = snapshot.subscribe()
        snapshot.start()
        async for update in stream:
            seen.append((update.known.value, update.known.error is None))
            if update.known.value == 2:
                snapshot.end_streams()
        await snapshot.close()
        assert seen[0] == (1, True)
        assert seen[-1] == (2, True)
        assert set(seen) <= {(1, True), (1, False), (2, True)}

    asyncio.run(told())


def test_a_costly_part_is_asked_only_when_somebody_wants_it() -> None:
    asked = []

    async def ask() -> object:
        asked.append(1)
        return 1

    async def told() -> None:
        snapshot = Snapshot([Part("logs", ask, is_costly=True)], refresh_seconds=0.01)
        snapshot.start()
        await asyncio.sleep(0.1)
        assert asked == []
        assert (await snapshot.settled("logs")).value == 1
        await snapshot.close()

    asyncio.run(told())
