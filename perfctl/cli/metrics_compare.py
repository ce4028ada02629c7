"""`perfctl metrics compare`: is one command slower than another?"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from perfctl.cli.metrics import group
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.metrics.comparing.model import Comparison


class Inconclusive(StrEnum):
    """What becomes of a comparison that cannot tell."""

    passes = "pass"
    fails = "fail"


@group.command("compare", example="perfctl metrics compare --a './app-main bench' --b './app-branch bench' --pairs 30")
def compare(
    run: Run,
    a: Annotated[str, typer.Option("--a", metavar="CMD", help="What was: a command line, in quotes.")],
    b: Annotated[str, typer.Option("--b", metavar="CMD", help="What is judged.")],
    pairs: Annotated[int, typer.Option("--pairs", metavar="N", help="How often each runs.")] = 30,
    measure: Annotated[
        str,
        typer.Option("--measure", metavar="cpu|wall|EXPR", help="What is compared; EXPR: data.took_ms of their JSON."),
    ] = "cpu",
    allow: Annotated[
        str, typer.Option("--allow", metavar="SHARE", help="A breach where B is surely slower than that.")
    ] = "1%",
    detect: Annotated[
        str, typer.Option("--detect", metavar="SHARE", help="A pass where B is surely not slower than that.")
    ] = "10%",
    inconclusive: Annotated[
        Inconclusive, typer.Option("--inconclusive", help="What a comparison that cannot tell comes to.")
    ] = Inconclusive.fails,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Fixes which runs first in each pair.", min=0)
    ] = None,
) -> Comparison:
    """Is B slower than A? A gate for noisy machines: exit 0 when it passes, 1 on a breach or where it cannot tell.

    The commands run in turn, in pairs, in an order that chance decides; a first pair does not count. Of each pair the
    ratio is taken, of the ratios the median, and a bound of 99 % below and above it. Above --allow with its lower
    bound is a breach, below --detect with its upper one a pass, and what is neither is inconclusive: take more
    --pairs.

    cpu is the CPU time of a command and of what it waits for, which a busy machine hardly disturbs; wall is time by
    the clock. What a server does for a command is in neither: measure a number that the command prints, such as
    --measure data.buffers. Both run with sh -c, no input, and their output kept from ours; --timeout limits each run.
    """
    from perfctl.metrics.comparing import compare as compared
    from perfctl.metrics.comparing.comparing import TIMEOUT_SECONDS

    with progress_of(run, "pairs", pairs) as progress:
        result = compared(
            a,
            b,
            pairs=pairs,
            measure=measure,
            allow=_share(allow, "--allow"),
            detect=_share(detect, "--detect"),
            seed=seed,
            timeout_seconds=run.options.timeout_seconds or TIMEOUT_SECONDS,
            progress=progress,
        )
    result = replace(result, inconclusive=inconclusive.value)
    if not result.is_passed:
        run.exit(1)
    return result


def _share(text: str, where: str) -> float:
    """0.05 of `5%` and of `0.05`; 5 alone could be either, and is refused."""
    found = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?)\s*(%?)", text.strip())
    share = float(found[1]) * (0.01 if found[2] else 1.0) if found else -1.0
    if not 0 <= share <= 10 or (found and not found[2] and share > 1):
        raise UsageError(f"{where}: {text!r} is no share", hint="write 5% or 0.05", where=where)
    return float(f"{share:.12g}")
