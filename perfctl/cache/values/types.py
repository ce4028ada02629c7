"""Which classes a cached value may hold besides the built-in ones, and under which name each is written.

A class is known by `register_type`, or by standing in the return annotation of a cached function. A blob names the
class that its value had; only a registered class is ever made from it, and no blob makes Python import anything.
"""

from __future__ import annotations

import gc
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args, get_origin
from weakref import WeakKeyDictionary, ref

from perfctl.cache.values.forms import Form, form_for
from perfctl.errors import UsageError

_Class = TypeVar("_Class", bound=type)

_forms: WeakKeyDictionary[type, Form] = WeakKeyDictionary()
_names: dict[str, ref[type]] = {}
_lock = threading.Lock()


@typing.overload
def register_type(cls: _Class, *, name: str | None = None) -> _Class: ...


@typing.overload
def register_type(cls: None = None, *, name: str | None = None) -> Callable[[_Class], _Class]: ...


def register_type(cls: _Class | None = None, *, name: str | None = None) -> Any:
    """Let values of a class be cached: a dataclass, Enum, NamedTuple, Pydantic model or msgspec Struct.

    Also a decorator. The classes of its fields are registered with it. `name` is what stands in stored values, in
    place of `module.Class`. UsageError for any other class, and for a second class under a name that is in use.

    >>> from dataclasses import dataclass
    >>> @register_type
    ... @dataclass
    ... class Point:
    ...     x: int
    """
    if cls is None:
        return lambda decorated: register_type(decorated, name=name)
    if name is None and form_of(cls) is not None:
        return cls
    form = form_for(cls, name)
    if form is None:
        raise UsageError(
            f"cannot register {qualified(cls)}: it is no dataclass, Enum, NamedTuple, Pydantic model or msgspec Struct",
            hint="make it a dataclass, or cache a dict of what it holds",
        )
    _keep(cls, form)
    for hint in form.hints():
        register_annotation(hint)
    return cls


def register_annotation(hint: Any) -> None:
    """Register every class in an annotation, however deep: `dict[str, list[User | None]]` registers User.

    What cannot be registered is passed over: the value itself is looked at when it is cached.
    """
    for cls in _classes(hint, 0):
        if form_of(cls) is None and form_for(cls, None) is not None:
            register_type(cls)


def register_return(function: Callable[..., Any]) -> bool:
    """Register the classes of a function's return annotation; whether all its names are defined by now.

    Call it when the function is decorated, and when that was False once more before its first value is looked up:
    the class may stand further down in the module.
    """
    if "return" not in getattr(function, "__annotations__", {}):
        return True
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        return False
    register_annotation(hints.get("return"))
    return True


def form_of(cls: type) -> Form | None:
    """How values of a class are written; None for a class that is not registered, or whose name another one took."""
    form = _forms.get(cls)
    if form is None:
        return None
    holder = _names.get(form.name)
    return form if holder is not None and holder() is cls else None


def form_named(name: str) -> Form | None:
    """How values under a name are read; None where no class is registered under it."""
    holder = _names.get(name)
    cls = None if holder is None else holder()
    return None if cls is None else _forms.get(cls)


def qualified(cls: type) -> str:
    """The name of a class as an error shows it.

    >>> qualified(int), qualified(Form)
    ('int', 'perfctl.cache.values.forms.Form')
    """
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _keep(cls: type, form: Form) -> None:
    with _lock:
        holder = _other(form.name, cls)
        if holder is not None and not _supersedes(cls, holder, form.name):
            del holder
            gc.collect()  # a class that nobody holds any more lives until its cycle is collected
            holder = _other(form.name, cls)
        if holder is not None and not _supersedes(cls, holder, form.name):
            raise UsageError(
                f"cannot register {qualified(cls)}: another class is registered as {form.name!r}",
                hint='give it a name of its own: register_type(cls, name="...")',
            )
        _forms[cls] = form
        _names[form.name] = ref(cls)


def _other(name: str, cls: type) -> type | None:
    known = _names.get(name)
    holder = None if known is None else known()
    return None if holder is cls else holder


def _supersedes(cls: type, holder: type, name: str) -> bool:
    """Whether a class is the same statement of a module, run again: a reload, or a notebook's cell.

    While a decorator runs, its module still has the class before it.
    """
    if (cls.__module__, cls.__qualname__) != (holder.__module__, holder.__qualname__) or "<locals>" in name:
        return False
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls or found is holder


_MAX_DEPTH = 30


def _classes(hint: Any, depth: int) -> Iterator[type]:
    """All classes that an annotation names."""
    if depth > _MAX_DEPTH or hint is None:
        return
    if isinstance(hint, typing.TypeVar):
        for part in (hint.__bound__, *hint.__constraints__):
            yield from _classes(part, depth + 1)
        return
    if isinstance(hint, type) and get_origin(hint) is None:
        yield hint
        yield from _fields_of_typed_dict(hint, depth)
        return
    alias = getattr(hint, "__value__", None) or getattr(hint, "__supertype__", None)
    if alias is not None:
        yield from _classes(alias, depth + 1)
    origin = get_origin(hint)
    if isinstance(origin, type):
        yield origin
        yield from _fields_of_typed_dict(origin, depth)
    for part in get_args(hint):
        yield from _classes(type(part) if origin is typing.Literal else part, depth + 1)


def _fields_of_typed_dict(cls: type, depth: int) -> Iterator[type]:
    if typing.is_typeddict(cls):
        for part in resolved_hints(cls).values():
            yield from _classes(part, depth + 1)


def resolved_hints(cls: type) -> dict[str, Any]:
    """The annotations of a class, as far as their names are defined."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        module = sys.modules.get(cls.__module__)
        known = {**vars(typing), **(vars(module) if module else {}), cls.__name__: cls}
        hints = {}
        for name, hint in getattr(cls, "__annotations__", {}).items():
            try:
                hints[name] = typing.get_type_hints(types.SimpleNamespace(__annotations__={name: hint}), known)[name]
            except (NameError, AttributeError, TypeError, SyntaxError):
                continue
        return hints
