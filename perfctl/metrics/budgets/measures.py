"""Units of budgets: what a limit may be written in, and what it is in the metric's own unit."""

from __future__ import annotations

from typing import NamedTuple


class _Unit(NamedTuple):
    dimension: str
    scale: float


_UNITS = {
    "": _Unit("count", 1.0),
    "us": _Unit("time", 1e-6),
    "µs": _Unit("time", 1e-6),
    "ms": _Unit("time", 1e-3),
    "s": _Unit("time", 1.0),
    "m": _Unit("time", 60.0),
    "h": _Unit("time", 3600.0),
    "d": _Unit("time", 86_400.0),
    "w": _Unit("time", 604_800.0),
    "B": _Unit("size", 1.0),
    "kB": _Unit("size", 1e3),
    "KB": _Unit("size", 1e3),
    "MB": _Unit("size", 1e6),
    "GB": _Unit("size", 1e9),
    "TB": _Unit("size", 1e12),
    "KiB": _Unit("size", 2.0**10),
    "MiB": _Unit("size", 2.0**20),
    "GiB": _Unit("size", 2.0**30),
    "TiB": _Unit("size", 2.0**40),
    "%": _Unit("ratio", 0.01),
}
_OTHER_NAMES = {"bytes": "B", "percent": "%", "1/s": "/s"}
_RATIOS = ("ratio", "0..1")
WRITTEN = tuple(unit for unit in _UNITS if unit)
"""What may stand behind a number, each of them also as a rate: `MB/s`, `/s`."""

_EXAMPLES = {"time": "50ms or 1.5s", "size": "200MB or 1GiB", "ratio": "0.95 or 95%", "count": "a bare number"}


def known_unit(unit: str) -> bool:
    """Whether this may stand behind a number."""
    return unit.removesuffix("/s") in _UNITS


def in_unit(number: float, written: str, own: str) -> float | None:
    """A number in a unit as it was written, in the metric's own unit; None where the two do not fit.

    What has a bare number for its unit, or a scale in its name (`..._ms`), may go without one, and so may 0.

    >>> in_unit(50, "ms", "s"), in_unit(95, "%", "ratio"), in_unit(200, "", "ms"), in_unit(50, "", "s")
    (0.05, 0.95, 200, None)
    """
    mine, theirs = _unit(own), _unit(written)
    if written == "" and (
        number == 0 or mine.dimension in ("count", "count/s", "ratio") or own in ("ms", "MB", "MB/s")
    ):
        return number
    if mine.dimension != theirs.dimension:
        return None
    return float(f"{number * theirs.scale / mine.scale:.15g}")


def examples(own: str) -> str:
    """How a limit of such a metric is written.

    >>> examples("s")
    '50ms or 1.5s'
    """
    dimension, _, rate = _unit(own).dimension.partition("/")
    if not rate:
        return _EXAMPLES[dimension]
    return {"size": "10MB/s", "count": "100/s or a bare number"}.get(dimension, "0.5s/s")


def is_share(own: str) -> bool:
    """Whether a value of this unit is a ratio of 0..1."""
    return own in _RATIOS


def per_second(own: str) -> str:
    """The unit of a rate.

    >>> per_second("bytes"), per_second("")
    ('bytes/s', '1/s')
    """
    return f"{own}/s" if _unit(own).dimension not in ("count", "ratio") else "1/s"


def shown_number(number: float) -> str:
    """A number as short as it reads back the same: `50`, `0.95`.

    >>> shown_number(50.0), shown_number(0.95)
    ('50', '0.95')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))


def shown(value: float | None, own: str) -> str:
    """A value for eyes: `48.2 ms`, `96.4 %`, `1.25 GB`, `12.4/s`.

    >>> shown(0.0482, "s"), shown(0.964, "ratio"), shown(12.4, "1/s"), shown(None, "s")
    ('48.2 ms', '96.4 %', '12.4/s', '-')
    """
    from perfctl.units import format_bytes, format_duration_ms

    if value is None:
        return "-"
    dimension, _, rate = _unit(own).dimension.partition("/")
    scaled = value * _unit(own).scale
    if dimension == "ratio":
        return f"{scaled * 100:.4g} %"
    text = (
        format_duration_ms(scaled * 1000)
        if dimension == "time"
        else format_bytes(scaled)
        if dimension == "size"
        else f"{scaled:.4g}"
        if abs(scaled) < 10_000
        else f"{scaled:,.0f}".replace(",", " ")
    )
    return f"{text}/s" if rate else text


def _unit(name: str) -> _Unit:
    """A word that is no unit says what is counted: `requests`, `connections`."""
    if name in _RATIOS:
        return _Unit("ratio", 1.0)
    name = _OTHER_NAMES.get(name, name)
    base = name.removesuffix("/s")
    unit = _UNITS.get(_OTHER_NAMES.get(base, base), _Unit("count", 1.0))
    return unit if base == name else _Unit(f"{unit.dimension}/s", unit.scale)
