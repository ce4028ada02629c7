"""Warming the edge ahead of the visitors, with what sitemaps list or the access logs say is asked for most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from perfctl.cdn.wiring import Wiring

if TYPE_CHECKING:
    from perfctl.cdn.content.optimizing import ContentRules
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.cdn.model.preloads import PreloadReport


class Warming(Wiring):
    """The part of the engine that fetches through the edge."""

    @property
    def logs(self) -> AccessLogs:
        """The access logs: report, top, misses, errors, locations, latency, the short figures."""
        from perfctl.cdn.logs.asking import AccessLogs

        return AccessLogs(self.config, self.services)

    async def preload_content(
        self,
        paths: Iterable[str],
        *,
        encodings: Sequence[str] | None = None,
        concurrency: int | None = None,
        requests_per_second: float | None = None,
        locations: Sequence[str] | None = None,
        distribution: str | None = None,
        told: Callable[[int], None] | None = None,
    ) -> PreloadReport:
        """Fetch paths (or URLs of the distribution) through the edge in each encoding, and verify by `X-Cache`.

        At the nearest edge location, or at each of `locations` (by default cdn.edge_locations). The bounds are those
        of the configuration where none are given. UsageError, before anything is sent, for a URL of somebody else's.
        """
        from perfctl.cdn.preloading.fetching import preload

        config = self.config
        wanted = tuple(dict.fromkeys((paths,) if isinstance(paths, str) else paths))
        rate = config.preload_requests_per_second if requests_per_second is None else requests_per_second
        return await preload(
            await self._viewer(self._stranger(wanted), distribution),
            wanted,
            encodings or self._encodings(),
            concurrency=config.preload_concurrency if concurrency is None else concurrency,
            requests_per_second=rate,
            locations=(config.edge_locations or ()) if locations is None else locations,
            time=self._time,
            told=told,
        )

    async def sitemap_urls(self, source: str, *, distribution: str | None = None) -> tuple[str, ...]:
        """The URLs that a sitemap lists: a file, or a URL or path of the distribution, read through the edge."""
        from perfctl.cdn.preloading.sources import is_file, sitemap_urls

        asked = "/" if is_file(source) else source
        return await sitemap_urls(source, await self._viewer(asked, distribution))

    async def popular_urls(self, top: int, *, places: Sequence[str] = ()) -> tuple[str, ...]:
        """What the access logs (by default those of cdn.logs) say is asked for most, without what is private."""
        from perfctl.cdn.preloading.sources import popular

        return await popular(self.logs, places, top=top, without=self.config.private_paths)

    def _stranger(self, wanted: Sequence[str]) -> str:
        """One for which the distribution's names must be known, where there is one."""
        from perfctl.cdn.viewer import is_url

        own = (self.config.edge_url or "").rstrip("/") + "/"
        return next((path for path in wanted if is_url(path) and (own == "/" or not path.startswith(own))), "/")

    def _encodings(self) -> tuple[str, ...]:
        return (*self._content_rules().encodings, "identity")

    def _content_rules(self) -> ContentRules:
        from perfctl.cdn.content.serving import rules_of

        return rules_of(self.config)
