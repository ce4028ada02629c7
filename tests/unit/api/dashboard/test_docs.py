"""The documentation's page: every route, with a line that a shell takes."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape

import pytest

from perfctl.api.dashboard.docs import page_of
from perfctl.api.openapi import openapi
from perfctl.api.routes import ROUTES

PAGE = page_of(openapi(), "http://127.0.0.1:8080")
LINES = [unescape(line) for line in re.findall(r"<pre[^>]*>(.*?)</pre>", PAGE, re.S)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_on_the_page_with_its_line(route) -> None:  # type: ignore[no-untyped-def]
    line = next(line for line in LINES if f"http://127.0.0.1:8080{route.path}" in shlex.split(line))
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    if route.method == "POST":
        assert "Authorization: Bearer $PERFCTL_API_TOKEN" in words
        assert json.loads(words[words.index("--json") + 1]) == json.loads(route.example)


def test_probes_and_the_scrape_are_on_the_page() -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert any(line.endswith(path) for line in LINES), path


def test_what_the_document_says_is_text_on_the_page() -> None:
    hostile = "<script>alert(1)</script>'\""
    operation = {"summary": hostile, "description": hostile, "parameters": [{"name": hostile, "schema": {}}]}
    page = page_of({"info": {"title": hostile}, "paths": {f"/{hostile}": {"get": operation}}}, f"http://h/{hostile}")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    assert not re.findall(r"<script|<style|\sstyle=|\son\w+=", PAGE)
