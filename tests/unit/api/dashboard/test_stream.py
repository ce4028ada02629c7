"""The live feed: what is told, how often, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perfctl.api.dashboard import stream
from perfctl.api.dashboard.shown import MOST_CHARACTERS, MOST_ROWS, cut
from perfctl.api.snapshot import Part, Snapshot
from perfctl.config.settings import MetricsConfig, Settings
from perfctl.errors import UnreachableError
from perfctl.metrics.model import PerformanceMetrics, snapshot_of


class Service:
    """What the feed asks of the service."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(metrics=MetricsConfig(history_file=str(folder / "history.sqlite")))
        self.answer: Any = snapshot_of(PerformanceMetrics(cache_hit_rate=0.5))
        self.snapshot = Snapshot([Part("metrics", self._ask), Part("cdn", self._ask)], refresh_seconds=0.02)

    async def _ask(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def start(self) -> None:
        self.snapshot.start()


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


async def feed(service: Service, window: str = "15m") -> Any:
    request = SimpleNamespace(scope={"perfctl.service": service}, query_params={"window": window})
    return await stream.events(request)  # type: ignore[arg-type]


async def told(source: AsyncIterator[bytes], wanted: str) -> dict[str, Any]:
    """The next event of that name."""
    async for block in source:
        name, _, data = block.decode().partition("\ndata: ")
        if name == f"event: {wanted}":
            answer: dict[str, Any] = json.loads(data)
            return answer
    raise AssertionError(f"the feed ended before {wanted}")


def test_a_page_hears_hello_the_parts_that_it_shows_and_the_charts(service: Service) -> None:
    async def listen() -> None:
        source = (await feed(service)).body_iterator
        assert (await told(source, "hello"))["parts"] == ["metrics"]
        assert (await told(source, "charts"))["step_seconds"] == 10
        assert (await told(source, "part"))["data"]["cache_hit_rate"] == 0.5
        await service.snapshot.close()

    asyncio.run(asyncio.wait_for(listen(), 30))


def test_what_did_not_change_is_not_told_again_and_what_failed_is(service: Service) -> None:
    async def listen() -> dict[str, Any]:
        source = (await feed(service)).body_iterator
        await told(source, "part")
        await asyncio.sleep(0.2)
        service.answer = UnreachableError("nobody answers")
        answer = await told(source, "part")
        await service.snapshot.close()
        return answer

    answer = asyncio.run(asyncio.wait_for(listen(), 30))
    assert answer["error"]["message"] == "nobody answers"
    assert answer["data"]["cache_hit_rate"] == 0.5


def test_a_feed_ends_with_the_snapshot(service: Service) -> None:
    async def listen() -> None:
        source = (await feed(service)).body_iterator
        await told(source, "part")
        await service.snapshot.close()
        async for _ in source:
            pass

    asyncio.run(asyncio.wait_for(listen(), 30))


def test_pages_beyond_the_limit_are_told_so_and_those_who_leave_make_room(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_FEEDS", 1)

    async def listen() -> list[int]:
        first = (await feed(service)).body_iterator
        await told(first, "hello")
        refused = await feed(service)
        await first.aclose()
        again = await feed(service)
        await service.snapshot.close()
        return [refused.status_code, again.status_code]

    assert asyncio.run(asyncio.wait_for(listen(), 30)) == [503, 200]


def test_a_window_that_there_is_not_is_a_usage_error(service: Service) -> None:
    assert asyncio.run(feed(service, "1x")).status_code == 400


def test_no_text_and_no_list_is_longer_than_the_page_shows() -> None:
    shown = cut({"rows": ["x" * 10_000] * 200})
    assert len(shown["rows"]) == MOST_ROWS
    assert len(shown["rows"][0]) == MOST_CHARACTERS + 1
