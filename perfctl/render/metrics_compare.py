"""Drawing a comparison: what it comes to, and a picture of its pairs."""

from __future__ import annotations

from perfctl.metrics.comparing.comparing import percent
from perfctl.metrics.comparing.model import Comparison
from perfctl.render.view import Cell, Facts, Text, Tone, View, view
from perfctl.units import format_duration_ms

_TONES: dict[str, Tone] = {"pass": "good", "breach": "bad", "inconclusive": "warn"}
_WIDTH = 61
_COMMAND = 200
_SHADES = " .:oO@"
_NOTHING = 0.001


def comparison_view(result: Comparison) -> View:
    """The verdict with its reason, both commands, and where the pairs lie."""
    facts = Facts(
        (
            ("verdict", Cell(result.verdict, _TONES[result.verdict])),
            ("change", Cell(f"{percent(result.change)} ({result.measure}, median of {result.pairs} pairs)", "strong")),
            ("bounds", f"{percent(result.lower)} to {percent(result.upper)}, each with 99 %"),
            ("limits", f"breach above {percent(result.allow)}, pass below {percent(result.detect)}"),
            ("A", f"{_amount(result.a_median, result.unit)}  {_command(result.a)}"),
            ("B", f"{_amount(result.b_median, result.unit)}  {_command(result.b)}"),
            ("seed", str(result.seed)),
        )
    )
    return view(facts, Text(picture(result)))


def picture(result: Comparison) -> str:
    """Where the pairs lie, the darker the more, over the bounds of the median and the two limits."""
    changes = sorted(row.change for row in result.rows)
    inner = changes[len(changes) // 20 : len(changes) - len(changes) // 20]
    low = min(inner[0], result.lower, 0.0)
    high = max(inner[-1], result.upper, result.detect)
    span = max(high - low, _NOTHING)

    def column(change: float) -> int:
        return round((min(max(change, low), high) - low) / span * (_WIDTH - 1))

    counts = [0] * _WIDTH
    for change in changes:
        counts[column(change)] += 1
    most = max(counts)
    pairs = "".join(_SHADES[-(-count * (len(_SHADES) - 1) // most)] for count in counts)
    return "\n".join(
        (
            f"pairs   {pairs}".rstrip(),
            f"median  {_between(column(result.lower), column(result.change), column(result.upper))}".rstrip(),
            f"limits  {_marks(column(0.0), column(result.allow), column(result.detect))}".rstrip(),
            f"        {percent(low)}{percent(high).rjust(_WIDTH - len(percent(low)))}",
            "        breach where the bounds lie right of !, pass where they lie left of x",
        )
    )


def _between(lower: int, middle: int, upper: int) -> str:
    line = [" "] * _WIDTH
    line[lower : upper + 1] = "-" * (upper + 1 - lower)
    line[lower], line[upper], line[middle] = "[", "]", "|"
    return "".join(line)


def _marks(zero: int, allow: int, detect: int) -> str:
    line = [" "] * _WIDTH
    line[zero] = "0"
    line[allow], line[detect] = "!", "x"
    return "".join(line)


def _amount(value: float, unit: str) -> str:
    return format_duration_ms(value * 1000) if unit == "s" else f"{value:.4g}"


def _command(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= _COMMAND else line[: _COMMAND - 1] + "…"
