"""Invalidation and preload as a viewer sees them, over real HTTP through the local CloudFront."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.model.invalidations import InvalidationReport
from perfctl.config import CDNConfig
from tests.cdn_edge import ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY, LocalEdge, local_edge


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge"), completion_seconds=1.0) as made:
        yield made


@pytest.fixture
def cdn(edge: LocalEdge) -> CloudFrontOptimizer:
    edge.set_faults()
    edge.advance(3600)
    return CloudFrontOptimizer(
        CDNConfig(
            distribution_id=DISTRIBUTION_ID,
            endpoint_url=edge.control_url,
            edge_url=edge.edge_url,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
        )
    )


def _seen(cdn: CloudFrontOptimizer, *urls: str, encoding: str = "br") -> list[str]:
    async def look() -> list[str]:
        async with cdn:
            return [(await cdn.probe(url, accept_encoding=encoding)).cache for url in urls]

    return asyncio.run(look())


def _invalidate(cdn: CloudFrontOptimizer, *paths: str, tags: tuple[str, ...] = ()) -> InvalidationReport:
    async def invalidate() -> InvalidationReport:
        async with cdn:
            return await cdn.invalidate_content(paths, tags=tags, wait=True)

    return asyncio.run(invalidate())


def _cached(cdn: CloudFrontOptimizer, *urls: str) -> None:
    _seen(cdn, *urls)
    assert _seen(cdn, *urls) == ["hit"] * len(urls)


def test_an_exact_path_is_forgotten_and_its_neighbours_stay(cdn: CloudFrontOptimizer) -> None:
    _cached(cdn, "/img/a.png", "/img/ab.png")
    assert _invalidate(cdn, "/img/a.png").status == "Completed"
    assert _seen(cdn, "/img/a.png", "/img/ab.png") == ["miss", "hit"]


def test_a_wildcard_forgets_all_that_begins_so(cdn: CloudFrontOptimizer) -> None:
    _cached(cdn, "/img/x/1.png", "/img/x/2.png", "/img/y/1.png")
    _invalidate(cdn, "/img/x*")
    assert _seen(cdn, "/img/x/1.png", "/img/x/2.png", "/img/y/1.png") == ["miss", "miss", "hit"]


def test_every_encoding_of_a_path_is_forgotten(cdn: CloudFrontOptimizer) -> None:
    for encoding in ("br", "gzip", "identity"):
        _seen(cdn, "/assets/app.js", encoding=encoding)
    _invalidate(cdn, "/assets/app.js")
    for encoding in ("br", "gzip", "identity"):
        assert _seen(cdn, "/assets/app.js", encoding=encoding) == ["miss"]


def test_a_tag_forgets_what_carries_it_and_nothing_else(cdn: CloudFrontOptimizer) -> None:
    _cached(cdn, "/api/stocks/AAPL", "/api/stocks/MSFT", "/api/market/overview")
    report = _invalidate(cdn, tags=("symbol-AAPL", "Market"))
    assert (report.paths, report.tags) == (("#symbol-aapl", "#market"), 2)
    assert _seen(cdn, "/api/stocks/AAPL", "/api/stocks/MSFT", "/api/market/overview") == ["miss", "hit", "miss"]


def test_preload_makes_the_next_visitor_a_hit(cdn: CloudFrontOptimizer) -> None:
    async def preload() -> tuple[int, int]:
        async with cdn:
            report = await cdn.preload_content(["/api/market/overview", "/img/warm.png"])
            return report.requested, report.warmed

    requested, warmed = asyncio.run(preload())
    assert requested == warmed == 6
    for encoding in ("br", "gzip", "identity"):
        assert _seen(cdn, "/api/market/overview", encoding=encoding) == ["hit"]


def test_preload_says_what_no_cache_keeps(cdn: CloudFrontOptimizer) -> None:
    async def preload() -> list[tuple[int | None, bool]]:
        async with cdn:
            report = await cdn.preload_content(["/private/me", "/nowhere"], encodings=["gzip"])
            return [(row.status, row.is_warm) for row in report.rows]

    assert asyncio.run(preload()) == [(404, False), (200, False)]


@pytest.mark.parametrize("seed", range(100 if os.environ.get("PERFCTL_SOAK") else 3))
def test_throttling_and_failures_lose_nothing_and_pay_nothing_twice(
    cdn: CloudFrontOptimizer, edge: LocalEdge, seed: int
) -> None:
    paid = edge.paid()
    _cached(cdn, f"/img/s{seed}.png")
    edge.set_faults(throttle=0.3, error_5xx=0.2, seed=seed)
    report = _invalidate(cdn, f"/img/s{seed}.png", "/a")
    edge.set_faults()
    assert (report.status, edge.paid() - paid) == ("Completed", 2)
    assert _seen(cdn, f"/img/s{seed}.png") == ["miss"]
