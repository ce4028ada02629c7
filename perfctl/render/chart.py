"""Curves on a terminal: braille in colour, a sign a curve where there is none, nothing but ASCII where that is all."""

from __future__ import annotations

import math

from perfctl.render.ticks import label_of, ticks_between
from perfctl.render.view import Chart, Curve

_ROWS = 13
_MAX_WIDTH = 100
_MIN_WIDTH = 30
_LABELS = {0: "100 %", 3: " 75 %", 6: " 50 %", 9: " 25 %", 12: "  0 %"}
_COLOURS = ("94", "33", "35", "36", "32", "91", "90")
"""Bright blue, yellow, magenta, cyan, green, bright red, grey: readable on black and on white."""
_SIGNS = "*+ox#@%&=~"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille letter, from the top, left and right."""
_ASCII = str.maketrans("┌┐└┘─│┤┬", "++++-|++")


def draw(chart: Chart, *, width: int, colour: bool, ascii_only: bool) -> str:
    """The chart as lines of at most `width` columns; without `colour` not one escape byte is in it."""
    canvas = _Canvas(chart, max(min(width, _MAX_WIDTH), _MIN_WIDTH) - 7, is_fine=colour and not ascii_only)
    for index, curve in enumerate(chart.curves):
        canvas.trace(curve, index)
    rows = [f"{_LABELS.get(row, ''):>5}{'┤' if row in _LABELS else '│'}" for row in range(_ROWS)]
    lines = [
        f"{chart.y_label}:  "
        + "   ".join(_named(canvas, index, curve, colour) for index, curve in enumerate(chart.curves)),
        f"     ┌{'─' * canvas.width}┐",
        *(f"{label}{_cells(canvas, row, colour)}│" for row, label in enumerate(rows)),
        *_ruler(chart, canvas),
    ]
    return "\n".join(line.translate(_ASCII) if ascii_only else line for line in lines)


class _Canvas:
    """A grid of letters, each with the curve that was drawn into it last; fine ones hold two by four dots."""

    def __init__(self, chart: Chart, width: int, *, is_fine: bool) -> None:
        xs = [x for curve in chart.curves for x, _ in curve.points]
        self.width = width
        self.is_fine = is_fine
        self.low, self.high = min(xs), max(xs)
        self.owner: dict[tuple[int, int], int] = {}
        self.dots: dict[tuple[int, int], int] = {}
        self._across, self._down = (2, 4) if is_fine else (1, 1)

    def column(self, x: float) -> float:
        """Where a count stands, in letters from the left."""
        span = math.log10(self.high) - math.log10(self.low)
        share = (math.log10(x) - math.log10(self.low)) / span if span else 0.5
        return share * (self.width - 1)

    def trace(self, curve: Curve, index: int) -> None:
        """Draw a curve over those that are there."""
        places = [(self.column(x) * self._across, (1 - y) * (_ROWS - 1) * self._down) for x, y in curve.points]
        for (x, y), (to_x, to_y) in zip(places, places[1:] or places, strict=False):
            steps = max(1, math.ceil(max(abs(to_x - x), abs(to_y - y))))
            for step in range(steps + 1):
                share = step / steps
                self._dot(int(x + (to_x - x) * share + 0.5), int(y + (to_y - y) * share + 0.5), index)

    def _dot(self, x: int, y: int, index: int) -> None:
        place = y // self._down, x // self._across
        if self.owner.get(place) != index:
            self.dots[place] = 0
        self.owner[place] = index
        self.dots[place] |= _DOTS[y % self._down][x % self._across]


def _cells(canvas: _Canvas, row: int, colour: bool) -> str:
    """A row of the canvas, each run of one curve in its colour."""
    text, painted = "", None
    for column in range(canvas.width):
        index = canvas.owner.get((row, column))
        if colour and index != painted:
            text += ("" if painted is None else "\x1b[0m") + ("" if index is None else _paint(index))
            painted = index
        text += " " if index is None else _letter(canvas, (row, column), index)
    return text + ("" if painted is None else "\x1b[0m")


def _letter(canvas: _Canvas, place: tuple[int, int], index: int) -> str:
    return chr(0x2800 + canvas.dots[place]) if canvas.is_fine else _SIGNS[index % len(_SIGNS)]


def _named(canvas: _Canvas, index: int, curve: Curve, colour: bool) -> str:
    text = f"{'⣀⠤⠒' if canvas.is_fine else _SIGNS[index % len(_SIGNS)]} {curve.name}"
    return f"{_paint(index)}{text}\x1b[0m" if colour else text


def _paint(index: int) -> str:
    return f"\x1b[{_COLOURS[index % len(_COLOURS)]}m"


def _ruler(chart: Chart, canvas: _Canvas) -> list[str]:
    """The axis, the counts below it as far as they fit beside each other, and what they count."""
    axis, labels = ["─"] * canvas.width, [" "] * (canvas.width + 7)
    free = 0
    for tick in ticks_between(canvas.low, canvas.high, at_most=max(2, canvas.width // 9)):
        column, label = round(canvas.column(tick)), label_of(tick)
        start = min(column + 6 - len(label) // 2, len(labels) - len(label))
        if start >= free:
            axis[column] = "┬"
            labels[start : start + len(label)] = label
            free = start + len(label) + 1
    return [f"     └{''.join(axis)}┘", "".join(labels).rstrip(), f"{chart.x_label:^{canvas.width + 7}}".rstrip()]
