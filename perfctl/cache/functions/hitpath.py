"""The function that stands in for a cached one: a look into the process's tier, written out for its parameters.

A hit is what a cached function does most, so its code is generated, as `dataclasses` and `namedtuple` do it: with
the function's own parameters Python binds the arguments (a third of the cost of `*args, **kwargs`), and arguments of
plain types find their entry in a dict (a tenth of the cost of making their text). Measured by
`tests/bench/decorated_hit.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

from perfctl.cache.coherence.marks import NamespaceState
from perfctl.cache.entry import Entry
from perfctl.cache.functions.keymaker import VARIABLE, Arguments, KeyMaker
from perfctl.cache.local import LocalTier

Miss = Callable[[Arguments], Any]
"""What is called with the arguments where the tier in the process has nothing to give."""

_EXACT = frozenset({str, bytes, int, bool, type(None), UUID, date})
"""Types of which equal values have equal text, so that a dict may know them."""

_STARS: dict[inspect._ParameterKind, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_LONGEST = 128
_MOST_BITS = 1024


class Shortcuts:
    """The entries of one function's calls by their arguments and the arguments' types: 1, 1.0 and True are equal and
    make different keys. Holds what the tier holds, and no longer."""

    def __init__(self, tier: LocalTier) -> None:
        self.found: dict[Any, Entry] = {}
        self._tier = tier

    def add(self, values: tuple[Any, ...], entry: Entry) -> None:
        """Find an entry by these arguments from now on, where they are small and of plain types."""
        if all(_is_plain(value) for value in values):
            self._tier.shorten(entry, self.found, _place(values))


def stand_in(
    keys: KeyMaker,
    tier: LocalTier,
    state: NamespaceState,
    shortcuts: Shortcuts,
    holds: Callable[[Entry], bool],
    miss: Miss,
    *,
    is_async: bool,
    copies: bool,
) -> Callable[..., Any]:
    """The function: a hit is answered at once, all else by `miss` with the arguments. `holds` judges tags."""
    known: dict[str, Any] = {
        "found": shortcuts.found.get,
        "read": tier.recent.append,
        "now": tier.now,
        "state": state,
        "counts": state.counts,
        "copied": deepcopy,
        "holds": holds,
        "miss": miss,
        "kind": type,
        "text": str,
        **{f"default_{index}": parameter.default for index, parameter in enumerate(keys.parameters)},
    }
    code = compile(_source(keys, known, is_async, copies), f"<cached {keys.function}>", "exec")
    place: dict[str, Any] = {}
    exec(code, place)  # noqa: S102 - made of the names of parameters alone
    made: Callable[..., Any] = place["make"](*known.values())
    return made


def _source(keys: KeyMaker, known: Iterable[str], is_async: bool, copies: bool) -> str:
    """Text of a function that makes the stand-in: what it knows are variables of a closure, the fastest to read."""
    asynchronous, awaited = ("async ", "await ") if is_async else ("", "")
    arguments = ", ".join(f"{name!r}: {name}" for name in keys.signature.parameters)
    can_look = keys.is_pure and not any(keys.signature.parameters[name].kind in VARIABLE for name in keys.relevant)
    return f"""
def make({", ".join(f"_cached_{name}" for name in known)}):
    {asynchronous}def cached({_declared(keys.parameters)}):
{_look(keys.relevant, copies) if can_look else ""}
        return {awaited}_cached_miss({{{arguments}}})
    return cached
"""


def _look(relevant: tuple[str, ...], copies: bool) -> str:
    """The look into the process's tier."""
    return f"""
        try:
            _cached_entry = _cached_found({_looked_up(relevant)})
        except TypeError:
            _cached_entry = None
        if (
            _cached_entry is not None
            and _cached_entry.good_until > _cached_now()
            and _cached_entry.generation == _cached_state.generation
            and (not _cached_entry.tags or _cached_holds(_cached_entry))
        ):
            _cached_read(_cached_entry.name)
            _cached_counts.hits_l1 += 1
            return {"_cached_copied(_cached_entry.value)" if copies else "_cached_entry.value"}"""


def _declared(parameters: tuple[inspect.Parameter, ...]) -> str:
    """The parameters as a `def` has them.

    >>> def shown(a, /, b, *, c=1): ...
    >>> _declared(tuple(inspect.signature(shown).parameters.values()))
    'a, /, b, *, c=_cached_default_2'
    """
    declared: list[str] = []
    previous: inspect._ParameterKind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for index, parameter in enumerate(parameters):
        kind = parameter.kind
        if previous is inspect.Parameter.POSITIONAL_ONLY and kind is not previous:
            declared.append("/")
        if kind is inspect.Parameter.KEYWORD_ONLY and previous not in (kind, inspect.Parameter.VAR_POSITIONAL):
            declared.append("*")
        default = "" if parameter.default is inspect.Parameter.empty else f"=_cached_default_{index}"
        declared.append(_STARS.get(kind, "") + parameter.name + default)
        previous = kind
    if previous is inspect.Parameter.POSITIONAL_ONLY:
        declared.append("/")
    return ", ".join(declared)


def _looked_up(names: tuple[str, ...]) -> str:
    """Where a call's name is known: by the arguments and their types, text alone by itself.

    >>> _looked_up(("a", "b"))
    '(a, b, _cached_kind(a), _cached_kind(b))'
    """
    if len(names) == 1:
        (name,) = names
        return f"{name} if _cached_kind({name}) is _cached_text else ({name}, _cached_kind({name}))"
    return "(" + ", ".join([*names, *(f"_cached_kind({name})" for name in names)]) + ")"


def _place(values: tuple[Any, ...]) -> Any:
    """The same for values."""
    if len(values) == 1 and type(values[0]) is str:
        return values[0]
    return (*values, *map(type, values))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) <= _LONGEST
    if kind is int:
        return value.bit_length() <= _MOST_BITS  # type: ignore[no-any-return]
    return kind in _EXACT or isinstance(value, Enum)
