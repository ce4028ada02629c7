"""What runs behind a statement's words: views, triggers, policies, defaults, domains and operators that call code."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final

from perfctl.db.questions import question
from perfctl.db.session.effects import ACTING_WORDS, WORDS, Effects, Stain, called, effects
from perfctl.db.session.harmless import FUNCTIONS
from perfctl.db.sqltext import tokens

if TYPE_CHECKING:
    from perfctl.db.rows import Record

BELIEVED_SECONDS = 60.0
"""How long the catalog is believed: others may make triggers and views; our own are seen at once."""
MOST_REMEMBERED = 2000
_NUMBERS = ("nextval", "currval", "lastval", "setval")
"""They leave a number in the session that nobody asks for by accident: any `serial` column calls them."""

_CALLED_IN_CODE: Final = FUNCTIONS | {"if", "elsif", "while", "return"}

Ask = Callable[..., Awaitable[list["Record"]]]
"""Asks the server one question, with its arguments."""


@dataclass(frozen=True, slots=True)
class Code:
    """Names, in lower case, whose mention runs code that no word of the statement tells of."""

    read: frozenset[str] = frozenset()
    """Secured tables, domains, and functions that are called like a column or like PostgreSQL's own."""
    views: frozenset[str] = frozenset()
    """Views that run it when they are read, or are written through."""
    columns: frozenset[str] = frozenset()
    """All functions that may be called like a column, whatever they do."""
    write: frozenset[str] = frozenset()
    """Tables that run it when rows are written."""
    signs: frozenset[str] = frozenset()
    """Operators."""


class Backstage:
    """What the sessions of one pool know of their database's code."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.code: Code | None = None
        """None until a session has looked."""
        self.edition = object()
        """Another one whenever something else is known, or definitions were changed."""
        self._clock = clock
        self._until = -inf
        self._judged: dict[str, Effects] = {}

    @property
    def is_old(self) -> bool:
        """Whether the catalog is to be looked at before the next statement."""
        return self._clock() >= self._until

    def doubt(self) -> None:
        """Definitions were changed through us."""
        self._until, self.edition = -inf, object()

    def put_off(self) -> None:
        """The server did not say: it is not asked with every statement."""
        self._until = self._clock() + BELIEVED_SECONDS

    async def look(self, ask: Ask) -> None:
        """Look at the catalog; meanwhile others go on with what was known."""
        until = self._until = self._clock() + BELIEVED_SECONDS if self.code is not None else -inf
        code = await _found(ask)
        if self._until == until:  # else definitions were changed meanwhile
            self.put_off()
        if code != self.code:
            self.code, self._judged, self.edition = code, {}, object()

    def effects(self, sql: str) -> Effects:
        """What a text may do, by its words and by what runs behind them; the worst where nobody has looked yet."""
        judged = self._judged.get(sql)
        if judged is None:
            judged = _deepened(effects(sql), sql, self.code)
            if self.code is not None:
                if len(self._judged) >= MOST_REMEMBERED:
                    self._judged.clear()
                self._judged[sql] = judged
        return judged

    def runs_unnamed(self, sql: str) -> bool:
        """Whether a text runs code that is neither called in it nor in a view: by a column's name, a type, a policy."""
        return self.code is not None and _mentions(sql, self.code.read | self.code.columns, frozenset())


def runs_code(sql: str, code: Code, *, writes: bool) -> bool:
    """Whether a text mentions anything that runs code behind it."""
    names = code.read | code.views | code.write if writes else code.read | code.views
    return _mentions(sql, names, code.signs)


def _mentions(sql: str, names: frozenset[str], signs: frozenset[str]) -> bool:
    if not names and not signs:
        return False
    sign = ""
    for token in tokens(sql):
        if token.kind == "symbol" or token.kind == "percent":
            sign += token.text
            continue
        if sign and any(known in sign for known in signs):
            return True
        sign = ""
        if token.kind == "word" and token.text.lower() in names:
            return True
        if token.kind == "identifier" and (token.text[0] in "uU" or _unquoted(token.text) in names):
            return True
    return bool(sign) and any(known in sign for known in signs)


def _deepened(found: Effects, sql: str, code: Code | None) -> Effects:
    if code is None:
        return replace(found, stain=max(found.stain, Stain.RESET), is_repeatable=False)
    if (found.stain and found.may_write) or not runs_code(sql, code, writes=found.may_write):
        return found
    return replace(found, stain=max(found.stain, Stain.RESET), is_repeatable=False, may_write=True)


async def _found(ask: Ask) -> Code:
    functions = await ask(question("code_functions"), sorted(FUNCTIONS.union(_NUMBERS)))
    acting = _acting(functions)
    users = [row for row in acting if not row["is_builtin"]]
    places = await ask(question("code_places"), [row["oid"] for row in acting])
    like_columns = {row["name"].lower() for row in users if row["reads_like_a_column"]}
    like_ours = {row["name"].lower() for row in users} & (FUNCTIONS | WORDS)
    read = {row["name"].lower() for row in places if row["mode"] == "read"}
    views = {row["name"].lower() for row in places if row["mode"] == "view"}
    return Code(
        frozenset(read | like_columns | like_ours),
        frozenset(views),
        frozenset(row["name"].lower() for row in functions if row["reads_like_a_column"] and not row["is_builtin"]),
        frozenset(row["name"].lower() for row in places if row["mode"] == "write"),
        frozenset(row["name"] for row in places if row["mode"] == "sign"),
    )


def _acting(functions: list[Record]) -> list[Record]:
    """Those that may do more than reckon: `NEW.changed_at := now(); RETURN NEW` does not, unless `now` is another's."""
    simple = {row["oid"]: words for row in functions if (words := _reckoning(row)) is not None}
    while True:
        acting = [row for row in functions if row["oid"] not in simple]
        names = {row["name"].lower() for row in acting if not row["is_builtin"]}
        drawn = [oid for oid, words in simple.items() if words & names]
        if not drawn:
            return acting
        for oid in drawn:
            del simple[oid]


def _reckoning(function: Record) -> set[str] | None:
    """The words of a function's source that does nothing but reckon; None for any other."""
    if function["is_builtin"] or not function["is_readable"] or not function["source"]:
        return None
    pieces = [token for token in tokens(function["source"]) if token.kind not in ("space", "comment")]
    words = {token.text.lower() for token in pieces if token.kind == "word"}
    return None if words & ACTING_WORDS or called(pieces) - _CALLED_IN_CODE else words


def _unquoted(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"').lower()
