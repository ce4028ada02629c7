"""`--svg FILE` and `--html FILE` of the commands that answer a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.drawn import destination, draw_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfctl.db.model.plans import PlanReport

Svg = Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draw the plan into this file, as SVG.")]
Html = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Draw it with its findings into this file, for a browser.")
]


def pictures_wanted(svg: str | None, html: str | None) -> Callable[[PlanReport], None]:
    """What draws a plan into the files that --svg and --html name; UsageError at once where one cannot be written."""
    svg_path, html_path = destination(svg, "--svg"), destination(html, "--html")

    def draw(report: PlanReport) -> None:
        if svg_path is not None:
            from perfctl.render.plan_svg import svg_of

            draw_into(svg_path, svg_of(report), "--svg")
        if html_path is not None:
            from perfctl.render.plan_html import html_of

            draw_into(html_path, html_of(report), "--html")

    return draw
