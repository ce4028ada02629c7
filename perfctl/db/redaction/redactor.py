"""Results that may leave the house: every literal and every name of the user's is replaced, the same one by the same.

What stays: PostgreSQL's own words, node types, numbers that were measured, and the shape of everything. Fingerprints
stay, too, so that a statement can be found again by those who have it. A name that is also a word of PostgreSQL
(a column `name`) gives nothing away, and stays where nothing tells that it is a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from perfctl.db.redaction.kinds import EXPLAIN, SAFE_VALUES, Kind, kind_of
from perfctl.db.redaction.words import POSTGRESQL
from perfctl.db.sqltext import Token, tokens

_Result = TypeVar("_Result")

_STRING, _NUMBER = r"'(?:[^']|'')*'", r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])"
_WORDS = rf'"(?:[^"]|"")+"|[A-Za-z_\u0080-\U0010ffff][\w$]*|{_STRING}|{_NUMBER}'
_ADDRESS = re.compile(r"^[\w.:\[\]-]+:\d+(/.*)?$")
_PLACES = re.compile(
    r"\b[\w.-]+:\d{2,5}(?:/[\w-]+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}\b"
)
"""host:port/database, addresses of IPv4 and IPv6."""
_MEASURE = re.compile(r"-?\d+(?:\.\d+)?(?:\s*(?:B|kB|8kB|MB|16MB|GB|TB|us|ms|s|min|h|d))?", re.IGNORECASE)
_SHORTEST = 4
"""A literal number in a sentence is known by so many digits: shorter ones are counts."""
# Plain English of our own sentences is no name, whatever a table is called.
_ENGLISH_TEXT = "a all an and as at be by for from in is it no not of on or that the this to was which"
_ENGLISH = frozenset(_ENGLISH_TEXT.split())


class Redactor:
    """One consistent renaming. Not to be shared between reports that should not be joined."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` are known from the start: those of the catalog, say."""
        self._names: dict[str, str] = {}
        self._literals: dict[str, str] = {}
        self._pieces: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for name in names:
            self._learn(name)

    def redacted(self, result: _Result) -> _Result:
        """The same result, renamed. All names are gathered first, so that sentences know them, too."""
        for kind, text in _texts(result, "safe"):
            if kind in ("name", "place"):
                self._learn(text)
            elif kind == "sql":
                self.sql(text)
        renamed: _Result = self._walk(result, "safe")
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
        return "".join(self._token(token, POSTGRESQL) for token in tokens(text))

    def label(self, text: str) -> str:
        """What EXPLAIN calls a node, without the names in it."""
        words = POSTGRESQL | EXPLAIN
        return "".join(token.text if token.kind == "number" else self._token(token, words) for token in tokens(text))

    def prose(self, text: str) -> str:
        """A sentence in which the names and literals that are known, and what stands in quotes, are replaced."""
        return self._words().sub(self._known, _PLACES.sub("redacted", text))

    def _walk(self, value: Any, kind: Kind | None) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            owner = type(value)
            return replace(
                value, **{f.name: self._walk(getattr(value, f.name), kind_of(owner, f.name)) for f in fields(value)}
            )
        if isinstance(value, tuple):
            return tuple(self._walk(item, kind) for item in value)
        if isinstance(value, Mapping):
            return {key: self._walk(item, kind) for key, item in value.items()}
        return self._text(value, kind) if isinstance(value, str) else value

    def _text(self, text: str, kind: Kind | None) -> str:
        if kind == "safe" or not text:
            return text
        if kind == "name":
            return self.name(text)
        if kind == "place":
            return "redacted" if _ADDRESS.match(text) else self._alias(text)
        if kind == "setting":
            return self._setting(text)
        means = {"sql": self.sql, "label": self.label, "prose": self.prose}.get(kind or "")
        return means(text) if means else "redacted"

    def _setting(self, value: str) -> str:
        """A measure or one of PostgreSQL's own words; anything else may be a path, a command or a name."""
        words = [word.strip().lower() for word in value.split(",")]
        is_plain = all(not word or word in SAFE_VALUES or _MEASURE.fullmatch(word) for word in words)
        return value if is_plain else "redacted"

    def _learn(self, text: str) -> None:
        if not text or _ADDRESS.match(text):
            return
        self.name(text)
        if not re.fullmatch(r"[\w$.]+", text):
            self._alias(text)
            self._pieces.add(text.lower())
            self._pattern = None

    def _token(self, token: Token, words: Collection[str]) -> str:
        if token.kind in ("string", "number"):
            alias = self._literal(token.text)
            return f"'{alias}'" if token.kind == "string" else alias
        if token.kind == "identifier":
            return self._alias(_unquoted(token.text))
        if token.kind == "word":
            word = token.text.lower()
            return token.text if word in words and word not in self._names else self._alias(word)
        return "/* ... */" if token.kind == "comment" else token.text

    def _words(self) -> re.Pattern[str]:
        """What may be replaced in a sentence: first the names that are more than a word, with quotes or without."""
        if self._pattern is None:
            longest = sorted(self._pieces, key=len, reverse=True)
            named = "".join(rf'(?<!\w)"?{re.escape(piece)}"?(?!\w)|' for piece in longest)
            self._pattern = re.compile(named + _WORDS, re.IGNORECASE)
        return self._pattern

    def _known(self, match: re.Match[str]) -> str:
        text = match.group()
        if text.startswith("'"):
            return text if self._is_measure(text[1:-1]) else f"'{self._literal(text)}'"
        if text[0].isdigit() and text.lower() not in self._names:
            return self._literals.get(text, text) if len(text) >= _SHORTEST else text
        name = _unquoted(text)
        if text.startswith('"') or name.lower() in self._pieces:
            return self._alias(name)
        word = name.lower()
        return text if word in _ENGLISH or word in POSTGRESQL else self._names.get(word, text)

    def _is_measure(self, value: str) -> bool:
        """Whether it is advice of ours such as `work_mem = '64MB'`, and stands in no statement."""
        has_unit = _MEASURE.fullmatch(value) is not None and not value[-1:].isdigit()
        return has_unit and value not in self._literals

    def _literal(self, text: str) -> str:
        """The same for a value in quotes and without: EXPLAIN writes `'7'::bigint` for 7."""
        value = text[1:-1] if text.startswith("'") else text
        return self._literals.setdefault(value, f"value{len(self._literals) + 1}")

    def _alias(self, name: str) -> str:
        return self._names.setdefault(name.lower(), f"name{len(self._names) + 1}")


def _texts(value: Any, kind: Kind | None) -> Iterator[tuple[Kind | None, str]]:
    """Every text with what it is."""
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _texts(getattr(value, each.name), kind_of(type(value), each.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item, kind)
    elif isinstance(value, str):
        yield kind, value


def _parts(name: str) -> list[str]:
    """The parts of a name with dots; quotes are taken off."""
    found = re.findall(r'"(?:[^"]|"")*"|[^.]+', name)
    return [_unquoted(part) for part in found] or [name]


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text
