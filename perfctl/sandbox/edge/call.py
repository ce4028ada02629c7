"""One call of the control plane, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element

from perfctl.sandbox.edge import xml
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import Request
from perfctl.sandbox.edge.problems import ServiceProblem

PATH = "/2020-05-31"
LARGEST_PAGE = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation gets: the account, the request and the names in its path."""

    account: Account
    request: Request
    names: dict[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.request.query, keep_blank_values=True))

    @property
    def if_match(self) -> str | None:
        return self.request.headers.get("if-match")

    def body(self) -> Element:
        """The request's XML; ServiceProblem when it is missing or not well-formed."""
        return xml.parse(self.request.body)

    def location(self, path: str) -> tuple[str, str]:
        """The Location field that names what was made."""
        host = self.request.headers.get("host") or "cloudfront.amazonaws.com"
        return ("Location", f"http://{host}{PATH}{path}")

    @property
    def page_size(self) -> int:
        text = self.parameters.get("MaxItems") or str(LARGEST_PAGE)
        if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
            raise ServiceProblem("InvalidArgument", f"MaxItems is not a number of 1 or more: {text[:20]!r}.")
        return min(int(text[:9]), LARGEST_PAGE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An XML document, or bytes as they are, or nothing."""

    status: int = 200
    root: Element | None = None
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list, and where the next page begins."""

    next_marker: str | None
    marker: str
    size: int

    @property
    def is_truncated(self) -> bool:
        return self.next_marker is not None


def page_of(call: Call, items: list[Item], key: Callable[[Item], str]) -> tuple[list[Item], Page]:
    """The page after `Marker`, which is the last key of the page before."""
    marker = call.parameters.get("Marker", "")
    start = 0
    if marker:
        keys = [key(item) for item in items]
        if marker not in keys:
            raise ServiceProblem("InvalidArgument", f"Marker is not an item of the list: {marker[:80]!r}.")
        start = keys.index(marker) + 1
    size = call.page_size
    shown = items[start : start + size]
    more = len(items) > start + size
    return shown, Page(key(shown[-1]) if more else None, marker, size)
