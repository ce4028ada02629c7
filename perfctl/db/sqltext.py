"""What an SQL text is made of, by PostgreSQL's own lexical rules: tokens, statements, placeholders, a normal form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Literal

from perfctl.db.normalform import normal_form
from perfctl.errors import RefusedError, UsageError

Kind = Literal[
    "space", "comment", "string", "identifier", "word", "number", "parameter", "placeholder", "percent", "symbol"
]

# Letters are all but ASCII's others: said this way round, for a class that ends at U+10FFFF takes 5 ms to compile.
_NAME, _IN_NAME, _IN_TAG = r"[^\x00-@\[-\^`{-\x7f]", r"[^\x00-#%-/:-@\[-\^`{-\x7f]", r"[^\x00-/:-@\[-\^`{-\x7f]"
_WORD = rf"{_NAME}{_IN_NAME}*+"
_SPACE = r"[ \t\n\r\f\v]"
_LINE_COMMENT = r"--[^\n\r]*+"
# Adjacent literals are one when only white space with a line break stands between them, and the later parts
# follow the escape rules of the first: this decides where E'a'\n'b\'' ends.
_CONTINUED = rf"(?:[ \t\f\v]|{_LINE_COMMENT})*+[\n\r](?:{_SPACE}|{_LINE_COMMENT}[\n\r])*+'"
_ESCAPED = r"(?:[^'\\]|\\.|'')*+'"
_TOKEN = re.compile(
    "|".join(
        (
            rf"(?P<space>{_SPACE}++)",
            rf"(?P<comment>{_LINE_COMMENT}|/\*)",
            rf"(?P<string>[eE]'{_ESCAPED}(?:{_CONTINUED}{_ESCAPED})*+|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+')",
            r'(?P<identifier>(?:[uU]&)?"(?:[^"]|"")*+")',
            rf"(?P<word>{_WORD})",
            r"(?P<number>(?:\d|\.\d)(?:[\d_.]|[eE][+-]?\d|[xXoObB][0-9a-fA-F])*+)",
            r"(?P<parameter>\$\d++)",
            rf"(?P<dollar>\$(?:{_NAME}{_IN_TAG}*+)?\$)",
            r"(?P<percent>%%)",
            rf"(?P<placeholder>%s(?!{_IN_NAME}))",
            r"(?P<unfinished>[eE]'|(?:[bBxXnN]|[uU]&)?'|(?:[uU]&)?\")",
            r"(?P<symbol>.)",
        )
    ),
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")

READING_VERBS = frozenset({"select", "values", "table", "with"})
WRITING_VERBS = frozenset({"insert", "update", "delete", "merge"})
_NOT_BEFORE_A_NEW_TABLE = frozenset({"as", ".", "insert", "merge"})
# Where none of these stands, a literal is what the next line takes for one.
_HARD = re.compile(r"--|/\*|[\\\"$\n\r]")
_LITERAL = re.compile(
    rf"(?:(?<!{_IN_NAME})[eEbBxXnN])?'(?:[^']|'')*+'"
    rf"|(?<!{_IN_NAME})(?<!\.)(?<![eE][+-])\d++(?![A-Za-z0-9_.])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an SQL text; the texts of all tokens, joined, are the text again."""

    kind: Kind
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that may be explained: its text without EXPLAIN and semicolon, and its first keyword."""

    text: str
    verb: str
    offset: int
    """How many characters of the original text stand before it."""
    makes_table: bool = False
    """SELECT ... INTO: PostgreSQL lets EXPLAIN ANALYZE of it through in a READ ONLY transaction."""
    parameters: int = 0
    """How many `$1`, `$2` ... stand in it without a value, as pg_stat_statements writes texts."""


def tokens(sql: str) -> Iterator[Token]:
    """The text in pieces; a literal or comment that never ends reaches to the end of the text.

    >>> [token.text for token in tokens("SELECT '%s' -- ?")]
    ['SELECT', ' ', "'%s'", ' ', '-- ?']
    """
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        assert match is not None  # noqa: S101 - the last alternative takes any character
        kind, end = _bounded(sql, match)
        yield Token(kind, sql[at:end], at)
        at = end


def statements(sql: str) -> tuple[str, ...]:
    """The statements of a text, cut at semicolons outside of literals and comments; empty ones are left out.

    >>> statements("SELECT ';'; -- the end;")
    ("SELECT ';'",)
    """
    parts: list[list[Token]] = [[]]
    for token in tokens(sql):
        if token.text == ";" and token.kind == "symbol":
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple("".join(token.text for token in part).strip() for part in parts if any(map(_matters, part)))


def explainable(sql: str) -> Statement:
    """The one statement of the text, an EXPLAIN around it taken off.

    RefusedError where there are several, or where its kind cannot be explained safely.
    """
    found = statements(sql)
    if not found:
        raise UsageError("the SQL text holds no statement", hint="give a SELECT, as an argument, with -f FILE or as -")
    if len(found) > 1:
        raise RefusedError(
            f"the SQL text holds {len(found)} statements, and one is explained at a time",
            hint=f"the first is: {one_line(found[0], 60)}",
        )
    offset = sql.index(found[0])
    inner = _unwrapped([token for token in tokens(found[0]) if _matters(token)])
    text = found[0][inner[0].start :] if inner else ""
    verb = next((token.text.lower() for token in inner if token.text != "("), "")
    if verb not in READING_VERBS | WRITING_VERBS:
        raise RefusedError(
            f"a statement that begins with {verb.upper() or 'nothing'} is not explained",
            hint="SELECT, VALUES, TABLE, WITH, INSERT, UPDATE, DELETE and MERGE are",
        )
    return Statement(
        text,
        verb,
        offset + inner[0].start,
        makes_table=verb in READING_VERBS and _says_into(inner),
        parameters=max((_number_of(piece) for piece in inner if piece.kind == "parameter"), default=0),
    )


@lru_cache(maxsize=1024)
def is_read(sql: str) -> bool:
    """Whether the text is one statement that says nothing of writing: its rows may be kept in a cache."""
    words = [token.text.lower() for token in tokens(sql) if _matters(token) and token.kind in ("word", "symbol")]
    while words and words[-1] == ";":
        words.pop()
    verb = next((word for word in words if word != "("), "")
    locks = any(pair in (("for", "update"), ("for", "share"), ("for", "no"), ("for", "key")) for pair in _pairs(words))
    return verb in READING_VERBS and not locks and ";" not in words and not (WRITING_VERBS | {"into"}) & set(words)


def one_line(sql: str, length: int | None = None) -> str:
    """The text on one line, without comments; at most `length` characters of it."""
    text = "".join(
        " " if token.kind in ("space", "comment") else token.text.replace("\n", " ") for token in tokens(sql)
    )
    line = " ".join(text.split())
    return line if length is None or len(line) <= length else line[: length - 1].rstrip() + "…"


def fingerprint(sql: str) -> str:
    """Sixteen hexadecimal digits that are the same for texts that differ only in values, case and layout.

    Texts that come over and over with other values cost a tenth of the first of them.

    >>> fingerprint("SELECT * FROM t WHERE a IN (1, 2)") == fingerprint("select *  from T where a in ($1)")
    True
    """
    return _hash(_LITERAL.sub("$1", sql) if _HARD.search(sql) is None else sql)


@lru_cache(maxsize=4096)
def _hash(sql: str) -> str:
    return blake2b(normal_form(sql).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _bounded(sql: str, match: re.Match[str]) -> tuple[Kind, int]:
    """The kind of the token that begins with the match, and where it ends."""
    kind = match.lastgroup
    if kind == "comment" and match.group() == "/*":
        return "comment", _comment_end(sql, match.end())
    if kind == "dollar":
        end = sql.find(match.group(), match.end())
        return "string", len(sql) if end < 0 else end + len(match.group())
    if kind == "unfinished":
        return "string", len(sql)
    return kind, match.end()  # type: ignore[return-value]


def _comment_end(sql: str, at: int) -> int:
    """Where a comment ends whose opening is before `at`: they nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _matters(token: Token) -> bool:
    return token.kind not in ("space", "comment")


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    return pairwise(words)


def _unwrapped(pieces: list[Token]) -> list[Token]:
    """What stands inside EXPLAIN, if there is one: options in parentheses, or the old keywords, are taken off."""
    if not pieces or pieces[0].text.lower() != "explain":
        return pieces
    rest = pieces[1:]
    if len(rest) > 1 and rest[0].text == "(" and rest[1].text.lower() not in READING_VERBS | {"("}:
        close = next((i for i, piece in enumerate(rest) if piece.text == ")"), len(rest) - 1)
        return rest[close + 1 :]
    while rest and rest[0].text.lower() in ("analyze", "analyse", "verbose"):
        rest = rest[1:]
    return rest


def _number_of(parameter: Token) -> int:
    """A parameter's number, at most one more than the protocol can count: the server refuses that."""
    return min(int(parameter.text[1:7]), 65_536)


def _says_into(pieces: list[Token]) -> bool:
    """Whether INTO stands there as SELECT's keyword, not as INSERT's, nor as the name behind AS or a dot."""
    return any(
        piece.kind == "word" and piece.text.lower() == "into" and before.text.lower() not in _NOT_BEFORE_A_NEW_TABLE
        for before, piece in pairwise(pieces)
    )
