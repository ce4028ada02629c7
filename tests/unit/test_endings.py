"""Tasks that lose a cancellation end all the same."""

from __future__ import annotations

import asyncio

import pytest

from perfctl.endings import ended, heeded


async def _goes_on(cancellations: int) -> str:
    """Sleep through so many cancellations."""
    for _ in range(cancellations):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)
    return "never"


async def _begun(work: asyncio.Task[str]) -> asyncio.Task[str]:
    await asyncio.sleep(0)
    return work


def test_a_task_that_loses_a_cancellation_ends() -> None:
    async def scene() -> None:
        task = await _begun(asyncio.create_task(_goes_on(2)))
        assert await ended(task)
        assert task.cancelled()

    asyncio.run(scene())


def test_a_task_that_never_ends_is_not_waited_for_for_ever() -> None:
    async def scene() -> None:
        task = await _begun(asyncio.create_task(_goes_on(3)))
        assert not await ended(task, seconds=0.3)
        assert await ended(task)

    asyncio.run(scene())


def test_what_an_ended_task_raises_is_dropped() -> None:
    async def fails() -> str:
        raise ValueError("nobody asks")

    async def scene() -> None:
        assert await ended(await _begun(asyncio.create_task(fails())))
        assert await ended()

    asyncio.run(scene())


@pytest.mark.parametrize("turns", range(8))
def test_a_cancellation_is_heeded_in_whichever_turn_it_comes(turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets the one that comes when its work was just done."""

    async def quick() -> str:
        return "done"

    async def asks() -> str:
        for _ in range(3):
            await heeded(asyncio.wait_for(quick(), 60))
        return await _goes_on(0)

    async def scene() -> None:
        task = asyncio.create_task(asks())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert task in done
        assert task.cancelled()

    asyncio.run(scene())


def test_an_error_in_place_of_a_cancellation_is_a_cancellation() -> None:
    async def mistakes() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise TimeoutError from None

    async def scene() -> None:
        task = asyncio.create_task(heeded(mistakes()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())


def test_an_error_is_raised_as_it_is() -> None:
    async def fails() -> None:
        raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        asyncio.run(_heeded(fails()))


async def _heeded(work: object) -> None:
    await heeded(work)  # type: ignore[arg-type]
