"""Curves on a terminal with plotext: braille in colour, a sign a curve where there is none."""

from __future__ import annotations

import math
import re
from typing import Any

from perfctl.render.ticks import label_of, ticks_between
from perfctl.render.view import Chart, Curve

_ROWS = 17
_MAX_WIDTH = 100
_COLOURS = ((12, "blue"), (3, "yellow"), (5, "magenta"), (6, "cyan"), (2, "green"), (9, "red"), (8, "grey"))
_SIGNS = "*+ox#@%&=~"
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_ASCII = str.maketrans("┌┐└┘─│┤├┬┴┼", "++++-|+++++")


def draw(chart: Chart, *, width: int, colour: bool, ascii_only: bool) -> str:
    """The chart as lines of at most `width` columns; without `colour` not one escape byte is in it."""
    import plotext  # type: ignore[import-untyped]  # it has no stubs

    braille = colour and not ascii_only
    figure: Any = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(min(width, _MAX_WIDTH), _ROWS)
    for index, curve in enumerate(chart.curves):
        marker = plotext.marker("braille" if braille else _SIGNS[index % len(_SIGNS)])
        figure.draw(_signal(figure, curve, marker.fill(plotext.pixel(_code(index))) if colour else marker))
    _scale(figure, chart)
    drawn = [_legend(chart, colour=colour, braille=braille), *figure.build().string().splitlines()]
    figure.clear()
    return "\n".join(_clean(row, colour=colour, ascii_only=ascii_only) for row in drawn)


def _signal(figure: Any, curve: Curve, marker: Any) -> Any:
    return figure.signal(
        [math.log10(x) for x, _ in curve.points], [y * 100 for _, y in curve.points], marker=marker
    ).lines()


def _scale(figure: Any, chart: Chart) -> None:
    xs = [x for curve in chart.curves for x, _ in curve.points]
    ticks = ticks_between(min(xs), max(xs), at_most=6)
    figure.ruler("x").ticks([math.log10(tick) for tick in ticks], [label_of(tick) for tick in ticks])
    figure.ruler("y").lim(0, 100).ticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    figure.label(chart.x_label, "x")


def _legend(chart: Chart, *, colour: bool, braille: bool) -> str:
    """What is drawn, and which curve is which."""
    names = []
    for index, curve in enumerate(chart.curves):
        text = f"{'⣀⠤⠒' if braille else _SIGNS[index % len(_SIGNS)]} {curve.name}"
        names.append(f"\x1b[38;5;{_code(index)}m{text}\x1b[0m" if colour else text)
    return f"{chart.y_label}:  {'   '.join(names)}"


def _code(index: int) -> int:
    return _COLOURS[index % len(_COLOURS)][0]


def _clean(row: str, *, colour: bool, ascii_only: bool) -> str:
    plain = row if colour else _ESCAPE.sub("", row)
    return (plain.translate(_ASCII) if ascii_only else plain).rstrip()
