"""Fetching through the edge ahead of the visitors, in each encoding, and seeing that it stays there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.model.preloads import PreloadReport, Warmed
from perfctl.cdn.viewer import Viewer
from perfctl.errors import PerfctlError


async def preload(viewer: Viewer, urls: Sequence[str], encodings: Sequence[str], *, concurrency: int) -> PreloadReport:
    """GET every URL in every encoding, at most `concurrency` at once; one that fails stops no other.

    UsageError, before anything is fetched, where one of them is not the distribution's.
    """
    for url in urls:
        viewer.target(url)
    places = asyncio.Semaphore(max(1, concurrency))
    wanted = [(url, encoding) for url in urls for encoding in encodings]
    rows = await asyncio.gather(*(_bounded(places, viewer, url, encoding) for url, encoding in wanted))
    warm = sum(1 for row in rows if row.is_warm)
    failed = sum(1 for row in rows if row.error)
    ordered = sorted(rows, key=lambda row: (row.error is None, row.is_warm))
    return PreloadReport(requested=len(wanted), warmed=warm, failed=failed, rows=tuple(ordered))


async def _bounded(places: asyncio.Semaphore, viewer: Viewer, url: str, encoding: str) -> Warmed:
    async with places:
        return await _warm(viewer, url, encoding)


async def _warm(viewer: Viewer, url: str, encoding: str) -> Warmed:
    try:
        first = await viewer.look(url, accept_encoding=encoding)
        is_warm = first.cache in ("hit", "refresh-hit") or await _is_kept(viewer, url, encoding, first)
    except PerfctlError as error:
        return Warmed(url, encoding, None, "error", False, 0, 0.0, error.message)
    fault = f"the edge answered {first.status}" if first.status >= 400 else None
    return Warmed(url, encoding, first.status, first.cache, is_warm, first.size_bytes, first.took_ms, fault)


async def _is_kept(viewer: Viewer, url: str, encoding: str, first: EdgeAnswer) -> bool:
    """Whether a second GET is answered from the cache; not asked after an error."""
    if first.status >= 400:
        return False
    again = await viewer.look(url, accept_encoding=encoding)
    return again.cache in ("hit", "refresh-hit")
