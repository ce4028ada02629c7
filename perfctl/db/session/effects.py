"""What a statement may leave behind, read off its words: in the data, and in the session that it is sent on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

from perfctl.db.session.harmless import FUNCTIONS
from perfctl.db.sqltext import READING_VERBS, WRITING_VERBS, Token, tokens


class Stain(IntEnum):
    """How a session looks after a statement."""

    NONE = 0
    RESET = 1
    """Settings, locks, listeners, cursors or temporary tables may be left: they can be taken back."""
    NAMES = 2
    """Prepared statements, too, perfctl's own among them."""
    BEYOND = 3
    """What is left cannot be taken back: the session is not used again."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a text may do, as far as its words tell; what is not known is taken for the worst."""

    stain: Stain
    is_repeatable: bool
    """It only reads, through functions that are known to leave nothing: asked twice, it does no harm."""
    may_write: bool
    """Rows or definitions may be other ones afterwards."""
    ends: bool = False
    """It may end a transaction and begin the next at once."""
    defines: bool = False
    """Definitions, of triggers and views among others, may be other ones afterwards."""


_CLEAN = Effects(Stain.NONE, is_repeatable=False, may_write=False)
_READS = Effects(Stain.NONE, is_repeatable=True, may_write=False)
_ENDS = Effects(Stain.NONE, is_repeatable=False, may_write=False, ends=True)
_WRITES = Effects(Stain.NONE, is_repeatable=False, may_write=True)
_SETS = Effects(Stain.RESET, is_repeatable=False, may_write=False)
_UNKNOWN = Effects(Stain.RESET, is_repeatable=False, may_write=True)
_DEFINES = Effects(Stain.RESET, is_repeatable=False, may_write=True, defines=True)
_NAMES = Effects(Stain.NAMES, is_repeatable=False, may_write=False)
_BEYOND = Effects(Stain.BEYOND, is_repeatable=False, may_write=True)

_BY_VERB = {
    **dict.fromkeys(("begin", "start", "savepoint", "release", "fetch", "move", "close", "notify"), _CLEAN),
    **dict.fromkeys(("vacuum", "analyze", "analyse", "checkpoint", "reindex", "cluster", "lock"), _CLEAN),
    **dict.fromkeys(("commit", "end", "rollback", "abort"), _ENDS),
    **dict.fromkeys(("reset", "listen", "unlisten"), _SETS),
    **dict.fromkeys(("prepare", "deallocate", "discard"), _NAMES),
    "load": _BEYOND,
    **dict.fromkeys(("truncate", "refresh", "comment", "grant", "revoke"), _WRITES),
    "show": _READS,
    "declare": _UNKNOWN,
}
"""What the first word alone decides; a word that is not here and neither reads nor writes rows is unknown."""

_TRANSACTION_ALONE = frozenset({"local", "transaction", "constraints"})
_LOCKS = frozenset({("for", "update"), ("for", "share"), ("for", "no"), ("for", "key")})
_BEFORE_A_LOCK = frozenset({"for", "key"})
_CALLS_BEYOND = frozenset({"dblink_connect", "dblink_connect_u", "setseed"})
_BEFORE_A_LIST_OF_COLUMNS = frozenset({"into", "as", "with", "recursive"})
_GRAMMAR = """
all and any array as asc between bit by case cast char character conflict cross cube dec decimal desc distinct else
except exists explain filter float from full group having ilike in inner insert intersect interval is isnull join
lateral left like limit materialized nchar not notnull null numeric offset on only or order outer over overlaps
partition precision range returning right rollup row rows select set sets similar some table then time timestamp union
using values varchar varying when where window with within
"""
WORDS = frozenset(_GRAMMAR.split())
"""Words of the grammar and types that may stand before a parenthesis without calling anything."""


@lru_cache(maxsize=2048)
def effects(sql: str) -> Effects:
    """What the text, of one statement or several, may leave behind.

    >>> effects("SELECT count(*) FROM t").is_repeatable, effects("SELECT drain_queue()").stain.name
    (True, 'RESET')
    """
    found: list[Effects] = []
    statement: list[Token] = []
    for token in tokens(sql):
        if token.text == ";" and token.kind == "symbol":
            found += _of_one(statement)
            statement = []
        elif token.kind not in ("space", "comment"):
            statement.append(token)
    found += _of_one(statement)
    if len(found) == 1:
        return found[0]
    return Effects(
        max((each.stain for each in found), default=Stain.NONE),
        is_repeatable=False,
        may_write=any(each.may_write for each in found),
        ends=any(each.ends for each in found),
        defines=any(each.defines for each in found),
    )


_ACTING = """
perform execute call set reset listen unlisten notify prepare deallocate cursor open fetch close copy truncate
create alter drop grant revoke comment refresh lock load discard do temp temporary import security from
"""
ACTING_WORDS = WRITING_VERBS | frozenset(_ACTING.split())
"""Words in a function's source after which it may do more than reckon."""


def _of_one(pieces: Sequence[Token]) -> list[Effects]:
    words = [token.text.lower() for token in pieces]
    verb = next((word for word in words if word != "("), "")
    if not verb:
        return []
    if verb == "set":
        return [_CLEAN if words[1] in _TRANSACTION_ALONE else _SETS] if len(words) > 1 else [_UNKNOWN]
    if verb in ("commit", "rollback", "prepare") and "prepared" in words:
        return [_UNKNOWN]
    if verb == "copy":
        return [_WRITES if words[1:2] != ["("] or called(pieces) <= FUNCTIONS else _UNKNOWN]
    if verb in _BY_VERB:
        return [_BY_VERB[verb]]
    if verb not in READING_VERBS | WRITING_VERBS | {"explain"}:
        return [_UNKNOWN if verb == "call" else _DEFINES]
    return [_of_rows(pieces, words)]


def _of_rows(pieces: Sequence[Token], words: Sequence[str]) -> Effects:
    """Of a statement that reads or writes rows, or explains one that does."""
    unknown = {name for name in called(pieces) if name not in FUNCTIONS}
    if unknown & _CALLS_BEYOND:
        return _BEYOND
    if unknown:
        return _UNKNOWN
    pairs = set(pairwise(words))
    locks = bool(pairs & _LOCKS)
    writes = words[0] in WRITING_VERBS or any(
        word in WRITING_VERBS and before not in _BEFORE_A_LOCK for before, word in pairs
    )
    if "into" in words and not writes:  # SELECT INTO makes a table, maybe a temporary one
        return _UNKNOWN
    if writes:
        return _WRITES
    return _CLEAN if locks else _READS


def called(pieces: Sequence[Token]) -> set[str]:
    """What is called, each under the name that `FUNCTIONS` would have it; one with another schema keeps it."""
    names = set()
    for at, token in enumerate(pieces[1:], 1):
        if token.text == "(" and pieces[at - 1].kind in ("word", "identifier"):
            first = at - 1
            while first >= 2 and pieces[first - 1].text == ".":
                first -= 2
            before = pieces[first - 1].text.lower() if first else ""
            name = "".join(piece.text for piece in pieces[first:at]).lower().removeprefix("pg_catalog.")
            if name not in WORDS and before not in _BEFORE_A_LIST_OF_COLUMNS:
                names.add(name)
    return names
