"""Parameters: `%s`, `%(name)s` and `$1` become `$1`, `$2` ... and values, bound by the server, never pasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from perfctl.db.sqltext import Token, tokens
from perfctl.errors import UsageError

Params = Sequence[object] | Mapping[str, object]
"""What stands for the placeholders: values in order, or by name."""

_NAMED_PIECES = 5
"""`%(name)s` is `%`, `(`, a word, `)` and the word `s`, with nothing between them."""


@dataclass(frozen=True, slots=True)
class Text:
    """A statement as the server is sent it, and what it wants bound."""

    sql: str
    names: tuple[str, ...] | None
    """Whose value `$1`, `$2` ... is, where the placeholders have names."""
    count: int | None
    """How many values it wants in order; None where `$1` stands in it or nothing, and the server counts."""
    highest: int
    """The highest `$n` that was written by hand."""


def bound(sql: str, params: Params = ()) -> tuple[str, tuple[object, ...]]:
    """The text with `$1`, `$2` ... for its placeholders, and the values in that order.

    Literals, comments, quoted names and `%` as an operator stay as they are; where placeholders are in the text,
    `%%` means `%`. UsageError where values are missing, too many, or have names that the text does not have.

    >>> bound("SELECT * FROM t WHERE a = %(low)s OR b > %(low)s AND c LIKE '%s'", {"low": 7})
    ("SELECT * FROM t WHERE a = $1 OR b > $1 AND c LIKE '%s'", (7,))
    """
    text = parsed(sql)
    if isinstance(params, Mapping):
        return text.sql, _by_name(text, params)
    values = _in_order(params)
    if text.names is not None:
        named = ", ".join(dict.fromkeys(text.names))
        raise UsageError(f"the statement's parameters have names: {named}", hint='give them as {"name": value}')
    if text.count is not None and text.count != len(values):
        raise _miscounted(text.count, "placeholder", "%s", len(values))
    if values and text.count is None and text.highest != len(values):
        raise _miscounted(text.highest, "parameter", "$1 ...", len(values))
    return text.sql, values


def numbered(sql: str, count: int) -> str:
    """The text with each `%s` as `$1`, `$2` ...; UsageError where the number of them is not `count`.

    >>> numbered("SELECT a %% 2 FROM t WHERE b = %s AND c LIKE '%s'", 1)
    "SELECT a % 2 FROM t WHERE b = $1 AND c LIKE '%s'"
    """
    text = parsed(sql)
    if text.count is not None and text.count != count:
        raise _miscounted(text.count, "placeholder", "%s", count)
    return text.sql


@lru_cache(maxsize=1024)
def parsed(sql: str) -> Text:
    """The statement with numbered parameters. UsageError where it mixes kinds of placeholder.

    A text without `%s` and `%(name)s` is left untouched, `%%` included.
    """
    pieces = list(_pieces(sql)) if "%" in sql else []
    kinds = {kind for kind, _ in pieces if kind in ("placeholder", "named")}
    highest = max((int(token.text[1:]) for token in tokens(sql) if token.kind == "parameter"), default=0)
    if not kinds:
        return Text(sql, None, None, highest)
    if highest:
        raise UsageError("the statement has both %s and $1", hint="use one kind of placeholder in a statement")
    if len(kinds) > 1:
        raise UsageError("the statement has both %s and %(name)s", hint="use one kind of placeholder in a statement")
    places: dict[str, int] = {}
    text = "".join(_numbered(pieces, places))
    if kinds == {"named"}:
        return Text(text, tuple(places), None, 0)
    return Text(text, None, len(places), 0)


def _pieces(sql: str) -> Iterator[tuple[str, str]]:
    """The text's tokens as (kind, text), `%(name)s` as one of kind `named` with the name as its text."""
    found = list(tokens(sql))
    at = 0
    while at < len(found):
        name = _name_at(found, at)
        if name is None:
            yield found[at].kind, found[at].text
            at += 1
        else:
            yield "named", name
            at += _NAMED_PIECES


def _name_at(found: list[Token], at: int) -> str | None:
    if found[at].text != "%" or at + _NAMED_PIECES > len(found):
        return None
    _, opening, name, closing, ending = found[at : at + _NAMED_PIECES]
    is_named = (opening.text, name.kind, closing.text, ending.text) == ("(", "word", ")", "s")
    return name.text if is_named else None


def _numbered(pieces: list[tuple[str, str]], places: dict[str, int]) -> Iterator[str]:
    before = "space"
    for kind, text in pieces:
        if kind in ("placeholder", "named"):
            number = places.setdefault(text if kind == "named" else f"%{len(places)}", len(places) + 1)
            # A name may hold a `$`: `LIMIT%s` must not become the name `LIMIT$1`.
            yield f" ${number}" if before == "word" else f"${number}"
        else:
            yield "%" if kind == "percent" else text
        before = kind


def _by_name(text: Text, params: Mapping[str, object]) -> tuple[object, ...]:
    names = text.names or ()
    missing, unknown = [name for name in names if name not in params], [name for name in params if name not in names]
    if missing:
        raise UsageError(f"no value was given for {', '.join(missing)}", hint=f"params has {_listed(params)}")
    if unknown:
        told = ", ".join(f"%({name})s" for name in names) if names else "no %(name)s"
        raise UsageError(f"a value was given for {_listed(unknown)}", hint=f"the statement has {told}")
    return tuple(params[name] for name in names)


def _in_order(params: object) -> tuple[object, ...]:
    if isinstance(params, (tuple, list)):
        return tuple(params)
    if isinstance(params, Sequence) and not isinstance(params, (str, bytes, bytearray, memoryview)):
        return tuple(params)
    raise UsageError(
        f"params is a {type(params).__name__}, not values in order", hint="for a single value write (value,)"
    )


def _miscounted(wanted: int, noun: str, sign: str, given: int) -> UsageError:
    return UsageError(
        f"the statement has {_counted(wanted, noun)} ({sign}), and {_counted(given, 'parameter')} "
        f"{'was' if given == 1 else 'were'} given",
        hint=f"give one parameter for each {'%s' if sign == '%s' else '$1, $2 ...'}",
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(names: object) -> str:
    told = [repr(name) for name in names]  # type: ignore[attr-defined]
    return ", ".join(told) or "none"
