"""Gathering the evidence for `cdn check`: the configuration, some pages through the edge, logs and deliveries."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

from perfctl.cdn.checking.checks import run
from perfctl.cdn.checking.checks.rule import Evidence, Page
from perfctl.cdn.checking.explaining.explain import explain
from perfctl.cdn.checking.log_places import answers_for_logs, deliveries_of, viewers_of
from perfctl.cdn.checking.looking import Known
from perfctl.cdn.checking.reading import read_setup
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.viewer import VIEWERS_ENCODINGS, Viewer
from perfctl.diagnosis import Check, Diagnosis, diagnose
from perfctl.errors import AuthError, PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cdn.services import Services

Asked = tuple[EdgeAnswer, EdgeAnswer]
"""The same URL, twice in a row."""

_AT_ONCE = 4
_PAGE_BYTES = 512_000


async def examine_url(viewer: Viewer, url: str, known: Callable[[], Awaitable[Known]]) -> Diagnosis:
    """One URL: what its answer says to caches, and what the edge made of it. Raises where nothing answers."""
    page, _ = await _asked(viewer, url)
    found = await known()
    pages = (_explained(page, found),)
    checks = run(Evidence(pages=pages, setup=found.setup), only_pages=True)
    if found.setup is None:
        checks.append(_unread(found.reason or ""))
    return diagnose([_cached(pages[0]), *checks])


async def examine_distribution(
    control: ControlPlane,
    distribution_id: str,
    *,
    viewer: Viewer | None,
    services: Callable[[], Awaitable[Services]],
    urls: Sequence[str],
    pages: int,
    private_paths: Sequence[str],
    logs: Sequence[str],
) -> Diagnosis:
    """A distribution: its configuration, and up to `pages` of its pages besides the URLs that are named."""
    checks: list[Check] = []
    known = await _known(control, distribution_id)
    if known.setup is None:
        checks.append(_unread(known.reason or ""))
    looked, trouble = await _pages(viewer, urls, pages, known) if viewer else ((), None)
    if trouble is not None:
        checks.append(trouble)
    evidence = Evidence(
        setup=known.setup,
        pages=looked,
        has_metrics=await _allowed(control.monitoring(distribution_id)),
        deliveries=await deliveries_of(services, distribution_id) if answers_for_logs(control) else None,
        knows_tags=await control.knows_tags(),
        viewers=await viewers_of(logs, services) if logs else None,
        private_paths=tuple(private_paths),
    )
    return diagnose([*checks, *run(evidence)])


async def _known(control: ControlPlane, distribution_id: str) -> Known:
    """The configuration, or that it may not be read; whatever else goes wrong is raised."""
    try:
        return Known(await read_setup(control, distribution_id))
    except AuthError as error:
        if "AccessDenied" not in error.message:
            raise
        return Known(None, error.message)


async def _allowed(asked: Awaitable[bool]) -> bool | None:
    try:
        return await asked
    except AuthError:
        return None


async def _pages(
    viewer: Viewer, urls: Sequence[str], pages: int, known: Known
) -> tuple[tuple[Page, ...], Check | None]:
    """The root, what it links to on this host, patterns that are one path, and the URLs that are named."""
    found: list[Asked | PerfctlError] = []
    linked: list[str] = []
    if pages > 0:
        try:
            root, body = await _asked(viewer, "/", keep_bytes=_PAGE_BYTES)
        except UsageError:
            raise
        except PerfctlError as error:
            return (), _unreached(error)
        found.append(root)
        linked = _linked(body, root[1], known)
    wanted = dict.fromkeys([*urls, *linked[: max(pages - 1, 0)]])
    found += await _all(viewer, [url for url in wanted if url != "/"])
    troubles = [one for one in found if isinstance(one, PerfctlError)]
    looked = tuple(_explained(one, known) for one in found if not isinstance(one, PerfctlError))
    return looked, _unreached(*troubles) if troubles else None


def _unreached(error: PerfctlError, *others: PerfctlError) -> Check:
    also = f" (and {len(others)} more)" if others else ""
    return Check("cdn.answer", "reachable", "fail", f"{error.message}{also}", error.hint)


async def _all(viewer: Viewer, urls: Iterable[str]) -> list[Asked | PerfctlError]:
    """Each URL's answers, or why there are none."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(url: str) -> Asked | PerfctlError:
        async with room:
            try:
                return (await _asked(viewer, url))[0]
            except UsageError:
                raise
            except PerfctlError as error:
                return error

    return list(await asyncio.gather(*(one(url) for url in urls)))


async def _asked(viewer: Viewer, url: str, *, keep_bytes: int = 0) -> tuple[Asked, bytes]:
    """Twice in a row; the body, where it is wanted, of a third time without compression."""
    first = await viewer.look(url)
    last = await viewer.look(url)
    is_page = keep_bytes and last.status == 200 and (last.content_type or "").startswith("text/html")
    if not is_page:
        return (first, last), b""
    _, body = await viewer.read(url, accept_encoding="identity", keep_bytes=keep_bytes)
    return (first, last), body


def _explained(asked: Asked, known: Known) -> Page:
    first, last = asked
    url = urlsplit(last.url)
    sent = Headers((("Host", url.netloc), ("Accept-Encoding", VIEWERS_ENCODINGS), ("User-Agent", "perfctl")))
    path = url.path + (f"?{url.query}" if url.query else "")
    return Page(path, first, explain(last, sent, known.setup, now=time.time(), unknown=known.reason))


def _cached(page: Page) -> Check:
    """The first row of one URL: is it cached?"""
    last = page.last
    if last.cache in ("hit", "refresh-hit") or last.is_cached is True:
        return Check("cdn.answer", "cached", "pass", last.verdict)
    return Check("cdn.answer", "cached", "off", last.verdict, "; ".join(last.remedies) or None)


def _unread(reason: str) -> Check:
    fix = "perfctl cdn doctor prints the policy that grants cloudfront:GetDistributionConfig and GetCachePolicy"
    return Check("cdn.rights", "configuration", "warn", f"may not be read, so it is not judged: {reason}", fix)


def _linked(body: bytes, root: EdgeAnswer, known: Known) -> list[str]:
    """Paths of this host that the page loads or leads to, and the patterns that are a single path."""
    parser = _Links()
    parser.feed(body.decode("utf-8", "replace"))
    here = urlsplit(root.url)
    found = []
    for link in (*parser.loaded, *parser.led_to):
        try:
            url = urlsplit(urldefrag(urljoin(root.url, link)).url)
        except ValueError:
            continue
        if url.scheme in ("http", "https") and url.netloc == here.netloc and _is_plain(url.path):
            found.append(url.path + (f"?{url.query}" if url.query else ""))
    patterns = [one.pattern for one in known.setup.behaviours if one.pattern] if known.setup else []
    singles = [f"/{pattern.lstrip('/')}" for pattern in patterns if not set(pattern) & {"*", "?"}]
    return [path for path in dict.fromkeys([*found, *singles]) if path != "/"]


def _is_plain(path: str) -> bool:
    """Whether a GET of it is harmless by its name: no way out of a session."""
    return not re.search(r"(?i)log-?out|sign-?out|delete|remove|unsubscribe", path)


class _Links(HTMLParser):
    """What a page loads (scripts, styles, pictures), and where it leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led_to: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (source := given.get("src")) and tag in ("script", "img", "source", "video", "audio"):
            self.loaded.append(source)
        if (target := given.get("href")) and tag in ("link", "a"):
            (self.loaded if tag == "link" else self.led_to).append(target)
