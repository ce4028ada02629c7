"""The metrics that a budget may speak of: those of the catalogue, and the ten figures of a snapshot."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from perfctl.metrics.model.figures import FIGURES


class Known(NamedTuple):
    """What a budget has to know of a metric."""

    name: str
    kind: str
    """`counter`, `gauge`, `histogram`, `ratio`, or `figure` for one of the ten."""
    unit: str
    labels: tuple[str, ...]


ALIASES = {"ns": "namespace"}
"""Short names of labels."""

QUANTILES = "p50, p95, p99 (any pNN)"
STATISTICS = {
    "counter": ("rate", "count", "sum"),
    "gauge": ("mean", "max", "min"),
    "histogram": ("mean", "max", "min", "rate", "count", "sum", "share"),
    "ratio": (),
    "figure": (),
}
"""What may be made of a metric, beside the quantiles of a histogram."""

ALL_STATISTICS = ("p50", "p90", "p95", "p99", "mean", "max", "min", "rate", "count", "sum", "share")


@cache
def known_metrics() -> dict[str, Known]:
    """By name: the catalogue, the ratios that are read from it, and the ten figures."""
    from perfctl.metrics.reading import names, unit_of
    from perfctl.recording.catalogue import BY_NAME

    figures = {figure.name for figure in FIGURES}
    kinds = {name: BY_NAME[name].kind if name in BY_NAME else "ratio" for name in names()}
    return {
        name: Known(
            name,
            "figure" if name in figures else kind,
            unit_of(name),
            BY_NAME[name].labels if name in BY_NAME else (),
        )
        for name, kind in kinds.items()
    }
