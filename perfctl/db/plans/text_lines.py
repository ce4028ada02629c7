"""The lines under a node in EXPLAIN's text, each turned into what its JSON says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Values = dict[str, Any]

_PAIR = re.compile(r"(?:^|  )([A-Z][\w ]{0,30}): (\d+)(?:kB)?(?= |$)")
_BUCKETS = re.compile(
    r"(\d+)(?: \(originally (\d+)\))?  Batches: (\d+)(?: \(originally (\d+)\))?  Memory Usage: (\d+)kB"
)
_SORT = re.compile(r"([\w -]+?)  (Memory|Disk): (\d+)kB")
_GROUPS = re.compile(r"(\d+)  Sort Methods?: ([\w -]+(?:, [\w -]+)*?)(?:  Average.*)?$")
_GROUP_SPACE = re.compile(r"Average (Memory|Disk): (\d+)kB  Peak (?:Memory|Disk): (\d+)kB")
_SAMPLING = re.compile(r"(\S+) \((.*?)\)(?: REPEATABLE \((.*)\))?", re.DOTALL)
_ASSIGNED = re.compile(r"([\w/ ]+?)=(\d+(?:\.\d+)?)(?:,? |$)")
_SETTING = re.compile(r"(?<![\w.])([\w.]{1,120}) = '((?:[^']|'')*)'(?:, |$)")
_QUOTE = re.compile("['\"]")
_KIND = re.compile(r"\b(shared/local|shared|local|temp) ")
_WAL = {"records": "WAL Records", "fpi": "WAL FPI", "bytes": "WAL Bytes", "buffers full": "WAL Buffers Full"}
_HASHED = {"Batches": "HashAgg Batches", "Memory Usage": "Peak Memory Usage"}
_MEMOIZED = {
    "Hits": "Cache Hits",
    "Misses": "Cache Misses",
    "Evictions": "Cache Evictions",
    "Overflows": "Cache Overflows",
    "Memory Usage": "Peak Memory Usage",
}


LONGEST = 2000
"""Characters of a line of figures, at the most: its patterns then take no time to speak of."""


class NoValueError(ValueError):
    """A line that begins like one of EXPLAIN's and goes on otherwise."""


def value_of(key: str, text: str) -> Values:
    """What a line says in the JSON's words. NoValueError where it does not say what such a line says.

    >>> value_of("Sort Method", "external merge  Disk: 104kB")["Sort Space Type"]
    'Disk'
    """
    read = _LINES.get(key)
    if read is None:
        return {key: text}
    if len(text) > LONGEST and read is not _list:
        raise NoValueError(f"it is longer than {LONGEST} characters")
    return read(key, text)


def items_of(text: str) -> list[str]:
    """A list as EXPLAIN writes it, taken apart at the commas that are in no quotes and no parentheses.

    >>> items_of("a, f(b, c), ('x,'::text), \\"d, e\\"")
    ['a', 'f(b, c)', "('x,'::text)", '"d, e"']
    """
    items, start, depth, quote = [], 0, 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0 and text.startswith(" ", place + 1):
            items.append(text[start:place])
            start = place + 2
    return [*items, text[start:]]


def open_quote(text: str, quote: str = "") -> str:
    """The quote that is open at the end of a text, where `quote` was open at its begin; empty where none is.

    >>> open_quote("'it''s \\"so")
    "'"
    """
    for found in _QUOTE.finditer(text):
        quote = found[0] if not quote else "" if found[0] == quote else quote
    return quote


def settings_of(text: str) -> dict[str, str]:
    """`work_mem = '1MB', jit = 'off'` by name."""
    return {found[1]: found[2].replace("''", "'") for found in _SETTING.finditer(text)}


def buffers_in(_key: str, text: str) -> Values:
    """`shared hit=1 read=2, temp written=3`, with those that were left out as 0."""
    from perfctl.db.plans.parts import BLOCKS

    found = {f"{kind.title()} {act.title()} Blocks": count for kind, act, count in _assigned(text)}
    if not found or not found.keys() <= set(BLOCKS):
        raise NoValueError("such as shared hit=1 read=2")
    return {**dict.fromkeys(BLOCKS, 0), **found}


def assigned(text: str) -> dict[str, float]:
    """`time=0.1 ms  output=2kB` by name, without the units."""
    return {found[1]: float(found[2]) for found in re.finditer(r"(\w+)=(\d+(?:\.\d+)?)", text)}


def _assigned(text: str) -> list[tuple[str, str, float]]:
    """(kind, act, figure) of lists behind their kinds: shared, local, temp; no kind where none stands there."""
    parts = _KIND.split(text)
    lists = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    return [(kind, found[1].strip(), float(found[2])) for kind, rest in lists for found in _ASSIGNED.finditer(rest)]


def _timings(_key: str, text: str) -> Values:
    """`read=1.0` (12-14), `shared/local read=1.0, temp read=1.0` (15, 16), `shared read=1.0, local ...` (17 on)."""
    found: Values = {}
    for kind, act, spent in _assigned(text):
        prefix = {"": "", "shared/local": ""}.get(kind, f"{kind.title()} ")
        found[f"{prefix}I/O {act.title()} Time"] = spent
    return _some(found, "such as shared read=1.0")


def _wal(_key: str, text: str) -> Values:
    found = {_WAL[name]: value for _, name, value in _assigned(text) if name in _WAL}
    return {"WAL Records": 0, "WAL FPI": 0, "WAL Bytes": 0, **_some(found, "such as records=1 bytes=59")}


def _number(key: str, text: str) -> Values:
    try:
        return {key: float(text)}
    except ValueError as error:
        raise NoValueError("a number") from error


def _truth(key: str, text: str) -> Values:
    return {key: text == "true"}


def _list(key: str, text: str) -> Values:
    return {key: items_of(text)}


def _sort_method(_key: str, text: str) -> Values:
    found = _SORT.fullmatch(text)
    if found is None:
        raise NoValueError("such as quicksort  Memory: 25kB")
    return {"Sort Method": found[1], "Sort Space Type": found[2], "Sort Space Used": int(found[3])}


def _sort_groups(key: str, text: str) -> Values:
    found = _GROUPS.match(text)
    if found is None:
        raise NoValueError("such as 3  Sort Method: quicksort  Average Memory: 25kB  Peak Memory: 25kB")
    space = {
        f"Sort Space {kind}": {"Average Sort Space Used": int(average), "Peak Sort Space Used": int(peak)}
        for kind, average, peak in _GROUP_SPACE.findall(text)
    }
    return {key: {"Group Count": int(found[1]), "Sort Methods Used": found[2].split(", "), **space}}


def _buckets(_key: str, text: str) -> Values:
    found = _BUCKETS.fullmatch(text)
    if found is None:
        raise NoValueError("such as 1024  Batches: 1  Memory Usage: 9kB")
    buckets, first_buckets, batches, first_batches, memory = found.groups()
    return {
        "Hash Buckets": int(buckets),
        "Original Hash Buckets": int(first_buckets or buckets),
        "Hash Batches": int(batches),
        "Original Hash Batches": int(first_batches or batches),
        "Peak Memory Usage": int(memory),
    }


def _pairs(renamed: Mapping[str, str]) -> Callable[[str, str], Values]:
    def read(key: str, text: str) -> Values:
        found = {renamed.get(name, name): int(count) for name, count in _PAIR.findall(f"{key}: {text}")}
        return _some(found, "such as 1  Memory Usage: 24kB")

    return read


def _heap_blocks(_key: str, text: str) -> Values:
    found = {f"{name.strip().title()} Heap Blocks": count for _, name, count in _assigned(text)}
    return {"Exact Heap Blocks": 0, "Lossy Heap Blocks": 0, **_some(found, "such as exact=1 lossy=2")}


def _tuples(_key: str, text: str) -> Values:
    return _some({f"Tuples {name.title()}": count for _, name, count in _assigned(text)}, "such as inserted=1")


def _storage(_key: str, text: str) -> Values:
    kind, _, used = text.partition("  Maximum Storage: ")
    if not used.endswith("kB") or not used[:-2].isdigit():
        raise NoValueError("such as Memory  Maximum Storage: 17kB")
    return {"Storage": kind, "Maximum Storage": int(used[:-2])}


def _sampling(_key: str, text: str) -> Values:
    found = _SAMPLING.fullmatch(text)
    if found is None:
        raise NoValueError("such as system ('10'::real)")
    seed = {"Repeatable Seed": found[3]} if found[3] else {}
    return {"Sampling Method": found[1], "Sampling Parameters": items_of(found[2]), **seed}


def _some(found: Values, wanted: str) -> Values:
    if not found:
        raise NoValueError(wanted)
    return found


_NUMBERS = (
    *("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck"),
    *("Rows Removed by Conflict Filter", "Workers Planned", "Workers Launched", "Heap Fetches", "Index Searches"),
    *("Subplans Removed", "Tuples Inserted", "Conflicting Tuples"),
)
_LISTED = ("Output", "Sort Key", "Presorted Key", "Group Key", "Hash Key", "Params Evaluated")
_LINES: Mapping[str, Callable[[str, str], Values]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys((*_LISTED, "Conflict Arbiter Indexes"), _list),
    **dict.fromkeys(("Inner Unique", "Single Copy", "Disabled"), _truth),
    **dict.fromkeys(("Full-sort Groups", "Pre-sorted Groups"), _sort_groups),
    **dict.fromkeys(("Planned Partitions", "Batches"), _pairs(_HASHED)),
    "Hits": _pairs(_MEMOIZED),
    "Sort Method": _sort_method,
    "Buckets": _buckets,
    "Heap Blocks": _heap_blocks,
    "Buffers": buffers_in,
    "I/O Timings": _timings,
    "WAL": _wal,
    "Tuples": _tuples,
    "Storage": _storage,
    "Sampling": _sampling,
}
"""By what stands before the colon; a line with another key is one value, as it is."""
