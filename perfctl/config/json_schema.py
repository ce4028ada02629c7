"""JSON Schema of the configuration file, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from perfctl.config.fields import Field, context_fields, fields_of
from perfctl.config.settings import SECTIONS

_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "secret": {"$ref": "#/$defs/secret"},
}


def file_schema() -> dict[str, Any]:
    """The schema of a whole file; a key without a value means its default, so null is allowed everywhere."""
    parts = {**_properties(context_fields()), **{name: {"$ref": f"#/$defs/{name}"} for name in SECTIONS}}
    context = _mapping({"extends": {"type": ["string", "null"], "pattern": _NAME}, **parts})
    contexts = {"type": ["object", "null"], "propertyNames": {"pattern": _NAME}, "additionalProperties": context}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "perfctl.yaml/1",
        "title": "perfctl's configuration file",
        **_mapping(
            {"version": {"enum": [1, None]}, "current": {"type": ["string", "null"], "pattern": _NAME}}
            | {"contexts": contexts}
            | parts
        ),
        "type": "object",
        "$defs": {"secret": _secret(), **{name: _section(section) for name, section in SECTIONS.items()}},
    }


def _section(section: type) -> dict[str, Any]:
    title = (section.__doc__ or "").splitlines()[0]
    return {"description": title, **_mapping(_properties(fields_of(section)))}


def _properties(fields: dict[str, Field]) -> dict[str, Any]:
    return {name: _property(field) for name, field in fields.items()}


def _property(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": field.doc, "anyOf": [_type(field), {"type": "null"}]}
    if field.default is not None:
        schema["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
    return schema


def _type(field: Field) -> dict[str, Any]:
    if field.kind == "choice":
        return {"enum": list(field.choices)}
    if field.kind == "choices":
        return {"type": "array", "items": {"enum": list(field.choices)}}
    if field.kind == "texts":
        return {"type": "array", "items": _TYPES["text"]}
    if field.kind == "records" and field.record is not None:
        return {"type": "array", "items": {"type": "object", **_section(field.record)}}
    limits = {"minimum": field.low, "maximum": field.high}
    return {**_TYPES[field.kind], **{name: limit for name, limit in limits.items() if limit is not None}}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _secret() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    kinds: dict[str, dict[str, Any]] = {
        "env": text,
        "file": text,
        "command": {"type": "array", "items": text, "minItems": 1},
        "aws_secret": text,
        "rds_iam": {"const": True},
        "elasticache_iam": {"const": True},
    }
    references = [
        {"type": "object", "properties": {name: kind}, "required": [name], "additionalProperties": False}
        for name, kind in kinds.items()
    ]
    return {
        "description": "Where a secret is; the secret itself is accepted, too, with a warning.",
        "anyOf": [*references, {"type": "string"}],
    }
