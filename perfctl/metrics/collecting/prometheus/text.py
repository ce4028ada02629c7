"""Prometheus's text format (0.0.4) and OpenMetrics 1.0, read for the samples of some families."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from perfctl.errors import ServiceError

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+([^ \t]+)(?:[ \t].*)?")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_EXEMPLAR = " # {"


class Sample(NamedTuple):
    """One line: `http_requests_total{method="GET"} 3`."""

    name: str
    labels: tuple[tuple[str, str], ...]
    """Sorted by name."""
    value: float


class Page(NamedTuple):
    """What a page holds of what was wanted."""

    samples: tuple[Sample, ...]
    kinds: dict[str, str]
    """Family -> counter, gauge, histogram, summary, as `# TYPE` says."""
    lines: int
    """Samples of any name."""


def read_page(text: str, wanted: Collection[str], *, where: str = "the page") -> Page:
    """The samples of the wanted names (`x`, `x_bucket`, `x_sum`, `x_count`, `x_total`). Pure.

    A sample that is NaN or infinite says nothing and is left out; a line that does not read is passed over, as are
    histograms that Prometheus alone reads. ServiceError where not one line is a sample: then it is no such page.
    """
    names = {name + ending for name in wanted for ending in ("", "_bucket", "_sum", "_count", "_total")}
    samples: list[Sample] = []
    kinds: dict[str, str] = {}
    lines = 0
    for line in text.splitlines():
        if line.startswith("#"):
            words = line.split(maxsplit=4)
            if len(words) >= 4 and words[1] == "TYPE" and words[2] in names:
                kinds[words[2]] = words[3]
            continue
        name = _NAME.match(line)
        if name is None:
            continue
        lines += 1
        if name[0] in names:
            samples += _sample(line)
    if not lines and text.strip():
        raise ServiceError(f"{where} is not Prometheus's text: no line of it is a sample", hint="is it the right path?")
    if _looks_otherwise(text):
        raise ServiceError(f"{where} is not Prometheus's text: it begins as a page of HTML or JSON")
    return Page(tuple(samples), kinds, lines)


def _looks_otherwise(text: str) -> bool:
    return text.lstrip()[:1] in ("<", "{", "[")


def _sample(line: str) -> Iterator[Sample]:
    found = _SAMPLE.fullmatch(line.partition(_EXEMPLAR)[0].rstrip())
    if found is None:
        return
    try:
        value = float(found[3])
    except ValueError:
        return
    labels = _labels(found[2] or "")
    if labels is not None and math.isfinite(value):
        yield Sample(found[1], labels, value)


def _labels(text: str) -> tuple[tuple[str, str], ...] | None:
    """None where they do not read."""
    pairs: list[tuple[str, str]] = []
    place = 0
    while place < len(text):
        found = _LABEL.match(text, place)
        if found is None:
            return None if text[place:].strip() else tuple(sorted(pairs))
        pairs.append((found[1], _ESCAPED.sub(lambda each: _ESCAPES.get(each[1], each[0]), found[2])))
        place = found.end()
    return tuple(sorted(pairs))
