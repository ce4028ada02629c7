"""The shape of a statement: its text without values, case and layout, the same for whoever wrote the values down.

PostgreSQL's log has a statement as it came, with its values; pg_stat_statements has `$1` in place of each constant of
the grammar, and since PostgreSQL 18 one for a whole list. Both are brought to one form here, token by token: that takes
a hundredth of a parser's start-up, and agrees with the server wherever the server's own text is sound (it garbles
`- -1` and `-(3)`).
"""

from __future__ import annotations

import re

VALUE = "?"
# Letters are all but ASCII's others: said this way round, for a class that ends at U+10FFFF takes 5 ms to compile.
_NAME = r"[^\x00-@\[-\^`{-\x7f]"
_IN_NAME = r"[^\x00-#%-/:-@\[-\^`{-\x7f]"
_IN_TAG = r"[^\x00-/:-@\[-\^`{-\x7f]"
_SPACE = r"[ \t\n\r\f\v]"
_LINE_COMMENT = r"--[^\n\r]*+"
_CONTINUED = rf"(?:[ \t\f\v]|{_LINE_COMMENT})*+[\n\r](?:{_SPACE}|{_LINE_COMMENT}[\n\r])*+'"
_ESCAPED = r"(?:[^'\\]|\\.|'')*+(?:'|\Z)"
_RAW = r"(?:[^']|'')*+(?:'|\Z)"
_NUMBER = r"0[xX][0-9a-fA-F_]++|0[oO][0-7_]++|0[bB][01_]++|(?:\d|\.\d)(?:[\d_.]|[eE][+-]?\d)*+"
_PIECE = re.compile(
    rf"{_SPACE}*+(?:"
    rf"(?P<value>[eE]'{_ESCAPED}(?:{_CONTINUED}{_ESCAPED})*+|(?:[bBxXnN]|[uU]&)?'{_RAW}(?:{_CONTINUED}{_RAW})*+"
    rf"|{_NUMBER}|[nN]?\$\d++|%s(?!{_IN_NAME}))"
    rf"|(?P<word>{_NAME}{_IN_NAME}*+)"
    r'|(?P<identifier>(?:[uU]&)?"(?:[^"]|"")*+(?:"|\Z))'
    rf"|(?P<line>{_LINE_COMMENT})"
    r"|(?P<comment>/\*)"
    rf"|(?P<dollar>\$(?:{_NAME}{_IN_TAG}*+)?\$)"
    r"|(?P<symbol>.)"
    r")",
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_VALUE_GROUP, _WORD_GROUP, _IDENTIFIER_GROUP, _LINE_GROUP, _COMMENT_GROUP, _DOLLAR_GROUP, _ = range(1, 8)

# The grammar has constants in these words, too, and pg_stat_statements writes `$1` for them.
_CONSTANTS = frozenset(("true", "false", "null", "nfc", "nfd", "nfkc", "nfkd"))
# A sign after one of these belongs to the value; after any other word, a value or a closing bracket it subtracts.
_BEFORE_A_SIGN = frozenset((
    "select", "all", "distinct", "where", "and", "or", "not", "between", "symmetric", "asymmetric", "in",
    "limit", "offset", "when", "then", "else", "case", "values", "by", "like", "ilike", "to", "escape",
    "returning", "set", "on", "having", "from", "for", "using", "default", "fetch", "first", "next", "forward",
    "backward", "absolute", "relative", "overlaps", "zone", "is", "any", "some", "array", "as", "return",
))  # fmt: skip
_WITHIN_TYPES = frozenset(("(", ")", "[", "]", ".", ",", ":", VALUE))
_OPENERS, _CLOSERS = frozenset("(["), frozenset(")]")
# From PostgreSQL 17 on these statements' names are `$1`.
_NAMING = frozenset(("savepoint", "release", "deallocate", "rollback"))
_NOT_NAMES = frozenset(("savepoint", "prepare", "to", "transaction", "work", "all", "prepared"))


def normal_form(sql: str) -> str:
    """The text with `?` for every value, words in lower case, one space between pieces; lists of values as one.

    >>> normal_form("SELECT * FROM T WHERE a IN (1, 2) AND b > -3 -- mine")
    'select * from t where a in ( ? ) and b > ?'
    """
    pieces = _without_names(_pieces(sql))
    while pieces and pieces[-1] == ";":
        pieces.pop()
    return " ".join(_with_short_lists(pieces) if "in" in pieces or "array" in pieces or "values" in pieces else pieces)


def _pieces(sql: str) -> list[str]:
    """Words, symbols and values; a sign that belongs to a value is taken away with it."""
    pieces: list[str] = []
    at, end, match_at = 0, len(sql), _PIECE.match
    while at < end:
        match = match_at(sql, at)
        if match is None:  # white space at the end
            break
        group, at = match.lastindex, match.end()
        if group == _WORD_GROUP:
            _add_word(pieces, match["word"].lower())
        elif group == _VALUE_GROUP:
            _add_value(pieces)
        elif group == _DOLLAR_GROUP:
            close = sql.find(match["dollar"], at)
            at = end if close < 0 else close + len(match["dollar"])
            _add_value(pieces)
        elif group == _COMMENT_GROUP:
            at = _comment_end(sql, at)
        elif group == _IDENTIFIER_GROUP:
            pieces.append(match["identifier"])
        elif group != _LINE_GROUP:
            symbol = match["symbol"]
            pieces.append("\\?" if symbol == VALUE else symbol)
    return pieces


def _add_word(pieces: list[str], word: str) -> None:
    if word in _CONSTANTS and not _is_test(pieces):
        _add_value(pieces)
    elif word == "all" and pieces[-1:] == ["limit"]:
        pieces.append(VALUE)
    elif word == "from" and len(pieces) > 2 and pieces[-3:-1] == ["extract", "("]:
        pieces[-1] = VALUE  # extract(year from ...)
        pieces.append(word)
    else:
        pieces.append(word)


def _is_test(pieces: list[str]) -> bool:
    """Whether what comes next is the NULL of IS NULL, not a value."""
    return pieces[-1:] == ["is"] or pieces[-2:] == ["is", "not"]


def _add_value(pieces: list[str]) -> None:
    while pieces and pieces[-1] in ("-", "+") and (len(pieces) == 1 or _before_a_sign(pieces[-2])):
        pieces.pop()
    pieces.append(VALUE)


def _before_a_sign(piece: str) -> bool:
    if _is_name(piece):
        return piece in _BEFORE_A_SIGN
    return piece != VALUE and piece not in _CLOSERS and piece[-1] != '"'  # U&"..." is a name, too


def _without_names(pieces: list[str]) -> list[str]:
    """`SAVEPOINT ?` for SAVEPOINT and whatever name."""
    if len(pieces) > 1 and pieces[0] in _NAMING:
        return [pieces[0], *(piece if piece in _NOT_NAMES or piece == ";" else VALUE for piece in pieces[1:])]
    return pieces


def _with_short_lists(pieces: list[str]) -> list[str]:
    """`IN ( ? )` and `ARRAY [ ? ]` for lists of values, and the first of rows of VALUES that look alike."""
    short: list[str] = []
    at, count = 0, len(pieces)
    while at < count:
        piece = pieces[at]
        opener = pieces[at + 1] if at + 1 < count else ""
        short.append(piece)
        at += 1
        if (piece == "in" and opener == "(") or (piece in ("array", "[", ",") and opener == "["):
            close = _closing(pieces, at)
            if _is_constant_list(pieces[at + 1 : close]):
                short += (opener, VALUE, ")" if opener == "(" else "]")
                at = close + 1
        elif piece == "values" and opener == "(":
            at = _rows(pieces, at, short)
    return short


def _rows(pieces: list[str], at: int, short: list[str]) -> int:
    """Add the rows of VALUES that begin at `at`, of alike ones the first; where the last of them ends."""
    before: list[str] = []
    while at < len(pieces) and pieces[at] == "(":
        close = _closing(pieces, at) + 1
        row = _with_short_lists(pieces[at:close])
        if row != before:
            short += ([","] if before else []) + row
        before, at = row, close
        if pieces[at : at + 2] != [",", "("]:
            return at
        at += 1
    return at


def _closing(pieces: list[str], at: int) -> int:
    """Where the bracket closes that opens at `at`; the last piece when it never does."""
    depth = 0
    for place in range(at, len(pieces)):
        piece = pieces[place]
        if piece in _OPENERS:
            depth += 1
        elif piece in _CLOSERS:
            depth -= 1
            if depth == 0:
                return place
    return len(pieces) - 1


def _is_constant_list(inner: list[str]) -> bool:
    """Whether each element is a value, perhaps with a type before or after: PostgreSQL 18 makes one of such lists."""
    if VALUE not in inner:
        return False
    element: list[str] = []
    depth = 0
    for piece in inner:
        depth += (piece in _OPENERS) - (piece in _CLOSERS)
        if piece == "," and depth == 0:
            if not _is_constant(element):
                return False
            element = []
        else:
            element.append(piece)
    return _is_constant(element)


def _is_constant(element: list[str]) -> bool:
    if element[:2] == ["cast", "("] and element[-1:] == [")"] and "as" in element:
        return _is_constant(element[2 : element.index("as")])
    if VALUE not in element:
        return False
    at = element.index(VALUE)
    return _is_type(element[:at], may_be_empty=True) and (
        at == len(element) - 1 or (element[at + 1 : at + 3] == [":", ":"] and _is_type(element[at + 3 :]))
    )


def _is_type(pieces: list[str], *, may_be_empty: bool = False) -> bool:
    """Whether it reads as a type's name: words, dots, `numeric(10,2)`, `text[]`; the first piece is a name."""
    if not pieces:
        return may_be_empty
    return _is_name(pieces[0]) and all(piece in _WITHIN_TYPES or _is_name(piece) for piece in pieces)


def _is_name(piece: str) -> bool:
    return piece[0].isalpha() or piece[0] in '_"'


def _comment_end(sql: str, at: int) -> int:
    """Where a comment ends whose opening is before `at`: they nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
