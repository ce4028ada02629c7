"""How values of one class become a mapping of fields and are made again from it: a form for each kind of class.

A form makes a value without its constructor, `__post_init__` or `__setstate__` where the kind allows that: what was
set is set again, as `copy.copy` does. A schema that changed, a field too few or too many, is a ValueError; never half
a value. The fingerprint of a class stands beside its name: its fields and their annotations as they are written.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Protocol
from weakref import ref
from zlib import crc32

State = dict[str, Any]

_UNSET = object()


class Form(Protocol):
    """Values of one class, as mappings and back."""

    name: str
    """What stands in stored values."""
    fingerprint: int
    """32 bits that change when the schema does."""

    def take(self, value: Any) -> State:
        """What a value holds."""
        ...

    def make(self, state: State) -> Any:
        """The value again. ValueError for a mapping that `take` did not give."""
        ...

    def hints(self) -> list[Any]:
        """The annotations of the fields."""
        ...


def form_for(cls: type, name: str | None) -> Form | None:
    """The form of a class; None for a class of no kind that comes back as it was."""
    name = name or _name_of(cls)
    if issubclass(cls, enum.Enum):
        return EnumForm(cls, name) if cls.__members__ else None
    if issubclass(cls, tuple):
        return NamedTupleForm(cls, name) if hasattr(cls, "_fields") and hasattr(cls, "_make") else None
    if _is_a(cls, "pydantic", "BaseModel"):
        return PydanticForm(cls, name) if "model_fields" in dir(cls) and cls.__name__ != "BaseModel" else None
    if _is_a(cls, "msgspec", "Struct"):
        return StructForm(cls, name)
    if dataclasses.is_dataclass(cls) and _is_makeable(cls):
        return DataclassForm(cls, name)
    return None


def _name_of(cls: type) -> str:
    """`module.Class`; of a generic Pydantic model, with the modules of what stands in its brackets."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    generic = cls.__dict__.get("__pydantic_generic_metadata__") or {}
    parts = [_name_of(part) if isinstance(part, type) else _written(part) for part in generic.get("args", ())]
    return f"{name.partition('[')[0]}[{', '.join(parts)}]" if parts else name


def _is_makeable(cls: type) -> bool:
    """Whether instances can be made without a constructor: those of an abstract class, or of a dict's, cannot."""
    try:
        object.__new__(cls)
    except TypeError:
        return False
    return True


def _is_a(cls: type, module: str, base: str) -> bool:
    """Whether a class derives from one of a package that need not be there."""
    package = sys.modules.get(module)
    found = getattr(package, base, None) if package else None
    return isinstance(found, type) and issubclass(cls, found) and cls is not found


class _Named:
    """A class under a name, which lives no longer for that: another one may have the name after it."""

    def __init__(self, cls: Any, name: str) -> None:
        self._held = ref(cls)
        self.name = name

    @property
    def _cls(self) -> Any:
        cls = self._held()
        if cls is None:
            raise ValueError(f"class {self.name} is gone")
        return cls


class DataclassForm(_Named):
    """Every field, and every other attribute that was set (`__post_init__` may have); cached properties are not."""

    def __init__(self, cls: type, name: str) -> None:
        super().__init__(cls, name)
        fields = dataclasses.fields(cls)
        self._fields = tuple(field.name for field in fields)
        self._slots = _slots(cls, self._fields)
        self._may_miss = frozenset(
            field.name
            for field in fields
            if not field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        self.fingerprint = _fingerprint({field.name: field.type for field in fields})

    def take(self, value: Any) -> State:
        state = {}
        for name in self._fields + self._slots:
            part = getattr(value, name, _UNSET)
            if part is not _UNSET:
                state[name] = part
        attributes = getattr(value, "__dict__", None)
        if attributes is not None and len(attributes) + len(self._slots) > len(self._fields):
            state.update(_others(self._cls, attributes, state))
        return state

    def make(self, state: State) -> Any:
        for name in self._fields:
            if name not in state and name not in self._may_miss:
                raise ValueError(f"{self.name} lacks its field {name!r}")
        value: Any = object.__new__(self._cls)
        return _filled(value, state, object.__setattr__)

    def hints(self) -> list[Any]:
        return _hints(self._cls)


class NamedTupleForm(_Named):
    """The parts by name."""

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._fields = tuple(cls._fields)
        annotations = getattr(cls, "__annotations__", {})
        self.fingerprint = _fingerprint({field: annotations.get(field, "") for field in self._fields})

    def take(self, value: Any) -> State:
        return dict(zip(self._fields, value, strict=True))

    def make(self, state: State) -> Any:
        if len(state) != len(self._fields):
            raise ValueError(f"{self.name} has other fields now")
        try:
            return tuple.__new__(self._cls, [state[field] for field in self._fields])
        except KeyError as error:
            raise ValueError(f"{self.name} lacks its field {error}") from error

    def hints(self) -> list[Any]:
        return _hints(self._cls)


class EnumForm(_Named):
    """A member by its name, checked by its value; a combination of flags by its value."""

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self.fingerprint = 0

    def take(self, value: Any) -> State:
        plain = value.value if type(value.value) in _PLAIN else None
        member = value.name if value.name in self._cls.__members__ else None
        return {"name": member, "value": plain}

    def make(self, state: State) -> Any:
        if state.keys() != {"name", "value"}:
            raise ValueError(f"{self.name} is not written like this")
        name, plain = state["name"], state["value"]
        if name is None:
            return self._combined(plain)
        member = self._cls.__members__.get(name) if isinstance(name, str) else None
        if member is None:
            raise ValueError(f"{self.name} has no member {name!r}")
        known = member.value
        if type(known) in _PLAIN and (type(known) is not type(plain) or (known != plain and known == known)):
            raise ValueError(f"{self.name}.{name} has another value now")
        return member

    def hints(self) -> list[Any]:
        return []

    def _combined(self, plain: Any) -> Any:
        if not issubclass(self._cls, enum.Flag) or type(plain) is not int:
            raise ValueError(f"{self.name} has no such member")
        return self._cls(plain)


class PydanticForm(_Named):
    """A Pydantic model (version 2) as its own `copy` takes it: fields, which of them were given, extra, private."""

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._fields: frozenset[str] = frozenset(cls.model_fields)
        self._restore = sys.modules["pydantic"].BaseModel.__setstate__
        self.fingerprint = _fingerprint({field: info.annotation for field, info in cls.model_fields.items()})

    def take(self, value: Any) -> State:
        private = value.__pydantic_private__
        return {
            "fields": {name: part for name, part in value.__dict__.items() if name in self._fields},
            "given": sorted(value.__pydantic_fields_set__),
            "extra": value.__pydantic_extra__,
            "private": None if private is None else {name: part for name, part in private.items() if _is_set(part)},
        }

    def make(self, state: State) -> Any:
        if state.keys() != {"fields", "given", "extra", "private"}:
            raise ValueError(f"{self.name} is not written like this")
        fields, given = state["fields"], state["given"]
        if not isinstance(fields, dict) or fields.keys() != self._fields or not isinstance(given, list):
            raise ValueError(f"{self.name} has other fields now")
        for part in (state["extra"], state["private"]):
            if part is not None and not isinstance(part, dict):
                raise ValueError(f"{self.name} is not written like this")
        value = object.__new__(self._cls)
        self._restore(
            value,
            {
                "__dict__": fields,
                "__pydantic_fields_set__": set(given),
                "__pydantic_extra__": state["extra"],
                "__pydantic_private__": state["private"],
            },
        )
        return value

    def hints(self) -> list[Any]:
        return [info.annotation for info in self._cls.model_fields.values()]


class StructForm(_Named):
    """A msgspec Struct; made by its constructor, as its own `copy` and pickle do, and set again after that."""

    def __init__(self, cls: Any, name: str) -> None:
        super().__init__(cls, name)
        self._fields: tuple[str, ...] = tuple(cls.__struct_fields__)
        self._set = sys.modules["msgspec"].structs.force_setattr
        annotations = _annotations(cls)
        self.fingerprint = _fingerprint({field: annotations.get(field, "") for field in self._fields})

    def take(self, value: Any) -> State:
        state = {name: getattr(value, name) for name in self._fields if hasattr(value, name)}
        attributes = getattr(value, "__dict__", None)
        if attributes:
            state.update(_others(self._cls, attributes, state))
        return state

    def make(self, state: State) -> Any:
        if any(name not in state for name in self._fields):
            raise ValueError(f"{self.name} has other fields now")
        try:
            value = self._cls(**{name: state[name] for name in self._fields})
        except Exception as error:
            raise ValueError(f"{self.name} cannot be made: {type(error).__name__}") from error
        return _filled(value, state, self._set if len(state) == len(self._fields) else object.__setattr__)

    def hints(self) -> list[Any]:
        return _hints(self._cls)


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def _filled(value: Any, state: State, set_attribute: Any) -> Any:
    try:
        for name, part in state.items():
            if name.startswith("__"):
                raise ValueError(f"{type(value).__qualname__} has no attribute {name!r} of its own")
            set_attribute(value, name, part)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{type(value).__qualname__} cannot hold what was written: {error}") from error
    return value


def _others(cls: type, attributes: Mapping[str, Any], taken: State) -> State:
    """Attributes that are no fields; what a cached property keeps there is computed again when it is asked for, and
    `__orig_class__`, which a generic class notes, is for type checkers."""
    return {
        name: part
        for name, part in attributes.items()
        if name not in taken
        and not name.startswith("__")
        and not isinstance(getattr(cls, name, None), functools.cached_property)
    }


def _slots(cls: type, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Attributes in `__slots__` of bases that are no fields."""
    names: list[str] = []
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    hidden = ("__dict__", "__weakref__")
    return tuple(name for name in names if name not in fields and name not in hidden and not name.startswith("__"))


def _is_set(part: Any) -> bool:
    return type(part).__name__ != "PydanticUndefinedType"


def _annotations(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(inspect.get_annotations(base))
    return found


def _hints(cls: type) -> list[Any]:
    from perfctl.cache.values.types import resolved_hints

    return list(resolved_hints(cls).values())


def _fingerprint(fields: Mapping[str, Any]) -> int:
    text = ";".join(f"{name}:{_written(hint)}" for name, hint in fields.items())
    return crc32(text.encode("utf-8", "surrogatepass"))


def _written(hint: Any) -> str:
    """An annotation as text that is the same in every process and Python version."""
    if isinstance(hint, str):
        return hint
    origin = typing.get_origin(hint)
    if origin is None:
        name = getattr(hint, "__qualname__", None) or getattr(hint, "__name__", None)
        return str(name) if name else repr(hint)
    parts = ",".join(_written(part) for part in typing.get_args(hint))
    is_union = origin is typing.Union or origin is types.UnionType
    return f"{'|' if is_union else getattr(origin, '__qualname__', repr(origin))}[{parts}]"
