"""Measuring forgets nothing: what it asks PostgreSQL is no write, so the application's cached rows stay."""

from __future__ import annotations

import asyncio

import pytest

from perfctl.config import load_settings
from perfctl.optimizer import PerformanceOptimizer
from perfctl.row_store import CacheRowStore
from tests.conftest import RunningSandbox

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("seeded")]


def test_measuring_forgets_no_cached_row(seeded_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[object] = []
    forget = CacheRowStore.forget

    async def noted(self: CacheRowStore, *what: object, **how: object) -> object:
        forgotten.append(what)
        return await forget(self, *what, **how)  # type: ignore[arg-type]

    async def scene() -> None:
        settings = load_settings(context=seeded_sandbox.name, environ=seeded_sandbox.home)
        async with PerformanceOptimizer.from_settings(settings) as optimizer:
            await optimizer.database.execute_optimized_query("SELECT 1 AS one", use_cache=True)
            await optimizer.metrics.measure()
            await optimizer.database.slow_queries()
            assert not forgotten
            await optimizer.database.pool.fetch("CREATE TEMPORARY TABLE written (id int)")
            assert forgotten

    monkeypatch.setattr(CacheRowStore, "forget", noted)
    asyncio.run(scene())
