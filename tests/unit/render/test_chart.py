"""Curves as letters: where they stand, what a small terminal gets, how overlapping ones are told apart."""

from __future__ import annotations

import re

import pytest

from perfctl.render.chart import draw
from perfctl.render.chart_svg import svg_of
from perfctl.render.ticks import label_of, ticks_between
from perfctl.render.view import Chart, Curve

CHART = Chart((Curve("a", ((10, 1.0), (1000, 0.0))), Curve("b", ((10, 0.5), (1000, 0.5)))), "entries", "miss ratio")


def test_a_curve_falls_from_corner_to_corner() -> None:
    lines = draw(CHART, width=32, colour=False, ascii_only=True).splitlines()
    assert lines == [
        "miss ratio:  * a   + b",
        "     +-------------------------+",
        "100 %+*                        |",
        "     | **                      |",
        "     |   **                    |",
        " 75 %+     **                  |",
        "     |       **                |",
        "     |         **              |",
        " 50 %++++++++++++++++++++++++++|",
        "     |             **          |",
        "     |               **        |",
        " 25 %+                 **      |",
        "     |                   **    |",
        "     |                     **  |",
        "  0 %+                       **|",
        "     ++-----------+-----------++",
        "     10          100         1k",
        "            entries",
    ]


@pytest.mark.parametrize("width", [30, 80, 100, 400])
@pytest.mark.parametrize("colour", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    drawn = draw(CHART, width=width, colour=colour, ascii_only=False)
    lines = re.sub(r"\x1b\[\d*m", "", drawn).splitlines()
    assert max(len(line) for line in lines) == min(width, 100)
    assert ("\x1b" in drawn) == colour


@pytest.mark.parametrize("points", [((5, 0.3),), ((5, 0.0), (6, 1.0)), ((1, 1.0), (10**18, 0.0))])
def test_a_point_and_the_widest_range_are_drawn(points: tuple[tuple[float, float], ...]) -> None:
    chart = Chart((Curve("a", points),), "entries", "miss ratio")
    for colour in (True, False):
        assert draw(chart, width=80, colour=colour, ascii_only=False)
    assert svg_of(chart, title="t").count("<circle") == len(points)


def test_more_curves_than_colours_are_drawn() -> None:
    chart = Chart(tuple(Curve(f"c{i}", ((1, i / 20), (9, i / 20))) for i in range(20)), "entries", "miss ratio")
    assert "c19" in draw(chart, width=80, colour=True, ascii_only=False)
    assert "c19" in svg_of(chart, title="t")


def test_labels_of_an_axis_are_round() -> None:
    assert [label_of(tick) for tick in ticks_between(1, 10**7, at_most=8)] == [
        "1", "10", "100", "1k", "10k", "100k", "1M", "10M",
    ]  # fmt: skip
    assert ticks_between(3, 4, at_most=8) == [3, 4]
