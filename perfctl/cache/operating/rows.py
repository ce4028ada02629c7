"""Entries from elsewhere than a file of entries: the rows of a query, the calls of a cached function."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from perfctl.cache.functions.templates import Template
from perfctl.cache.preloading.preload import BadEntry, Entry, no_constant
from perfctl.errors import UsageError


class RowReader:
    """Makes entries of a query's rows: the key from a template of its columns (`user:{id}`, `{name:lower}`), the
    value from one column, or from all of them (`row`)."""

    def __init__(self, template: str, value: str = "row", *, start: int = 0) -> None:
        """`start`: how many rows were passed over before the first one."""
        self._text = template
        self._value = value
        self._number = start
        self._template: Template | None = None

    def read(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Entry | BadEntry]:
        """The entries of some rows. UsageError for a column that there is not."""
        for row in rows:
            self._number += 1
            yield self._entry(row, f"row {self._number}")

    def _entry(self, row: Mapping[str, Any], where: str) -> Entry | BadEntry:
        template = self._template or self._compiled(row)
        absent = next((name for name in sorted(template.names) if row[name] is None), None)
        if absent is not None:
            return BadEntry(where, f"column {absent!r} is NULL, and the key is made of it")
        try:
            key = template.fill(row)
        except UsageError as error:
            return BadEntry(where, error.message)
        if not key:
            return BadEntry(where, "the key is empty")
        return Entry(where, key, dict(row) if self._value == "row" else row[self._value])

    def _compiled(self, row: Mapping[str, Any]) -> Template:
        columns = tuple(row)
        if self._value != "row" and self._value not in row:
            near = get_close_matches(self._value, columns, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(columns)}"
            raise UsageError(f"--value: the query has no column {self._value!r}", hint=hint, where="--value")
        self._template = Template(self._text, columns, "--key")
        if not self._template.names:
            raise UsageError(
                f"--key: {self._text!r} names no column, so that all rows would have one key",
                hint=f"such as 'user:{{{columns[0]}}}'; its columns are {', '.join(columns)}",
                where="--key",
            )
        return self._template


def read_calls(lines: Iterable[bytes], source: str, *, skip: int = 0) -> Iterator[tuple[Any, ...] | dict[str, Any]]:
    """The arguments of calls, one call a line: a JSON list of arguments, an object of named ones, or the only one.

    UsageError names the line that is no JSON.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if skip:
            skip -= 1
            continue
        try:
            arguments = json.loads(line, parse_constant=no_constant)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{source}:{number}: not JSON: {error}", hint='a line is ["AAPL"], {"symbol": "AAPL"} or "AAPL"'
            ) from error
        if isinstance(arguments, dict):
            yield arguments
        else:
            yield tuple(arguments) if isinstance(arguments, list) else (arguments,)
