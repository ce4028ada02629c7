"""Results that may leave the house: every literal and every name of the user's is replaced, the same one by the same.

What stays: PostgreSQL's own words, node types, numbers that were measured, and the shape of everything. Fingerprints
stay, too, so that a statement can be found again by those who have it. A name that is also a word of PostgreSQL
(a column `name`) gives nothing away, and stays where nothing tells that it is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from perfctl.db.sqltext import Token, tokens
from perfctl.db.words import POSTGRESQL

_Result = TypeVar("_Result")

NAME_FIELDS = frozenset((
    "relation", "alias", "index", "schema", "username", "database", "application", "client", "server", "column",
    "function", "host", "table", "role", "cte_name",
))  # fmt: skip
"""Fields that hold one name (or an address)."""
SQL_FIELDS = frozenset((
    "query", "sql", "filter", "condition", "index_condition", "recheck_condition", "hash_condition", "merge_condition",
    "tid_condition", "join_filter", "one_time_filter", "output", "sort_key", "presorted_key", "group_key", "cache_key",
    "run_condition", "order_by", "target_tables", "conflict_filter", "remote_sql", "samples", "query_text", "shape",
))  # fmt: skip
"""Fields that hold SQL, or pieces of it."""
PROSE_FIELDS = frozenset((
    "node", "evidence", "cause", "next_step", "observed", "fix", "objects", "notes", "subplan_name", "object", "wait",
    "name", "text", "details", "value", "setting", "indexes", "title", "error", "label", "path", "reason",
))  # fmt: skip
"""Fields that hold sentences or labels with names in them: what is known as a name elsewhere is replaced in them."""

_WORD = re.compile(r'"(?:[^"]|"")+"|[A-Za-z_\u0080-\U0010ffff][\w$]*|\'(?:[^\']|\'\')*\'')
_ADDRESS = re.compile(r"^[\w.:\[\]-]+:\d+(/.*)?$")
_PLACES = re.compile(
    r"\b[\w.-]+:\d{2,5}(?:/[\w-]+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}\b"
)
"""host:port/database, addresses of IPv4 and IPv6."""
# Plain English of our own sentences is no name, whatever a table is called.
_ENGLISH_TEXT = "a all an and as at be by for from in is it no not of on or that the this to was which"
_ENGLISH = frozenset(_ENGLISH_TEXT.split())


class Redactor:
    """One consistent renaming. Not to be shared between reports that should not be joined."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` are known from the start: those of the catalog, say."""
        self._names: dict[str, str] = {}
        self._literals: dict[str, str] = {}
        for name in names:
            self.name(name)

    def redacted(self, result: _Result) -> _Result:
        """The same result, renamed. All names are gathered first, so that sentences know them, too."""
        for kind, text in _texts(result, ""):
            if kind == "name":
                self._learn(text)
            elif kind == "sql":
                self.sql(text)
        renamed: _Result = self._walk(result, "")
        return renamed

    def name(self, name: str) -> str:
        """What a name is called instead; a name with dots part by part.

        >>> Redactor().name("public.trades")
        'name1.name2'
        """
        return ".".join(self._alias(part) for part in _parts(name))

    def sql(self, text: str) -> str:
        """A statement, or a piece of one, with other names and values.

        >>> Redactor().sql("SELECT price FROM trades WHERE note = 'secret' AND id = 7")
        "SELECT name1 FROM name2 WHERE name3 = 'value1' AND name4 = value2"
        """
        return "".join(self._token(token) for token in tokens(text))

    def prose(self, text: str) -> str:
        """A sentence in which the names that are known, and what stands in quotes, are replaced."""
        return _WORD.sub(self._known, _PLACES.sub("redacted", text))

    def _walk(self, value: Any, field: str) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: self._walk(getattr(value, f.name), f.name) for f in fields(value)})
        if isinstance(value, tuple):
            return tuple(self._walk(item, field) for item in value)
        if isinstance(value, Mapping):
            return {key: self._walk(item, field) for key, item in value.items()}
        return self._text(value, field) if isinstance(value, str) else value

    def _text(self, text: str, field: str) -> str:
        if field in NAME_FIELDS:
            return "redacted" if _ADDRESS.match(text) else self.name(text)
        if field in SQL_FIELDS:
            return self.sql(text)
        return self.prose(text) if field in PROSE_FIELDS else text

    def _learn(self, text: str) -> None:
        if not _ADDRESS.match(text):
            self.name(text)

    def _token(self, token: Token) -> str:
        if token.kind in ("string", "number"):
            alias = self._literals.setdefault(token.text, f"value{len(self._literals) + 1}")
            return f"'{alias}'" if token.kind == "string" else alias
        if token.kind == "identifier":
            return self._alias(_unquoted(token.text))
        if token.kind == "word":
            word = token.text.lower()
            return token.text if word in POSTGRESQL and word not in self._names else self._alias(word)
        return "/* ... */" if token.kind == "comment" else token.text

    def _known(self, match: re.Match[str]) -> str:
        text = match.group()
        if text.startswith("'"):
            return f"'{self._literals.setdefault(text, f'value{len(self._literals) + 1}')}'"
        name = _unquoted(text)
        if text.startswith('"'):
            return self._alias(name)
        word = name.lower()
        return text if word in _ENGLISH or word in POSTGRESQL else self._names.get(word, text)

    def _alias(self, name: str) -> str:
        return self._names.setdefault(name.lower(), f"name{len(self._names) + 1}")


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text that holds names, with what it is."""
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _texts(getattr(value, each.name), each.name)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item, field)
    elif isinstance(value, str):
        if field in NAME_FIELDS:
            yield "name", value
        elif field in SQL_FIELDS:
            yield "sql", value


def _parts(name: str) -> list[str]:
    """The parts of a name with dots; quotes are taken off."""
    found = re.findall(r'"(?:[^"]|"")*"|[^.]+', name)
    return [_unquoted(part) for part in found] or [name]


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text
