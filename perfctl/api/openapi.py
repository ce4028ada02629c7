"""The OpenAPI 3.1 document, made of the table of routes and of the schemas of the commands' documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from perfctl.api.bodies import is_optional
from perfctl.api.jobs import JobState
from perfctl.api.queries import PlanQuery
from perfctl.api.replies import encoded, reply
from perfctl.api.routes import ROUTES, Route
from perfctl.api.shown import result_type
from perfctl.document.schema import document_schema

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/docs/performance/openapi.json"

ERRORS: Mapping[int, str] = {
    400: "The request cannot be used: its parameters, its JSON, or what it asks for.",
    401: "A token is wanted, or the one that came is not known.",
    403: "The token may not, the context does not let it, or the statement is not safe.",
    404: "Nothing is at this path.",
    405: "The path knows other methods.",
    408: "The body did not arrive in time.",
    409: "Another run holds the lock, nothing is configured to do it with, or an Idempotency-Key came with another "
    "request before.",
    413: "The body is larger than api.max_body_bytes.",
    415: "The body is not said to be JSON.",
    421: "The name that was called is not one of this server.",
    422: "The body is JSON, and a field of it is not what is taken.",
    429: "More requests in a minute than one client may send, or than AWS takes; Retry-After says when to come again.",
    500: "A bug in perfctl.",
    501: "An extra that is needed is not installed.",
    502: "A server refused.",
    503: "A server does not answer.",
    504: "A server took longer than it may.",
}
_OF_READS = (400, 401, 403, 405, 421, 429, 500)
_OF_CHANGES = (400, 401, 403, 405, 408, 409, 413, 415, 421, 422, 429, 500, 501, 502, 503, 504)

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "kind", "message", "hint", "where"],
            "properties": {
                "code": {"type": "integer", "description": "The exit code of the command."},
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": ["string", "null"], "description": "What to try."},
                "where": {"type": ["string", "null"], "description": "The field, or where the value was set."},
            },
        }
    },
}


async def document(_request: Request) -> Response:
    """GET /docs/performance: the document."""
    return reply(_written(), headers={"vary": "Accept"})


@cache
def openapi() -> dict[str, Any]:
    """The document: every route of the table with its body, parameters, replies and errors."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    paths["/performance/database/plan"] = {"get": _plan(schemas)}
    paths["/performance/jobs/{job_id}"] = {"get": _job(schemas)}
    paths.update({path: {"get": _probe(*row)} for path, row in _PROBES.items()})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "perfctl",
            "version": "1",
            "description": "Each reply is the document that the command of the same name prints with -o json.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_PROBES: Mapping[str, tuple[str, tuple[int, ...], tuple[int, ...]]] = {
    "/livez": ("Is the process alive", (200,), (405,)),
    "/readyz": ("Is it ready: the last look found nothing that fails", (200, 503), (405,)),
    "/metrics": ("What is measured, for Prometheus", (200,), _OF_READS),
}


@cache
def _written() -> bytes:
    return encoded(openapi())


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    command = " ".join(route.words)
    made: dict[str, Any] = {
        "operationId": "_".join((route.method.lower(), *route.path.replace("-", "/").split("/")[2:])),
        "summary": route.summary,
        "description": f"As `perfctl {command}`.",
        "tags": [route.path.split("/")[2]],
        "responses": {},
        "security": [{"token": []}] if route.scope == "operate" else [{}, {"token": []}],
    }
    if route.method == "GET":
        made["parameters"] = _parameters(route.query, schemas)
    else:
        made["parameters"] = [_IDEMPOTENCY]
        made["requestBody"] = _body(route, schemas)
    made["responses"] = _responses(route, schemas)
    return made


_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body again is answered with the same reply; nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def _parameters(query: type[msgspec.Struct], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    struct = _of_struct(query, schemas, keeps=False)
    return [
        {"name": name, "in": "query", "required": name in struct.get("required", ()), "schema": _without_null(schema)}
        for name, schema in struct["properties"].items()
    ]


def _body(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    _of_struct(route.body, schemas)
    return {
        "required": not is_optional(route.body),
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{route.body.__name__}"},
                "example": json.loads(route.example),
            }
        },
    }


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    documents = {route.words: route.answers, **route.others}
    made = [_document(words, answers, schemas, is_read=bool(route.part)) for words, answers in documents.items()]
    content = {"application/json": {"schema": made[0] if len(made) == 1 else {"anyOf": made}}}
    if route.section:
        content["text/html"] = {"schema": {"type": "string"}}
    said: dict[str, Any] = {"200": {"description": route.summary, "content": content}}
    if route.part == "health":
        said["503"] = {"description": "Something failed, or nothing is known yet.", "content": content}
    if route.method == "POST":
        said["202"] = {
            "description": "It takes longer; the reply will be at Location.",
            "headers": {"Location": {"schema": {"type": "string"}}},
            "content": _json(_job_document(schemas)),
        }
    return {**said, **_errors(_OF_READS if route.method == "GET" else _OF_CHANGES)}


def _errors(statuses: tuple[int, ...]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {str(status): {"description": ERRORS[status], "content": _json(schema)} for status in statuses}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _document(words: tuple[str, ...], answers: str, schemas: dict[str, Any], *, is_read: bool) -> dict[str, Any]:
    """The envelope of a command; of a read, its data may be known in part, or not at all."""
    made = _named(document_schema(words, result_type(answers)), "".join(word.title() for word in words), schemas)
    if is_read:
        name = made["properties"]["data"]["$ref"].rpartition("/")[2]
        unknown = f"{name}Unknown"
        schemas[unknown] = _unknown(schemas[name])
        made["properties"]["data"] = {
            "anyOf": [made["properties"]["data"], {"$ref": f"#/components/schemas/{unknown}"}]
        }
    return made


def _unknown(known: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields where nothing is known: lists empty, figures null, and why."""
    fields = {
        name: {"type": "array", "maxItems": 0} if schema.get("type") == "array" else {"type": "null"}
        for name, schema in known["properties"].items()
    }
    unanswered = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return {
        "type": "object",
        "required": list(dict.fromkeys([*known["required"], "unanswered"])),
        "properties": {**fields, "unanswered": unanswered},
    }


def _named(schema: dict[str, Any], prefix: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema whose definitions stand in the components, under names of their own for each command."""
    definitions = schema.pop("$defs", {})
    for key in ("$schema", "$id"):
        schema.pop(key, None)
    names = {name: f"{prefix}{name}" for name in definitions}
    schemas.update({names[name]: _renamed(definition, names) for name, definition in definitions.items()})
    made: dict[str, Any] = _renamed(schema, names)
    return made


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: f"#/components/schemas/{names[item.rpartition('/')[2]]}"
            if key == "$ref" and isinstance(item, str)
            else _renamed(item, names)
            for key, item in value.items()
        }
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _of_struct(struct: type[msgspec.Struct], schemas: dict[str, Any], *, keeps: bool = True) -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")
    made: dict[str, Any] = components[struct.__name__]
    if keeps:
        schemas.update(components)
    return made


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is not null: the other form alone."""
    forms = [form for form in schema.get("anyOf", ()) if form.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **forms[0]} if len(forms) == 1 else schema


def _plan(schemas: dict[str, Any]) -> dict[str, Any]:
    """What the dashboard asks for beside the table: no part of the snapshot, so it fails where the database does."""
    words = ("db", "analyze")
    made = _document(words, "perfctl.db.model.plans:PlanReport", schemas, is_read=False)
    return {
        "operationId": "get_database_plan",
        "summary": "The plan of a statement that was counted: estimated, and never run",
        "description": "As `perfctl db analyze --query FINGERPRINT --no-run`.",
        "tags": ["database"],
        "parameters": _parameters(PlanQuery, schemas),
        "security": [{}, {"token": []}],
        "responses": {
            "200": {"description": "Its plan, and what is wrong with it", "content": _json(made)},
            **_errors(tuple(sorted({*_OF_READS, 409, 422, 501, 502, 503, 504}))),
        },
    }


def _job_document(schemas: dict[str, Any]) -> dict[str, Any]:
    return _named(document_schema(JobState.words, JobState), "Job", schemas)


def _job(schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "get_job",
        "summary": "The reply of what took long, or how far it is",
        "description": "The document of the command, or its error, as the POST would have had it.",
        "tags": ["jobs"],
        "parameters": [{"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "security": [{}, {"token": []}],
        "responses": {
            "200": {"description": "It is done.", "content": _json({"type": "object", "required": ["schema", "data"]})},
            "202": {"description": "It runs.", "content": _json(_job_document(schemas))},
            **_errors((404, *_OF_CHANGES)),
        },
    }


def _probe(summary: str, statuses: tuple[int, ...], errors: tuple[int, ...]) -> dict[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "summary": summary,
        "tags": ["probes"],
        "security": [],
        "responses": {
            **{str(status): {"description": "yes" if status == 200 else "no", "content": text} for status in statuses},
            **_errors(errors),
        },
    }
