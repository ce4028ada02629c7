"""Sitemaps: what they list, and what is refused of what calls itself one."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.preloading import sitemaps
from perfctl.cdn.preloading.sitemaps import parsed, urls_of
from perfctl.cdn.preloading.sources import is_file, sitemap_urls
from perfctl.cdn.viewer import Viewer
from perfctl.errors import PerfctlError, UsageError
from tests.campaign import campaign

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def _sitemap(*urls: str) -> bytes:
    rows = "".join(f"<url><loc>\n {url} </loc><lastmod>2026-01-01</lastmod></url>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="{NAMESPACE}">{rows}</urlset>'.encode()


def _index(*urls: str) -> bytes:
    rows = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f'<sitemapindex xmlns="{NAMESPACE}">{rows}</sitemapindex>'.encode()


def _read_all(start: bytes, files: dict[str, bytes]) -> tuple[str, ...]:
    async def read(url: str) -> bytes:
        return files[url]

    return asyncio.run(urls_of(start, "it", read))


@pytest.mark.parametrize(
    "content",
    [
        _sitemap("https://a/1", "https://a/2?b=1&amp;c=2"),
        gzip.compress(_sitemap("https://a/1", "https://a/2?b=1&amp;c=2")),
        b"\xef\xbb\xbf" + _sitemap("https://a/1", "https://a/2?b=1&amp;c=2"),
        b"https://a/1\r\n\r\nhttps://a/2?b=1&c=2\n",
        _sitemap("https://a/1", "<![CDATA[https://a/2?b=1&c=2]]>"),
    ],
)
def test_every_form_of_a_sitemap_is_read(content: bytes) -> None:
    assert parsed(content, "it").urls == ["https://a/1", "https://a/2?b=1&c=2"]


def test_pictures_of_a_page_are_no_pages() -> None:
    content = _sitemap("https://a/1").replace(
        b"</url>", b'<i:image xmlns:i="urn:i"><i:loc>https://a/p.jpg</i:loc></i:image></url>'
    )
    assert parsed(content, "it").urls == ["https://a/1"]


def test_an_index_leads_to_all_that_it_lists() -> None:
    files = {
        "https://a/x.xml": _sitemap("https://a/1", "https://a/2"),
        "https://a/y.xml.gz": gzip.compress(_sitemap("https://a/2", "https://a/3")),
    }
    assert _read_all(_index(*files), files) == ("https://a/1", "https://a/2", "https://a/3")


def test_one_file_of_an_index_is_held_at_a_time() -> None:
    asked: list[str] = []

    async def read(url: str) -> bytes:
        asked.append(url)
        return b"no sitemap"

    with pytest.raises(UsageError, match="https://a/x"):
        asyncio.run(urls_of(_index("https://a/x", "https://a/y"), "it", read))
    assert asked == ["https://a/x"]


def test_an_index_that_lists_itself_ends() -> None:
    loop = _index("https://a/i.xml")
    with pytest.raises(UsageError, match="index within indexes"):
        _read_all(loop, {"https://a/i.xml": loop})


def _bomb() -> bytes:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    return f"<!DOCTYPE urlset [{entities}]><urlset><url><loc>&h;</loc></url></urlset>".encode()


REFUSED = {
    "nothing": b"",
    "text": b"hello",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "xml of another kind": b"<rss><channel/></rss>",
    "half of it": _sitemap("https://a/1")[:-20],
    "entities that grow": _bomb(),
    "an entity from outside": b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>',
    "a document type": b'<!DOCTYPE u SYSTEM "http://169.254.169.254/"><urlset/>',
    "elements within elements": b"<urlset>" + b"<url>" * 5000,
    "half of a gzip": gzip.compress(_sitemap("https://a/1"))[:30],
    "a list with strangers": b"https://a/1\nfile:///etc/passwd\n",
    "binary": bytes(range(256)),
    "an encoding that nobody knows": b'<?xml version="1.0" encoding="xxx"?><urlset/>',
    "an encoding of no text": b'<?xml version="1.0" encoding="rot13"?><urlset/>',
    "an encoding that expat has not": b'<?xml version="1.0" encoding="big5"?><urlset/>',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sitemap_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        parsed(REFUSED[name], "it")


def test_what_grows_beyond_the_limit_when_unpacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MOST_BYTES", 10_000)
    with pytest.raises(UsageError, match="MB"):
        parsed(gzip.compress(b"a" * 5_000_000), "it")


def test_more_urls_than_a_sitemap_may_have_are_refused() -> None:
    assert len(parsed(_sitemap(*("https://a/",) * 50_000), "it").urls) == 50_000
    with pytest.raises(UsageError, match="more than 50000"):
        parsed(b"https://a/\n" * 50_001, "it")


def test_an_empty_sitemap_is_one() -> None:
    assert parsed(_sitemap(), "it").urls == []


@campaign(60, 5_000)
@given(st.binary(max_size=200) | st.text(alphabet="<>/!?&;#x0[]\"'= urlsetsitemaploc", max_size=80).map(str.encode))
def test_nonsense_is_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        assert parsed(content, "it").urls is not None
    except PerfctlError:
        return


def test_a_sitemap_of_a_file_is_read_from_there(tmp_path: Path) -> None:
    path = tmp_path / "sitemap.xml"
    path.write_bytes(_sitemap("/a"))
    assert is_file(str(path))
    assert asyncio.run(sitemap_urls(str(path), Viewer("http://127.0.0.1:1"))) == ("/a",)
    with pytest.raises(UsageError, match="no such file"):
        asyncio.run(sitemap_urls("sitemap.xml.missing", Viewer("http://127.0.0.1:1")))


def test_a_sitemap_that_is_a_stranger_s_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "index.xml"
    path.write_bytes(_index("http://169.254.169.254/latest/"))
    with pytest.raises(UsageError, match="not a name of the distribution"):
        asyncio.run(sitemap_urls(str(path), Viewer("http://127.0.0.1:1", ("www.example.com",), stands_in=True)))
