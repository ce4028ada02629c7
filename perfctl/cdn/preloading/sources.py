"""What to preload: a sitemap's URLs, or what the access logs say is asked for most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.cdn.delivery.patterns import matches
from perfctl.cdn.paths import as_asked
from perfctl.cdn.preloading.sitemaps import MOST_BYTES, urls_of
from perfctl.cdn.viewer import Viewer, is_url
from perfctl.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from perfctl.cdn.logs.asking import AccessLogs


def is_file(source: str) -> bool:
    """Whether a sitemap is a file on this machine, rather than one at the edge."""
    return not is_url(source) and Path(source).is_file()


async def sitemap_urls(source: str, viewer: Viewer) -> tuple[str, ...]:
    """The URLs that a sitemap lists: a file, or a URL or path of the distribution; those that it leads to are read
    through the edge. UsageError for what is no sitemap.
    """

    async def read(url: str) -> bytes:
        answer, content = await viewer.read(
            url, accept_encoding="identity", keep_bytes=MOST_BYTES, most_bytes=MOST_BYTES
        )
        if answer.status != 200:
            raise ServiceError(f"{url}: the edge answered {answer.status}", hint="name the sitemap's own address")
        return content

    if is_file(source):
        return await urls_of(_content_of(source), source, read)
    if not is_url(source) and not source.startswith("/"):
        raise UsageError(f"{source}: no such file", hint="name a file, or a URL of the distribution", where="--sitemap")
    return await urls_of(await read(source), source, read)


async def popular(logs: AccessLogs, places: Sequence[str], *, top: int, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The paths, with their queries, that were answered well most often, the most first; none that `without` (path
    patterns: what is private) covers.
    """
    from perfctl.cdn.logs.filtering import Filter

    listed = await logs.top(places, of="url", by="requests", limit=None, wanted=Filter(statuses=("200", "304")))
    urls = (as_asked(row.name) for row in listed.rows)
    wanted = [url for url in urls if not any(matches(pattern, url.partition("?")[0]) for pattern in without)]
    return tuple(wanted[:top])


def _content_of(source: str) -> bytes:
    try:
        with Path(source).open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}", hint="name a sitemap", where="--sitemap") from error
