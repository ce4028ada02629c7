"""Which function a key is of, so that no two cached functions are given each other's values.

A key without a template begins with the function's qualified name. Closures of one definition are told apart by what
they close over; two definitions of one name in a module (`_` under `singledispatch.register`) are refused.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from inspect import unwrap
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from perfctl.cache.functions.texts import repeatable
from perfctl.errors import UsageError

_CONSTANT = (str, bytes, int, float, complex, bool)


class _Definition(NamedTuple):
    """Where a cached function was defined."""

    function: ref[Any]
    file: str
    line: int
    run: object
    """Changes when a module is loaded again: then its functions replace those of the same names."""


_known: WeakKeyDictionary[Any, dict[tuple[str, str], _Definition]] = WeakKeyDictionary()
_lock = threading.Lock()


def identity(function: Callable[..., Any]) -> str:
    """The qualified name of a function; of a closure, with a digest of the constants, functions and classes that it
    closes over, as they are now. Other objects have no text that is the same in every process, and stay out."""
    name = f"{function.__module__}.{function.__qualname__}"
    texts = {variable: _text(value) for variable, value in closed_over(unwrap(function)).items()}
    said = [f"{variable}={text}" for variable, text in sorted(texts.items()) if text is not None]
    if not said:
        return name
    return f"{name}#{blake2b(','.join(said).encode('utf-8', 'surrogatepass'), digest_size=6).hexdigest()}"


def closed_over(function: Callable[..., Any]) -> dict[str, Any]:
    """The variables of the functions around it that a function uses, as far as they are assigned by now."""
    code, closure = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    values = {}
    for name, cell in zip(code.co_freevars if code else (), closure, strict=True):
        with suppress(ValueError):  # a variable that is assigned later
            values[name] = cell.cell_contents
    return values


def refuse_namesake(cache: object, namespace: str, name: str, function: Callable[..., Any]) -> None:
    """UsageError where another definition that is in use makes the same keys (`name`) in this namespace of a cache."""
    plain = unwrap(function)
    code = plain.__code__
    made = _Definition(ref(plain), code.co_filename, code.co_firstlineno, plain.__globals__.get("__spec__"))
    with _lock:
        by_name = _known.setdefault(cache, {})
        earlier = by_name.get((namespace, name))
        if earlier is None or not _is_another(earlier, made):
            by_name[namespace, name] = made
            return
        gc.collect()  # a function that nobody holds any more lives until its cycle is collected
        if not _is_another(earlier, made):
            by_name[namespace, name] = made
            return
    raise UsageError(
        f"cannot cache {name}: line {earlier.line} has a cached function of that name, and each would be given the"
        " other's values",
        hint="rename one, or say which is which: version=2",
    )


def _is_another(earlier: _Definition, made: _Definition) -> bool:
    """Whether both are there at once: not one after the other, as in a notebook or after a reload."""
    is_same_run = earlier.run is made.run and earlier.file == made.file and not made.file.startswith("<")
    return is_same_run and earlier.line != made.line and earlier.function() is not None


def _text(value: Any) -> str | None:
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return repeatable(value) if isinstance(value, _CONSTANT) else None
