"""Conditions as EXPLAIN prints them, taken apart: which column is compared, how, and what is in the way of an index.

PostgreSQL prints every operator in parentheses, `((note ~~ 'abc%'::text) AND (amount = '7'::numeric))`, so a small
reader that knows strings, quoted names and parentheses is enough; what it does not understand is `other`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Kind = Literal["equality", "range", "wildcard", "function", "cast", "subplan", "other"]

_TOKEN = re.compile(
    r"""(?P<string>E?'(?:[^'\\]|''|\\.)*')|(?P<name>"(?:[^"]|"")*"|[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)"""
    r"""|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<param>\$\d+)|(?P<cast>::)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<comma>,)|(?P<dot>\.)|(?P<operator>[-+*/<>=~!@\#%^&|`?]+)|(?P<space>\s+)|(?P<rest>.)""",
    re.VERBOSE,
)
_RANGES = frozenset({"<", "<=", ">", ">="})
_LIKES = frozenset({"~~", "~~*"})
_HIDDEN = frozenset({"wildcard", "function", "cast"})
_NO_INDEX = frozenset({"<>", "!~~", "!~~*", "!~", "!~*"})
_CONSTANT_NAMES = frozenset({"true", "false", "null"})
_KEYWORDS = frozenset({"and", "or", "not", "is", "any", "all", "array", "distinct", "from", "initplan", "hashed"})
_TYPE_WORDS = frozenset({"timestamp", "time", "with", "without", "double", "character", "bit"})
_NUMERIC = ("numeric", "double precision", "real", "bigint", "integer")
_HARMLESS_CASTS = ("text", "character varying", "bpchar", "character")
"""Casts from varchar that cost nothing and that an index sees through; from a number they are not, so a constant of
digits alone tells them apart."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a condition, of those that AND binds."""

    text: str
    kind: Kind
    column: str | None = None
    """The column, without its table's alias."""
    alias: str | None = None
    expression: str | None = None
    """What stands around the column, where it is not the bare column."""
    operator: str | None = None
    against: str | None = None
    """What it is compared with, as it is printed."""
    is_constant: bool = False
    """Whether it is compared with a constant or a parameter of the statement, not with another column."""
    cast: str | None = None
    """The type that the column is cast to."""


@lru_cache(maxsize=512)
def parts(condition: str | None) -> tuple[Condition, ...]:
    """The conditions that AND binds.

    >>> [(one.kind, one.column) for one in parts("((note ~~ '%b%'::text) AND (amount = '7'::numeric))")]
    [('wildcard', 'note'), ('equality', 'amount')]
    >>> parts("((qty)::numeric = '7'::numeric)")[0].kind, parts("(lower(email) = 'a'::text)")[0].kind
    ('cast', 'function')
    >>> [(one.kind, one.column) for one in parts("((ref = 'a'::text) OR (ref = 'b'::text))")]
    [('equality', 'ref')]
    """
    if not condition:
        return ()
    tokens = _tokens(condition)
    return tuple(_classified(part) for part in _conjuncts(tokens))


Token = tuple[str, str]
Tokens = tuple[Token, ...]


def _tokens(text: str) -> Tokens:
    return tuple((match.lastgroup or "rest", match.group()) for match in _TOKEN.finditer(text))


def _text(tokens: Tokens) -> str:
    return "".join(text for _, text in tokens).strip()


def _bare(tokens: Tokens) -> Tokens:
    """Without blanks at the ends and parentheses around the whole."""
    while True:
        while tokens and tokens[0][0] == "space":
            tokens = tokens[1:]
        while tokens and tokens[-1][0] == "space":
            tokens = tokens[:-1]
        if not (len(tokens) > 2 and tokens[0][1] == "(" and _closing(tokens, 0) == len(tokens) - 1):
            return tokens
        tokens = tokens[1:-1]


def _closing(tokens: Tokens, start: int) -> int:
    """Where the parenthesis that opens at `start` closes."""
    depth = 0
    for place in range(start, len(tokens)):
        if tokens[place][0] == "open":
            depth += 1
        elif tokens[place][0] == "close":
            depth -= 1
            if depth == 0:
                return place
    return len(tokens)


def _split(tokens: Tokens, word: str) -> list[Tokens]:
    """The parts between a keyword, outside of parentheses."""
    found: list[Tokens] = []
    depth, since = 0, 0
    for place, (kind, text) in enumerate(tokens):
        depth += (kind == "open") - (kind == "close")
        if depth == 0 and kind == "name" and text == word:
            found.append(tokens[since:place])
            since = place + 1
    return [*found, tokens[since:]]


def _conjuncts(tokens: Tokens) -> list[Tokens]:
    tokens = _bare(tokens)
    halves = _split(tokens, "AND")
    if len(halves) == 1:
        return [tokens]
    return [one for half in halves for one in _conjuncts(half)]


def _classified(tokens: Tokens) -> Condition:
    """What one part is."""
    tokens = _bare(tokens)
    text = _text(tokens)
    if any(kind == "name" and word == "SubPlan" for kind, word in tokens):
        return Condition(text, "subplan")
    arms = _split(tokens, "OR")
    if len(arms) > 1:
        return _either(text, tuple(_classified(arm) for arm in arms))
    boolean = _boolean(tokens, text)
    if boolean is not None:
        return boolean
    place = _operator(tokens)
    if place is None:
        return Condition(text, "other")
    left, operator, right = _bare(tokens[:place]), tokens[place][1], _bare(tokens[place + 1 :])
    if _is_constant(left) and not _is_constant(right):
        left, right = right, left
    return _compared(text, left, operator, right)


def _either(text: str, arms: tuple[Condition, ...]) -> Condition:
    """What OR binds: hidden from an index where one arm is, found by one where all compare the same column."""
    hidden = next((arm for arm in arms if arm.kind in _HIDDEN and arm.is_constant), None)
    if hidden is not None:
        return replace(hidden, text=text)
    first = arms[0]
    same = all((arm.alias, arm.column) == (first.alias, first.column) for arm in arms)
    found = all(arm.kind in ("equality", "range") and arm.is_constant for arm in arms)
    if not (same and found):
        return Condition(text, "other")
    kind: Kind = "equality" if all(arm.kind == "equality" for arm in arms) else "range"
    return replace(first, text=text, kind=kind)


def _boolean(tokens: Tokens, text: str) -> Condition | None:
    """A bare boolean column, NOT of one, and IS NULL."""
    column = _column(tokens)
    if column:
        return Condition(text, "equality", column[1], column[0], operator="=", is_constant=True)
    if tokens and tokens[0] == ("name", "NOT"):
        column = _column(_bare(tokens[1:]))
        return Condition(text, "equality", column[1], column[0], operator="=", is_constant=True) if column else None
    words = [word for kind, word in tokens if kind == "name"]
    if words[-2:] == ["IS", "NULL"]:
        place = next(at for at, token in enumerate(tokens) if token == ("name", "IS"))
        column = _column(_bare(tokens[:place]))
        if column:
            return Condition(text, "equality", column[1], column[0], operator="IS NULL", is_constant=True)
    return None


def _operator(tokens: Tokens) -> int | None:
    """Where the one comparison stands, outside of parentheses."""
    depth = 0
    for place, (kind, word) in enumerate(tokens):
        depth += (kind == "open") - (kind == "close")
        if depth == 0 and kind == "operator" and (word in _RANGES or "=" in word or "~" in word or word in _NO_INDEX):
            return place
    for place, (kind, word) in enumerate(tokens):
        depth += (kind == "open") - (kind == "close")
        if depth == 0 and kind == "operator" and word in ("@>", "<@", "@@", "&&", "?", "?|", "?&", "<->"):
            return place
    return None


def _compared(text: str, left: Tokens, operator: str, right: Tokens) -> Condition:
    against, constant = _text(right), _is_constant(right)
    alias, column = _column(left) or (None, None)
    if column is not None:
        return Condition(text, _kind(operator, against), column, alias, None, operator, against, constant)
    inner = _first_column(left)
    if inner is None or not constant:
        return Condition(text, "other", expression=_text(left), operator=operator, against=against)
    cast = _cast_of_column(left)
    is_like = operator in _LIKES
    if cast is None or (is_like and not _starts_wild(against)):
        kind: Kind = "function" if cast is None else "other"
        return Condition(text, kind, inner[1], inner[0], _text(left), operator, against, constant, cast)
    if cast.startswith(_HARMLESS_CASTS):
        if is_like:
            return Condition(text, "wildcard", inner[1], inner[0], None, operator, against, constant)
        if not re.match(r"'\d+'", against):
            return Condition(text, _kind(operator, against), inner[1], inner[0], None, operator, against, constant)
        return Condition(text, "cast", inner[1], inner[0], _text(left), operator, against, constant, cast)
    kind = "cast" if cast.startswith(_NUMERIC) else "function"
    return Condition(text, kind, inner[1], inner[0], _text(left), operator, against, constant, cast)


def _kind(operator: str, against: str) -> Kind:
    if operator == "=":
        return "equality"
    if operator in _RANGES:
        return "range"
    if operator in _LIKES:
        return "wildcard" if _starts_wild(against) else "range" if operator == "~~" else "other"
    return "other"


def _starts_wild(against: str) -> bool:
    """Whether a pattern begins with a wildcard: nothing to look up in a btree."""
    return re.match(r"E?'[%_]", against) is not None


def _column(tokens: Tokens) -> tuple[str | None, str] | None:
    """Alias and name of a bare column."""
    tokens = _bare(tokens)
    kinds = [kind for kind, _ in tokens]
    if kinds == ["name"] and tokens[0][1].lower() not in _CONSTANT_NAMES | _KEYWORDS:
        return None, _unquoted(tokens[0][1])
    if kinds == ["name", "dot", "name"]:
        return _unquoted(tokens[0][1]), _unquoted(tokens[2][1])
    return None


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _cast_of_column(tokens: Tokens) -> str | None:
    """The type in `(column)::type`, and the outer one in `((column)::bigint)::text`; None where it is anything else."""
    tokens = _bare(tokens)
    if not tokens or tokens[0][1] != "(":
        return None
    closing = _closing(tokens, 0)
    if closing + 1 >= len(tokens) or tokens[closing + 1][0] != "cast":
        return None
    inner = tokens[1:closing]
    if _column(inner) is None and not (_cast_of_column(inner) or "").startswith(_NUMERIC):
        return None
    rest = tokens[closing + 2 :]
    return _text(rest) if all(kind in ("name", "space") for kind, _ in rest) else None


def _first_column(tokens: Tokens) -> tuple[str | None, str] | None:
    """The first column in an expression: a name that is no function, type or keyword."""
    for place, (kind, word) in enumerate(tokens):
        if kind != "name" or word.lower() in _CONSTANT_NAMES | _KEYWORDS or (word.isupper() and word[0] != '"'):
            continue  # PostgreSQL prints names in capitals in quotes, and EXTRACT, COALESCE, CASE without
        after = tokens[place + 1] if place + 1 < len(tokens) else ("", "")
        before = tokens[place - 1] if place else ("", "")
        if after[1] == "(" or before[0] in ("cast", "dot"):
            continue
        if after[0] == "space" and tokens[place + 2 : place + 3] == (("name", "FROM"),):
            continue  # EXTRACT(year FROM created_at)
        if after[0] == "dot" and place + 2 < len(tokens):
            return _unquoted(word), _unquoted(tokens[place + 2][1])
        if before[0] == "space" and place > 1 and tokens[place - 2][1] in _TYPE_WORDS:
            continue  # `timestamp with time zone`
        return None, _unquoted(word)
    return None


def _is_constant(tokens: Tokens) -> bool:
    """Whether it holds no column: constants, parameters, casts of them, ANY of an array, now()."""
    inner = _bare(tokens)
    if not inner:
        return False
    if inner[0] in (("name", "ANY"), ("name", "ALL")):
        inner = _bare(inner[1:])
    return _first_column(inner) is None


def equalities(*conditions: str | None) -> tuple[str, ...]:
    """The columns that are compared for equality with a constant.

    >>> equalities("((country = 'de'::text) AND (city = 'x'::text) AND (score > 3))")
    ('country', 'city')
    """
    found = [one.column for text in conditions for one in parts(text) if one.kind == "equality" and one.is_constant]
    return tuple(dict.fromkeys(column for column in found if column))


def indexable(condition: str | None) -> tuple[Condition, ...]:
    """Those parts that a btree index could find: equality and range on a bare column against a constant."""
    return tuple(one for one in parts(condition) if one.kind in ("equality", "range") and one.is_constant)
