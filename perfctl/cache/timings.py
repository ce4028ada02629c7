"""How long the operations of a cache took, by namespace; a hit in the process is not timed: the clock takes longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.recording.histogram import Histogram, merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfctl.recording.registry import Recorder, Registry

_TIMED = {"reads": ("l2", "get"), "writes": ("l2", "set"), "factories": ("none", "compute")}
"""Attribute of `Timings`: tier and operation."""


class Timings:
    """The durations of one namespace: `cache.operation.duration`, each series bound when it is first used."""

    reads: Recorder
    """How long the server took to answer reads."""
    writes: Recorder
    """How long it took to take writes."""
    factories: Recorder
    """How long missing values took to compute."""

    def __init__(self, registry: Registry, namespace: str) -> None:
        self._registry, self._namespace = registry, namespace

    def __getattr__(self, name: str) -> Recorder:
        if name not in _TIMED:
            raise AttributeError(name)
        tier, operation = _TIMED[name]
        recorder = self._registry.histogram(
            "cache.operation.duration", namespace=self._namespace, tier=tier, operation=operation
        )
        setattr(self, name, recorder)
        return recorder


def total(timings: Iterable[Timings], name: str) -> Histogram:
    """What all namespaces recorded together; nothing is bound for those that recorded nothing."""
    return merged(vars(each)[name].total() for each in timings if name in vars(each))
