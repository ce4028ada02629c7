"""What a metric is called outside: OpenTelemetry's name where a convention is stable, else ours, in plain letters.

Sources: the OpenTelemetry semantic conventions for HTTP server and database client metrics, and the OpenTelemetry
specification's "Prometheus and OpenMetrics compatibility" (dots become underscores, the unit stands at the end).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from perfctl.recording.catalogue import Metric

Kind = Literal["counter", "gauge", "histogram"]

_OURS = "perfctl"
_UNITS = {"s": "seconds", "seconds": "seconds", "bytes": "bytes", "B": "bytes", "ratio": "ratio"}
_LABELS: Mapping[str, Mapping[str, str]] = {
    "http.server.request.duration": {
        "method": "http_request_method",
        "route": "http_route",
        "status": "http_response_status_code",
    },
}
"""Labels whose names a stable convention says, by the convention's metric."""
_CONSTANT: Mapping[str, Mapping[str, str]] = {"db.client.operation.duration": {"db_system_name": "postgresql"}}
"""Labels that a stable convention asks for, and whose value never changes here."""


@dataclass(frozen=True, slots=True)
class Family:
    """The lines of one metric: what they are called, and what is said of them."""

    name: str
    """Without `_total`."""
    kind: Kind
    unit: str
    """`seconds`, `bytes`, `ratio`, or nothing; where there is one, the name ends in it."""
    help: str
    labels: Mapping[str, str]
    """What a label of ours is called; others keep their name."""
    constant: Mapping[str, str]


@cache
def family(name: str, kind: Kind) -> Family:
    """The family of a metric of the catalogue, or of one that is not in it."""
    metric = _catalogue().get(name)
    otel = metric.otel if metric else None
    unit = _UNITS.get(metric.unit, "") if metric else ""
    base = letters(otel) if otel else letters(name if name.startswith(f"{_OURS}.") else f"{_OURS}.{name}")
    return Family(
        name=base if not unit or base.endswith(f"_{unit}") else f"{base}_{unit}",
        kind=kind,
        unit=unit,
        help=metric.help if metric else "",
        labels=_LABELS.get(otel or "", {}),
        constant=_CONSTANT.get(otel or "", {}),
    )


def letters(name: str) -> str:
    """A name in the letters that Prometheus allows.

    >>> letters("cache.hit-ratio")
    'cache_hit_ratio'
    """
    plain = re.sub(r"[^a-zA-Z0-9_:]", "_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain


@cache
def _catalogue() -> Mapping[str, Metric]:
    from perfctl.recording.catalogue import BY_NAME

    return BY_NAME


def catalogued_unit(name: str) -> str:
    """The unit in which the catalogue keeps a metric; empty for a count, or for what it does not know."""
    metric = _catalogue().get(name)
    return metric.unit if metric else ""
