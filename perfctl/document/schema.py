"""JSON Schema of a command's document, derived from the dataclass that the command returns."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from perfctl.document.envelope import Meta, schema_name

_SCALARS: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    timedelta: {"type": "number"},
    Decimal: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}


def document_schema(words: tuple[str, ...], result: object) -> dict[str, Any]:
    """The schema of everything that the command prints on stdout with `-o json`."""
    definitions: dict[str, Any] = {}
    inner = getattr(result, "unwrapped", None)
    data = _schema(typing.get_type_hints(result)[inner] if inner else result, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_name(words),
        "title": f"perfctl {' '.join(words)}",
        "type": "object",
        "required": ["schema", "data", "meta", "warnings"],
        "properties": {
            "schema": {"const": schema_name(words)},
            "data": data,
            "meta": _schema(Meta, definitions),
            "warnings": {"type": "array", "items": {"type": "string"}},
        },
        "$defs": definitions,
    }


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if dataclasses.is_dataclass(kind):
        return _reference(kind, definitions)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return _generic(typing.get_origin(kind), typing.get_args(kind), definitions)


def _generic(origin: Any, arguments: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_schema(argument, definitions) for argument in arguments]}
    if origin is typing.Annotated:
        return _schema(arguments[0], definitions)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if isinstance(origin, type) and issubclass(origin, (Sequence, set, frozenset)):
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    raise TypeError(f"no JSON Schema for {origin}[{arguments}]")


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}
        hints = typing.get_type_hints(kind, localns=_later(kind), include_extras=True)
        fields = [field.name for field in dataclasses.fields(kind)]
        definitions[kind.__name__] = {
            "type": "object",
            "required": fields,
            "properties": {name: _schema(hints[name], definitions) for name in fields},
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _later(kind: Any) -> dict[str, Any]:
    """The types that the module of a dataclass names without loading them: `LATER = {"PlanReport": "its.module"}`."""
    places: Mapping[str, str] = getattr(sys.modules[kind.__module__], "LATER", {})
    return {name: getattr(importlib.import_module(place), name) for name, place in places.items()}
