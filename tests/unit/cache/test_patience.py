"""How long an answer is waited for."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

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


def test_an_answer_that_comes_with_the_end_of_patience_counts() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_later(0.05, answer.set_result, "answer")
        async with Patience(0.05):
            (said,) = await asyncio.gather(answer)
        assert said == "answer"

    for _ in range(20):
        asyncio.run(scene())


def test_what_loses_its_end_is_ended_again() -> None:
    async def goes_on() -> None:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(30)
        await asyncio.sleep(30)

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with Patience(0.01):
                await goes_on()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(scene())


def test_who_cleans_up_after_a_cancellation_is_patient_too() -> None:
    async def scene() -> None:
        ends: list[str] = []

        async def waits() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                with suppress(TimeoutError):
                    async with Patience(0.01):
                        await asyncio.sleep(30)
                ends.append("cleaned up")

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ends == ["cleaned up"]

    asyncio.run(scene())
