"""Which metrics are looked for: the usual names, and those that the configuration gives to a figure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from perfctl.errors import ConfigError
from perfctl.metrics.collecting.prometheus.names import DURATIONS, OTHERS, REQUESTS, STARTED, Family
from perfctl.metrics.model import FIGURES

_WHERE = "metrics.prometheus_metrics"
_ENDINGS = ("_total", "_count", "_sum", "_bucket")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The families of each figure, the first that a page has counts."""

    durations: tuple[Family, ...] = DURATIONS
    requests: tuple[Family, ...] = REQUESTS
    failures: Family | None = None
    """A counter of failed requests, where no label tells them."""
    others: Mapping[str, Family] = field(default_factory=lambda: dict(OTHERS))
    """Further figures, by name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them, and the time at which the application started."""
        failures = (self.failures,) if self.failures else ()
        return (*(each.name for each in (*self.durations, *self.requests, *failures, *self.others.values())), STARTED)


def wanted_of(given: Iterable[str]) -> Wanted:
    """The usual names, but for what is given as `figure=metric`. ConfigError for what is no such pair."""
    pairs = dict(_pair(each) for each in given)
    duration, requests = pairs.pop("api_response_time_ms", None), pairs.pop("requests_per_second", None)
    failures = pairs.pop("error_rate", None)
    return Wanted(
        durations=(_family(duration),) if duration else () if requests else DURATIONS,
        requests=(_family(requests),) if requests else () if duration else REQUESTS,
        failures=_family(failures) if failures else None,
        others={**OTHERS, **{figure: _family(name) for figure, name in pairs.items()}},
    )


def _pair(text: str) -> tuple[str, str]:
    figure, equals, name = (part.strip() for part in text.partition("="))
    known = [each.name for each in FIGURES]
    if not equals or not name:
        raise ConfigError(f"{_WHERE}: {text!r} is no figure=metric", hint="such as requests_per_second=app_hits_total")
    if figure not in known:
        near = difflib.get_close_matches(figure, known, n=1)
        raise ConfigError(
            f"{_WHERE}: no figure is named {figure!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}",
        )
    return figure, name


def _family(name: str) -> Family:
    """What is asked for by the name of one of its lines is meant as a whole."""
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return Family(name, scale=0.001 if name.endswith(("_ms", "_milliseconds")) else 1.0)
