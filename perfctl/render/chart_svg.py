"""Curves as an SVG that needs nothing beside itself: a title to read out, colours that the colour-blind tell apart,
and a dash of its own for each curve where there is no colour."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from perfctl.render.ticks import label_of, ticks_between
from perfctl.render.view import Chart, Curve

_WIDTH, _HEIGHT = 840, 500
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 200, 56, 60
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7f7f7f")
"""Okabe, Ito: Color universal design (2008); yellow left out, which is too pale on white."""
_DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 2", "12 5")
_LEGEND_STEP = 24


def svg_of(chart: Chart, *, title: str) -> str:
    """The chart as the text of a file."""
    scale = _Scale(chart)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" role="img" aria-labelledby="title description" '
            'font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="title">{_text(title)}</title>',
            f'<desc id="description">{_text(_description(chart))}</desc>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="30" font-size="16" font-weight="600">{_text(title)}</text>',
            *_grid(chart, scale),
            *(line for index, curve in enumerate(chart.curves) for line in _curve(curve, index, scale)),
            "</svg>",
            "",
        ]
    )


class _Scale:
    """Where a point stands: x logarithmic, y from 0 to 1."""

    def __init__(self, chart: Chart) -> None:
        xs = [x for curve in chart.curves for x, _ in curve.points]
        self.low, self.high = min(xs), max(xs)
        self._from = math.log10(self.low)
        self._span = math.log10(self.high) - self._from

    def x(self, value: float) -> float:
        share = (math.log10(value) - self._from) / self._span if self._span else 0.5
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(_TOP + (1 - value) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid(chart: Chart, scale: _Scale) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = scale.y(share)
        yield f'<path d="M{_LEFT} {y}H{right}" stroke="#d9d9d9"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{share * 100:.0f} %</text>'
    for tick in ticks_between(scale.low, scale.high, at_most=8):
        x = scale.x(tick)
        yield f'<path d="M{x} {_TOP}V{bottom}" stroke="#ececec"/>'
        yield f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{label_of(tick)}</text>'
    yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#333333"/>'
    yield f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 16}" text-anchor="middle">{_text(chart.x_label)}</text>'
    middle = (_TOP + bottom) / 2
    yield (
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
        f"{_text(chart.y_label)}</text>"
    )


def _curve(curve: Curve, index: int, scale: _Scale) -> Iterator[str]:
    """The line, its points (each says its figures under the pointer), and its row in the legend."""
    colour, dash = _COLOURS[index % len(_COLOURS)], _DASHES[index % len(_DASHES)]
    stroke = f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
    places = [(scale.x(x), scale.y(y)) for x, y in curve.points]
    path = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path d="M{path}" fill="none" {stroke} stroke-linejoin="round"/>'
    for (x, y), (size, ratio) in zip(places, curve.points, strict=True):
        said = f"{curve.name}, {size:,.0f}: {ratio * 100:.1f} %"
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"><title>{_text(said)}</title></circle>'
    left, top = _WIDTH - _RIGHT + 16, _TOP + 8 + index * _LEGEND_STEP
    yield f'<path d="M{left} {top}h32" {stroke}/>'
    yield f'<text x="{left + 40}" y="{top + 4}">{_text(curve.name)}</text>'


def _description(chart: Chart) -> str:
    ends = (
        f"{curve.name} from {curve.points[0][1] * 100:.1f} % at {curve.points[0][0]:,.0f} "
        f"to {curve.points[-1][1] * 100:.1f} % at {curve.points[-1][0]:,.0f}"
        for curve in chart.curves
    )
    return f"{chart.y_label} over {chart.x_label}: {'; '.join(ends)}."


def _text(text: str) -> str:
    """Text for an XML file: escaped, and without the letters that XML does not have."""
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))
