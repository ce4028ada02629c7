"""What a section may hold: each field of its dataclass with kind, choices and range."""

from __future__ import annotations

import dataclasses
import typing
from functools import cache
from typing import Any, Literal, NamedTuple

from perfctl.config.secret import Secret
from perfctl.config.settings import SECTIONS, Role, Settings

FieldKind = Literal["text", "integer", "number", "boolean", "choice", "secret", "texts", "choices", "records"]
_KINDS: dict[object, FieldKind] = {str: "text", int: "integer", float: "number", bool: "boolean", Secret: "secret"}


class Field(NamedTuple):
    """One setting as a file, a variable or a flag may give it."""

    name: str
    kind: FieldKind
    default: Any
    doc: str
    role: Role
    is_optional: bool
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    record: type | None = None
    """The dataclass of each item, where the kind is `records`."""

    @property
    def accepted(self) -> str:
        """What may stand there, in words: `a whole number from 1 to 65535`."""
        if self.kind in ("choice", "choices"):
            return f"{'one' if self.kind == 'choice' else 'some'} of {', '.join(self.choices)}"
        return _WORDS[self.kind] + _range(self.low, self.high)


_WORDS: dict[FieldKind, str] = {
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "secret": "a reference such as {env: NAME} or {file: PATH}",
    "texts": "a list of texts",
    "records": "a list of mappings",
}


@cache
def fields_of(section: type) -> dict[str, Field]:
    """The fields of a section's dataclass by name, in their order."""
    hints = _hints(section)
    return {field.name: _described(field, hints[str(field.type)]) for field in dataclasses.fields(section)}


@cache
def context_fields() -> dict[str, Field]:
    """What a context holds beside its sections: `protected` and `read_only`."""
    flags = [field for field in dataclasses.fields(Settings) if field.type in ("bool", bool)]
    return {field.name: _described(field, bool) for field in flags}


@cache
def every_field() -> dict[str, Field]:
    """All settings by their dotted key: `cache.ttl_seconds`, `protected`."""
    nested = {
        f"{name}.{field.name}": field for name, section in SECTIONS.items() for field in fields_of(section).values()
    }
    return {**context_fields(), **nested}


def _hints(section: type) -> dict[str, Any]:
    """The types of a section by their text; each text is evaluated once, which is most of the cost."""
    texts = {str(field.type): field.type for field in dataclasses.fields(section)}
    names = type("Texts", (), {"__annotations__": texts, "__module__": section.__module__})
    return typing.get_type_hints(names)


def _described(field: dataclasses.Field[Any], hint: Any) -> Field:
    kind, choices, record = _kind(hint)
    return Field(
        name=field.name,
        kind=kind,
        default=field.default,
        doc=field.metadata.get("doc", ""),
        role=field.metadata.get("role", "plain"),
        is_optional=type(None) in typing.get_args(hint),
        choices=choices,
        low=field.metadata.get("low"),
        high=field.metadata.get("high"),
        record=record,
    )


def _kind(hint: Any) -> tuple[FieldKind, tuple[str, ...], type | None]:
    """The kind of a type hint, with its choices or its record; an optional type is its other part."""
    if hint in _KINDS:
        return _KINDS[hint], (), None
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    if typing.get_origin(hint) is Literal:
        return "choice", tuple(arguments), None
    if typing.get_origin(hint) is tuple:
        return _kind_of_items(arguments[0])
    return _kind(Secret if Secret in arguments else arguments[0])


def _kind_of_items(item: Any) -> tuple[FieldKind, tuple[str, ...], type | None]:
    if dataclasses.is_dataclass(item):
        return "records", (), typing.cast(type, item)
    kind, choices, _ = _kind(item)
    return ("choices", choices, None) if kind == "choice" else ("texts", (), None)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}" if high < 1e6 else f" from {low:g} to {high:.0f}"
    return f" of at least {low:g}" if low is not None else ""
