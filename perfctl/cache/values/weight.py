"""One walk over a value before it is cached: can it come back as it is, and how much memory does it hold?"""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Any

from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.values.serializers import Serializer

MAX_DEPTH = 60
"""How deep containers may nest in a cached value."""

_SINGLETONS = frozenset({type(None), bool})
_CONTAINERS = frozenset({list, tuple, set, frozenset})


def weigh(value: Any, serializer: Serializer) -> int:
    """The bytes of memory that the value holds. UsageError names the type and path that would not come back.

    ~60 ns a part; what two parts share is counted twice.
    """
    try:
        return _weigh(value, serializer, 0)
    except _UnsupportedError as unsupported:
        raise unsupported.told(serializer.hint) from None


def weigh_decoded(value: Any, depth: int = 0) -> int:
    """The same for a value that came from a serializer, and so needs no check; what nests too deep counts little."""
    kind = type(value)
    if kind in _SINGLETONS:
        return 0
    weight = getsizeof(value)
    if depth > MAX_DEPTH:
        return weight
    if kind is dict:
        for key, part in value.items():
            weight += getsizeof(key) if type(key) is str else weigh_decoded(key, depth + 1)
            weight += getsizeof(part) if type(part) in _LEAVES else weigh_decoded(part, depth + 1)
        return weight
    if kind in _CONTAINERS:
        for part in value:
            weight += getsizeof(part) if type(part) in _LEAVES else weigh_decoded(part, depth + 1)
        return weight
    if kind in _LEAVES:
        return weight
    return weight + _weigh_object(value, depth)


_LEAVES = frozenset({str, int, float, bytes})


def _weigh_object(value: Any, depth: int) -> int:
    """What an object holds besides itself: the fields of a registered class, the attributes of any other."""
    from perfctl.cache.values.types import form_of

    form = form_of(type(value))
    if form is not None:
        return sum(weigh_decoded(part, depth + 1) for part in form.take(value).values())
    attributes = getattr(value, "__dict__", None)
    return weigh_decoded(attributes, depth + 1) if type(attributes) is dict else 0


class _UnsupportedError(Exception):
    """A part that does not come back; the path grows on the way out, so that nobody pays for it on the way in."""

    def __init__(self, value: Any, why: str) -> None:
        super().__init__(why)
        self.kind = type(value)
        self.why = why
        self.path: list[str] = []

    def under(self, place: str) -> _UnsupportedError:
        self.path.append(place)
        return self

    def told(self, hint: str) -> UsageError:
        kind, path = self.kind, self.path[::-1]
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        where = "".join(path) if len(path) <= MAX_DEPTH else "".join(path[:4])
        return UsageError(f"cannot cache a value: {name} at value{where} {self.why}", hint=hint)


def _weigh(value: Any, serializer: Serializer, depth: int) -> int:
    kind = type(value)
    if kind in serializer.scalars:
        if kind in _LEAVES and kind is not int:
            return getsizeof(value)
        why = serializer.fault(value)
        if why:
            raise _UnsupportedError(value, why)
        return 0 if kind in _SINGLETONS else getsizeof(value)
    if depth > MAX_DEPTH:
        raise _UnsupportedError(value, f"nests deeper than {MAX_DEPTH}")
    if kind is dict:
        return getsizeof(value) + _weigh_items(value, serializer, depth + 1)
    if kind in serializer.containers:
        return getsizeof(value) + _weigh_parts(value, serializer, depth + 1)
    return getsizeof(value) + _weigh_record(value, serializer, depth + 1)


def _weigh_parts(value: Any, serializer: Serializer, depth: int) -> int:
    weight = index = 0
    try:
        for index, part in enumerate(value):  # noqa: B007 - the index is told when a part is refused
            weight += getsizeof(part) if type(part) in _SIMPLE else _weigh(part, serializer, depth)
    except _UnsupportedError as unsupported:
        raise unsupported.under(f"[{index}]") from None
    return weight


def _weigh_items(value: dict[Any, Any], serializer: Serializer, depth: int) -> int:
    weight, place = 0, None
    any_keys = serializer.any_keys
    try:
        for key, part in value.items():
            place = key
            is_text = type(key) is str
            weight += getsizeof(key) if is_text else _weigh_key(key, serializer, depth, any_keys=any_keys)
            weight += getsizeof(part) if type(part) in _SIMPLE else _weigh(part, serializer, depth)
    except _KeyFaultError as unsupported:
        raise unsupported.cause from None
    except _UnsupportedError as unsupported:
        raise unsupported.under(f"[{place!r}]") from None
    return weight


_SIMPLE = frozenset({str, float})


class _KeyFaultError(Exception):
    """A key, not the part under it, does not come back."""

    def __init__(self, cause: _UnsupportedError) -> None:
        super().__init__()
        self.cause = cause


def _weigh_key(key: Any, serializer: Serializer, depth: int, *, any_keys: bool) -> int:
    if not any_keys:
        raise _KeyFaultError(_UnsupportedError(key, "is a key, and keys must be text here"))
    try:
        return _weigh(key, serializer, depth)
    except _UnsupportedError as unsupported:
        raise _KeyFaultError(unsupported.under(f"<key {key!r}>")) from None


def _weigh_record(value: Any, serializer: Serializer, depth: int) -> int:
    parts = serializer.parts(value)
    if parts is None:
        raise _UnsupportedError(value, "has no form that comes back as the same type")
    weight = 0
    for place, part in parts:
        try:
            weight += _weigh(part, serializer, depth)
        except _UnsupportedError as unsupported:
            raise unsupported.under(place) from None
    return weight
