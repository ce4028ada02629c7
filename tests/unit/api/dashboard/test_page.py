"""The files of the page: how large, whose, and what they may not do."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from importlib.resources import files

import httpx
import pytest
from starlette.applications import Starlette

from perfctl.api.dashboard import ROUTES
from perfctl.api.dashboard.page import POLICY, STATIC, asset

FOLDER = files("perfctl.api.dashboard") / "static"
PAGE = ("index.html", *(name for name in STATIC if name != "docs.css"))
MOST_BYTES = 60_000
OURS = [name for name in STATIC if name.endswith(".js") and not name.startswith("uplot/")]


def text(name: str) -> str:
    return FOLDER.joinpath(*name.split("/")).read_text("utf-8")


class Client:
    """Asks the routes without a server."""

    def get(self, path: str, headers: dict[str, str] | None = None, *, follow_redirects: bool = True) -> httpx.Response:
        return asyncio.run(self._get(path, headers, follow_redirects))

    async def _get(self, path: str, headers: dict[str, str] | None, follow_redirects: bool) -> httpx.Response:
        transport = httpx.ASGITransport(app=Starlette(routes=list(ROUTES)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path, headers=headers, follow_redirects=follow_redirects)


@pytest.fixture
def client() -> Client:
    return Client()


def test_the_whole_page_is_at_most_60_kilobytes_on_the_wire() -> None:
    assert sum(len(asset(name).packed) for name in PAGE) <= MOST_BYTES


def test_every_file_that_the_page_names_is_served_and_no_other_is_there() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"index.html"}
    assert there == {name for name in STATIC if "/" not in name}
    named = set(re.findall(r'(?:src|href)="static/([^"]+)"', text("index.html")))
    imported = {name for script in OURS for name in re.findall(r'from "\./([^"]+)"', text(script))}
    assert named | imported | {"docs.css"} == set(STATIC)


def test_uplot_is_the_published_one_with_its_licence() -> None:
    sums = dict(reversed(line.split()) for line in text("uplot/SHA256SUMS").splitlines())
    assert sums == {
        "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
        "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    }
    for name, wanted in sums.items():
        assert hashlib.sha256((FOLDER / "uplot" / name).read_bytes()).hexdigest() == wanted
    assert "MIT License" in text("uplot/LICENSE")


def test_no_script_or_style_stands_in_the_page() -> None:
    page = text("index.html")
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?:", page)


@pytest.mark.parametrize("name", OURS)
def test_no_script_makes_html_or_code_of_a_text(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|localStorage"
    assert not re.findall(forbidden, text(name))
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text(name))


def test_every_file_is_served_under_the_policy(client: Client) -> None:
    for path in ("/performance/", *(f"/performance/static/{name}" for name in STATIC)):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-security-policy"]) == (200, POLICY), path
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'")


def test_a_file_is_packed_for_those_who_take_it_and_not_sent_twice(client: Client) -> None:
    plain = client.get("/performance/static/dashboard.js", headers={"accept-encoding": "identity"})
    packed = client.get("/performance/static/dashboard.js", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))
    again = client.get("/performance/static/dashboard.js", headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["../page.py", "..%2fpage.py", "uplot/LICENSE", "index.html", "", "%00", "no.js"])
def test_no_other_file_is_served(client: Client, name: str) -> None:
    assert client.get(f"/performance/static/{name}").status_code == 404


def test_the_address_without_its_slash_leads_to_the_page(client: Client) -> None:
    answer = client.get("/performance", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "performance/")
    assert client.get("/performance").url.path == "/performance/"
