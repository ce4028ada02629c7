"""The last reading of a server as two rows of numbers: read and written whole, it costs a tenth of rows in a table."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, NamedTuple

from perfctl.db.statements.reading import Counted, Counters, Key

if TYPE_CHECKING:
    import sqlite3

_INTEGERS = 6
"""dbid, userid, toplevel (2: the server cannot tell), queryid, the statement's number, whether it is hidden."""
_FLOATS = len(Counters._fields) + 2
"""The counters, the least and the greatest time; integers of up to 2^53 are exact."""


class Kept(NamedTuple):
    """What the file calls a statement, and whether no list shows it."""

    number: int
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Latest:
    """The statements of the last reading."""

    statements: Mapping[Key, Counted]
    kept: Mapping[Key, Kept]


NOTHING = Latest({}, {})


def load(connection: sqlite3.Connection, server: str) -> Latest:
    """The last reading of a server; empty where there is none."""
    row = connection.execute("SELECT keys, counters FROM latest WHERE server = ?", (server,)).fetchone()
    if row is None:
        return NOTHING
    integers, floats = array("q"), array("d")
    integers.frombytes(row[0])
    floats.frombytes(row[1])
    columns = [integers[place::_INTEGERS] for place in range(_INTEGERS)]
    keys = list(map(Key, columns[0], columns[1], map(_toplevel, columns[2]), columns[3]))
    counted = (_counted(floats[at : at + _FLOATS]) for at in range(0, len(floats), _FLOATS))
    kept = map(Kept, columns[4], map(bool, columns[5]))
    return Latest(dict(zip(keys, counted, strict=True)), dict(zip(keys, kept, strict=True)))


def save(
    connection: sqlite3.Connection, server: str, statements: Mapping[Key, Counted], kept: Mapping[Key, Kept]
) -> None:
    """Put a reading in the place of the one before."""
    integers, floats = array("q"), array("d")
    for key, counted in statements.items():
        integers.extend((key.dbid, key.userid, stored(key.toplevel), key.queryid, *kept[key]))
        floats.extend(counted.counters)
        floats.extend(_edges(counted))
    connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", (server, integers.tobytes(), floats.tobytes()))


def numbers(connection: sqlite3.Connection) -> set[int]:
    """The statements that the last readings of all servers hold."""
    found: set[int] = set()
    for (keys,) in connection.execute("SELECT keys FROM latest"):
        integers = array("q")
        integers.frombytes(keys)
        found.update(integers[4::_INTEGERS])
    return found


def stored(toplevel: bool | None) -> int:
    """As a number: 2 where the server cannot tell."""
    return 2 if toplevel is None else int(toplevel)


def _toplevel(number: int) -> bool | None:
    return None if number == 2 else bool(number)


def _counted(floats: array[float]) -> Counted:
    least, greatest = floats[-2], floats[-1]
    return Counted(
        Counters._make(floats[:-2]), None if isnan(least) else least, None if isnan(greatest) else greatest, None
    )


def _edges(counted: Counted) -> Iterable[float]:
    return (
        nan if counted.min_ms is None else counted.min_ms,
        nan if counted.max_ms is None else counted.max_ms,
    )
