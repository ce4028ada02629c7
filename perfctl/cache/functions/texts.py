"""Text of a value that is the same in every process: what the keys of cached functions are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from hashlib import blake2b
from pathlib import PosixPath, PurePosixPath
from typing import Any
from uuid import UUID

_PLAIN = frozenset({str, bytes, int, float, complex, bool, type(None), Decimal, Fraction, UUID})
_OF_TIME = frozenset({datetime, time, timezone})
_PATHS = frozenset({PosixPath, PurePosixPath})
_BY_REPR = _PLAIN | _PATHS | {range, date, timedelta}
_BASES = (str, bytes, int, float)
_MOST_BITS = 2048
"""Longer integers are written in hexadecimal: how many decimal digits a process prints is its own setting."""


def repeatable(value: Any) -> str | None:
    """Text that is the same in every process for equal values of a type; None where there is none.

    >>> repeatable({"b": 1, "a": {3, 2}})
    "{'a':{2,3},'b':1}"
    """
    kind = type(value)
    if kind in _BY_REPR:
        return _printed(value)
    if kind in _OF_TIME:
        return _without_address(repr(value))
    if kind in (list, tuple):
        return _joined(value, "[]" if kind is list else "()")
    if kind in (set, frozenset):
        return _joined(value, "{}", in_order=True) if value else "set()"
    if kind is dict:
        return _joined(value.items(), "{}", in_order=True, of=_item)
    if isinstance(value, Enum):
        return f"{_named(kind)}.{value.name or value.value}"
    names = _fields_of(value)
    if names is not None:
        inner = repeatable({name: getattr(value, name, None) for name in names} | _extra_of(value))
        return None if inner is None else _named(kind) + inner
    for base in _BASES:
        if isinstance(value, base):
            return f"{_named(kind)}({_digits(value) if isinstance(value, int) else base.__repr__(value)})"
    return None


def readable(value: Any) -> str | None:
    """The text of a value as it stands in a key that a template makes: `str(value)` where that is repeatable.

    >>> readable("AAPL"), readable([1, "x"])
    ('AAPL', "[1,'x']")
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return _digits(value)
    if kind in _BY_REPR or kind in _OF_TIME:
        return _without_address(str(value)) if _printed(value) is not None else None
    if isinstance(value, Enum):
        return format(value, "")
    text = repeatable(value)
    if text is not None:
        return str(value) if isinstance(value, _BASES) else text
    return _without_address(str(value)) if _says_its_text(kind) else None


def shown(value: Any) -> str | None:
    """The text of a value as `{value!r}` asks for it: `repr(value)` where that is repeatable.

    >>> shown("AAPL"), shown({"b", "a"})
    ("'AAPL'", "{'a','b'}")
    """
    text = repeatable(value)
    return _without_address(repr(value)) if text is None else text


def digest(value: Any) -> str | None:
    """A short digest (BLAKE2b, 16 hexadecimal digits) of a value's text.

    >>> digest("SELECT 1")
    '60e6b55ff57fdf38'
    """
    text = value if type(value) is str else repeatable(value)
    return None if text is None else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _named(kind: type) -> str:
    """The whole name of a class: two modules may have a `User` each."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _digits(value: int) -> str:
    return int.__repr__(value) if int.bit_length(value) <= _MOST_BITS else hex(value)


def _printed(value: Any) -> str | None:
    """What Python prints of a value; None where it refuses, as it does for a fraction of very many digits."""
    try:
        return _digits(value) if type(value) is int else repr(value)
    except ValueError:
        return None


def _fields_of(value: Any) -> Iterable[str] | None:
    """The names of what a value consists of, where its class lists them: dataclass, NamedTuple, model, struct."""
    kind = type(value)
    if is_dataclass(kind):
        return [field.name for field in fields(kind) if field.compare]
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return kind._fields  # type: ignore[no-any-return]
    for listed in ("__pydantic_fields__", "__struct_fields__"):
        if hasattr(kind, listed):
            return list(getattr(kind, listed))
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes if attribute.eq]


def _extra_of(value: Any) -> dict[str, Any]:
    """What a model that allows it was given besides its fields."""
    extra = getattr(value, "__pydantic_extra__", None)
    return extra if type(extra) is dict else {}


def _says_its_text(kind: type) -> bool:
    """Whether a class says what its instances read like; a `__repr__` is for eyes and may leave things out."""
    return any("__str__" in base.__dict__ for base in kind.__mro__[:-1]) and not hasattr(kind, "__len__")


def _without_address(text: str) -> str | None:
    """The text, unless it holds an object's address in memory."""
    return None if " at 0x" in text else text


def _joined(
    parts: Any, brackets: str, *, in_order: bool = False, of: Callable[[Any], str | None] = repeatable
) -> str | None:
    texts = [of(part) for part in parts]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    return brackets[0] + ",".join(sorted(known) if in_order else known) + brackets[1]


def _item(item: tuple[Any, Any]) -> str | None:
    key, value = repeatable(item[0]), repeatable(item[1])
    return None if key is None or value is None else f"{key}:{value}"
