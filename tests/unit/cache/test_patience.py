"""How long an answer is waited for."""

from __future__ import annotations

import asyncio
import time

import pytest

from perfctl.cache.serving.patience import Patience


def test_patience_ends() -> None:
    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with Patience(0.01):
                await asyncio.sleep(30)
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_an_answer_in_time_is_an_answer() -> None:
    async def scene() -> None:
        for seconds in (None, 10):
            async with Patience(seconds):
                await asyncio.sleep(0.001)

    asyncio.run(scene())


def test_the_time_in_which_the_loop_stood_still_does_not_count() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_later(0.01, time.sleep, 0.2)
        loop.call_later(0.25, answer.set_result, "answer")
        async with Patience(0.1):
            assert await answer == "answer"

    asyncio.run(scene())


def test_a_caller_that_is_cancelled_is_cancelled() -> None:
    async def scene() -> None:
        async def waits() -> None:
            async with Patience(10):
                await asyncio.sleep(30)

        task = asyncio.create_task(waits())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
