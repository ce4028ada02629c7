"""What a measured figure is called: a metric's name and its labels."""

from __future__ import annotations

from typing import Any, NamedTuple

OTHER = "other"
"""The value of each label of the series that holds what came after the last series that a metric may have."""


class Series(NamedTuple):
    """One line of a metric: `cache.requests{namespace=api, tier=l1, result=hit}`; the labels sorted by name."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def label(self, name: str) -> str | None:
        """The value of one of its labels, or None where it has none of that name."""
        return next((value for label, value in self.labels if label == name), None)

    def with_label(self, name: str, value: str) -> Series:
        """The same with one label more, or another value of it."""
        return series(self.name, **{**dict(self.labels), name: value})

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.labels)
        return f"{self.name}{{{said}}}" if said else self.name


def series(name: str, /, **labels: Any) -> Series:
    """The series of a metric with these labels, in any order; a label that is None is left out.

    >>> str(series("cache.requests", tier="l1", namespace="api"))
    'cache.requests{namespace=api, tier=l1}'
    """
    said = (
        (label, value if type(value) is str else str(value)) for label, value in labels.items() if value is not None
    )
    return Series(name, tuple(sorted(said)))


def other(one: Series) -> Series:
    """The series that stands in for all that a metric may not have: the same labels, each `other`."""
    return Series(one.name, tuple((label, OTHER) for label, _ in one.labels))
