"""What stands around a plan that was copied from somewhere, taken off: psql's border, a log's prefix, CSV quotes."""

from __future__ import annotations

import re
from typing import Literal

from perfctl.errors import UsageError

Form = Literal["json", "text", "xml", "yaml"]

_LOGGED = re.compile(r"duration: [\d.]+ ms\s+plan:\s*$")
_HEADER = re.compile(r'^[\s|│"]*QUERY PLAN[\s|│"]*$')
_RULE = frozenset(" |│├┼┤╞╪╡+-─═┌┐└┘┬┴=")
_RECORD = re.compile(r"^[-─]\[ RECORD \d+ \][-─+┬]*$")
_IN_RECORD = re.compile(r"^(?:QUERY PLAN)?\s*[|│] ?")
_FOOTER = re.compile(r"^\s*\(\d+ [^\W\d]+\)\s*$")
_CONTINUED = ("+", "↵")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_FENCE = re.compile(r"^\s*```\w*\s*$")


def unwrapped(text: str) -> str:
    """The plan alone, each line of it at the line number that it had."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    lines = ["" if _FENCE.match(line) else line for line in lines]
    for take_off in (_out_of_log, _out_of_quotes, _out_of_table):
        lines = take_off(lines)
    return "\n".join(lines)


def form_of(content: str) -> Form:
    """The form that an unwrapped plan is in, by how it begins."""
    start = content.lstrip()
    if start[:1] in ("{", "["):
        return "json"
    if start.startswith(("<explain", "<?xml")):
        return "xml"
    return "yaml" if re.search(r"^(?:- )? *Plan: ?$", content, re.MULTILINE) else "text"


def _out_of_log(lines: list[str]) -> list[str]:
    """What auto_explain logged, without the prefix of its first line and the tabs of the others."""
    begins = [number for number, line in enumerate(lines) if _LOGGED.search(line)]
    if not begins:
        return lines
    if len(begins) > 1:
        raise UsageError(
            f"there are {len(begins)} plans, at the lines {', '.join(str(number + 1) for number in begins[:5])}"
            f"{' ...' if len(begins) > 5 else ''}",
            hint="give one plan at a time; perfctl db slow --log reads a whole log",
        )
    first = begins[0] + 1
    logged = lines[first:]
    if logged and logged[0].startswith("\t"):
        end = next((number for number, line in enumerate(logged) if not line.startswith("\t")), len(logged))
        logged = [line[1:] for line in logged[:end]]
    return [""] * first + logged


def _out_of_quotes(lines: list[str]) -> list[str]:
    """The cells of a CSV file, or of lines that were copied from pgAdmin: each in quotes."""
    start = next((number for number, line in enumerate(lines) if line.strip() and not _HEADER.match(line)), None)
    if start is None or _is_rule(lines[start]) or not _is_quoted(lines, start):
        return lines
    text, place, cells = "\n".join(lines[start:]), 0, []
    while place < len(text):
        quoted = _QUOTED.match(text, place)
        if quoted:
            cells.append(quoted[1].replace('""', '"'))
            place = quoted.end()
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if not quoted:
            cells.append(text[place:end])
        place = end + 1
    return [""] * start + "\n".join(cells).split("\n")


def _is_quoted(lines: list[str], start: int) -> bool:
    """Whether the first line is a cell in quotes, or one below it in a file that has psql's header."""
    if lines[start].startswith('"'):
        return True
    has_header = start > 0 and any(_HEADER.match(line) for line in lines[:start])
    return has_header and any(line.startswith('"') for line in lines[start:])


def _out_of_table(lines: list[str]) -> list[str]:
    """The rows of a table that psql drew under `QUERY PLAN`, in any of its borders, without the count under them."""
    if any(_RECORD.match(line) for line in lines):
        return _whole(["" if _RECORD.match(line) else _IN_RECORD.sub("", line, count=1) for line in lines])
    header = next((number for number, line in enumerate(lines) if _HEADER.match(line)), None)
    if header is None:
        return _to_footer(lines)
    first = header + 1
    if first < len(lines) and _is_rule(lines[first]):
        first += 1
    rows = _to_footer(lines[first:], is_table=True)
    return [""] * first + _cells(rows)


def _to_footer(lines: list[str], *, is_table: bool = False) -> list[str]:
    end = next((n for n, line in enumerate(lines) if _FOOTER.match(line) or (is_table and _is_rule(line))), len(lines))
    return lines[:end]


def _cells(rows: list[str]) -> list[str]:
    """What stands in the rows: without the border, the blank beside it and psql's marks of a line that goes on."""
    filled = [row for row in rows if row.strip()]
    if filled and all(row.lstrip()[:1] in ("|", "│") for row in filled):
        rows = [row.strip()[1:].removesuffix("|").removesuffix("│") for row in rows]
        filled = [row for row in rows if row.strip()]
    rows = _whole(rows)
    if filled and all(row.startswith(" ") for row in filled):
        rows = [row[1:] for row in rows]
    return rows


def _whole(rows: list[str]) -> list[str]:
    """The rows of one cell that goes on over several lines, without psql's marks of that."""
    filled = [row for row in rows if row.strip()]
    if len(filled) > 1 and all(row.rstrip().endswith(_CONTINUED) for row in filled[:-1]):
        return [_without_mark(row) for row in rows]
    return rows


def _without_mark(row: str) -> str:
    bare = row.rstrip()
    return bare[:-1].rstrip() if bare.endswith(_CONTINUED) else bare


def _is_rule(line: str) -> bool:
    """Whether it is a line that psql rules a table with."""
    return ("---" in line or "───" in line or "═══" in line) and _RULE.issuperset(line.strip())
