"""A figure over time as an SVG that needs nothing beside itself: this window, and the one before as a dashed line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 10, 26, 22
_NOW, _BEFORE = "#0072b2", "#7f7f7f"
"""Okabe, Ito: Color universal design (2008)."""

Values = Sequence[float | None]


class Series(NamedTuple):
    """What is drawn: equal steps, oldest first; None is a gap."""

    title: str
    unit: str
    now: Values
    before: Values
    start: str
    """The beginning and the end of the window, as they are to be read."""
    end: str


def svg_of(series: Series, *, identity: str) -> str:
    """The chart as an element of a page; `identity` is unlike that of others on the page."""
    top = max((value for value in (*series.now, *series.before) if value is not None), default=0.0)
    scale = top or 1.0
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-labelledby="{identity}-t {identity}-d" font-family="system-ui, sans-serif" font-size="11">',
            f'<title id="{identity}-t">{escape(series.title)}</title>',
            f'<desc id="{identity}-d">{escape(_description(series))}</desc>',
            f'<text x="{_LEFT}" y="16" font-size="13" fill="currentColor">{escape(series.title)}</text>',
            *_frame(series, scale),
            *_line(series.before, scale, f'stroke="{_BEFORE}" stroke-dasharray="4 3" stroke-width="1.2"'),
            *_line(series.now, scale, f'stroke="{_NOW}" stroke-width="2"'),
            "</svg>",
        ]
    )


def _description(series: Series) -> str:
    known = [value for value in series.now if value is not None]
    if not known:
        return f"nothing was measured from {series.start} to {series.end}"
    unit = f" {series.unit}" if series.unit else ""
    low, high = _number(min(known)), _number(max(known))
    return f"from {series.start} to {series.end} between {low} and {high}{unit}; the time before as a dashed line"


def _frame(series: Series, scale: float) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    unit = f" {series.unit}" if series.unit else ""
    for share in (0.0, 1.0):
        y = _y(share * scale, scale)
        yield f'<line x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="currentColor" stroke-opacity="0.25"/>'
        label = _number(share * scale) + (unit if share else "")
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end" fill="currentColor">{escape(label)}</text>'
    yield f'<text x="{_LEFT}" y="{bottom + 16}" fill="currentColor">{escape(series.start)}</text>'
    yield f'<text x="{right}" y="{bottom + 16}" text-anchor="end" fill="currentColor">{escape(series.end)}</text>'


def _line(values: Values, scale: float, style: str) -> Iterator[str]:
    """A line for each stretch that was measured; a dot for one that stands alone."""
    width = (_WIDTH - _LEFT - _RIGHT) / max(len(values) - 1, 1)
    for stretch in _stretches(values):
        points = [(round(_LEFT + place * width, 1), _y(value, scale)) for place, value in stretch]
        if len(points) == 1:
            yield f'<circle cx="{points[0][0]}" cy="{points[0][1]}" r="1.5" fill="none" {style}/>'
        else:
            path = " ".join(f"{x},{y}" for x, y in points)
            yield f'<polyline points="{path}" fill="none" {style}/>'


def _stretches(values: Values) -> Iterator[list[tuple[int, float]]]:
    stretch: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            stretch.append((place, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _y(value: float, scale: float) -> float:
    return round(_TOP + (1 - min(max(value / scale, 0.0), 1.0)) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
