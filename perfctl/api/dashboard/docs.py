"""The documentation as a page: every route of the OpenAPI document, with a line for curl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from perfctl.api.dashboard.page import made, sent

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

Json = Mapping[str, Any]
GROUPS = (
    ("metrics", "Metrics and health", ("/performance/metrics", "/performance/health")),
    ("cache", "Cache", ("/performance/cache",)),
    ("cdn", "CDN", ("/performance/cdn",)),
    ("database", "Database", ("/performance/database",)),
    ("optimize", "Optimisation and jobs", ("/performance/optimize", "/performance/jobs")),
    ("probes", "Probes, Prometheus, documentation", ("/",)),
)
"""The sections: an address belongs to the first that it begins with."""


async def documentation(request: Request) -> Response:
    """GET /docs/performance: a page without scripts."""
    from perfctl.api.openapi import openapi

    base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    return sent(request, made(page_of(openapi(), base).encode(), "text/html; charset=utf-8"))


def page_of(document: Json, base: str) -> str:
    """The page of an OpenAPI document; `base` is the address that its paths are below.

    >>> "<code>GET</code>" in page_of({"info": {"title": "t"}, "paths": {"/livez": {"get": {}}}}, "http://host")
    True
    """
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_text(document['info']['title'])}</title>",
            '<link rel="icon" href="../performance/static/icon.svg" type="image/svg+xml">',
            '<link rel="stylesheet" href="../performance/static/docs.css"></head><body>',
            '<a class="skip" href="#main">Skip to the routes</a>',
            *_body(document, base),
            "</body></html>",
            "",
        )
    )


def _body(document: Json, base: str) -> Iterator[str]:
    grouped = _grouped(document)
    info = document["info"]
    yield f"<header><h1>{_text(info['title'])}</h1>"
    yield f"<p>{_text(info.get('description', ''))}</p>"
    yield '<p><a href="../performance/">Dashboard</a></p>'
    yield '<nav aria-label="Sections"><ul>'
    yield from (f'<li><a href="#{group}">{title}</a></li>' for group, title, _ in GROUPS if group in grouped)
    yield "</ul></nav></header>"
    yield '<main id="main">'
    for group, title, _ in GROUPS:
        if group in grouped:
            yield f'<section id="{group}" aria-labelledby="{group}-name"><h2 id="{group}-name">{title}</h2>'
            for path, method, operation in grouped[group]:
                yield from _operation(document, base, path, method, operation)
            yield "</section>"
    yield "</main>"


def _grouped(document: Json) -> dict[str, list[tuple[str, str, Json]]]:
    found: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in document["paths"].items():
        group = next(name for name, _, beginnings in GROUPS if path.startswith(beginnings))
        for method, operation in methods.items():
            if method in ("get", "post", "put", "delete"):
                found.setdefault(group, []).append((path, method.upper(), operation))
    return found


def _operation(document: Json, base: str, path: str, method: str, operation: Json) -> Iterator[str]:
    fields = _fields(document, operation)
    yield f'<article id="{_text(_anchor(method, path))}">'
    yield f'<h3 class="{method.lower()}"><code>{method}</code> <code class="path">{_text(path)}</code></h3>'
    yield f"<p>{_text(operation.get('summary', ''))}</p>"
    if operation.get("description") not in (None, operation.get("summary")):
        yield f"<p>{_text(operation['description'])}</p>"
    yield f'<pre tabindex="0" aria-label="With curl">{_text(curl(base, path, method, operation, fields))}</pre>'
    yield from _parameters(document, operation)
    yield from _table("Body", fields)
    yield from _answers(operation)
    yield "</article>"


def curl(base: str, path: str, method: str, operation: Json, fields: list[tuple[str, str, bool, str]]) -> str:
    """A line for a shell that asks for it; `$PERFCTL_API_TOKEN` where a token is needed."""
    words = ["curl -s", shlex.quote(base + path + _required(operation))]
    if method != "GET":
        words.append('-H "Authorization: Bearer $PERFCTL_API_TOKEN"')
        words.append("--json " + shlex.quote(json.dumps(_example(operation, fields), ensure_ascii=False)))
    return " \\\n  ".join(words) if len(words) > 2 else " ".join(words)


def _required(operation: Json) -> str:
    """What stands behind the `?`, where something must."""
    names = [one["name"] for one in operation.get("parameters", ()) if one.get("required") and one.get("in") == "query"]
    return "?" + "&".join(f"{name}={name.upper()}" for name in names) if names else ""


_EXAMPLES: Mapping[str, Any] = {
    "operation": "get",
    "key": "user:123",
    "paths": ["/index.html"],
    "query": "SELECT 1",
    "entries": [{"key": "user:123", "value": {"name": "Ada"}, "ttl": 60}],
    "namespace": "default",
    "apply": False,
}


def _example(operation: Json, fields: list[tuple[str, str, bool, str]]) -> Any:
    """The document's own example, else what its required fields may be."""
    content = _content(operation)
    if "example" in content:
        return content["example"]
    if content.get("examples"):
        return next(iter(content["examples"].values()))["value"]
    required = [name for name, _, is_required, _ in fields if is_required]
    return {name: _EXAMPLES.get(name, "...") for name in required}


def _content(operation: Json) -> Json:
    found: Json = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return found


def _fields(document: Json, operation: Json) -> list[tuple[str, str, bool, str]]:
    """The body's fields: name, kind, whether it is required, what it is."""
    schema = _resolved(document, _content(operation).get("schema", {}))
    required = schema.get("required", ())
    return [
        (name, _kind(document, kind), name in required, kind.get("description", ""))
        for name, kind in schema.get("properties", {}).items()
    ]


def _parameters(document: Json, operation: Json) -> Iterator[str]:
    rows = [_resolved(document, one) for one in operation.get("parameters", ())]
    fields = [
        (one["name"], _kind(document, one.get("schema", {})), bool(one.get("required")), one.get("description", ""))
        for one in rows
    ]
    yield from _table("Parameters", fields)


def _table(name: str, fields: list[tuple[str, str, bool, str]]) -> Iterator[str]:
    if not fields:
        return
    yield f'<div class="table"><table><caption>{name}</caption><thead><tr><th scope="col">field</th>'
    yield '<th scope="col">kind</th><th scope="col">what it is</th></tr></thead><tbody>'
    for field, kind, is_required, words in fields:
        needed = " (required)" if is_required else ""
        yield f'<tr><th scope="row"><code>{_text(field)}</code></th><td>{_text(kind)}{needed}</td>'
        yield f"<td>{_text(words)}</td></tr>"
    yield "</tbody></table></div>"


def _answers(operation: Json) -> Iterator[str]:
    answers = operation.get("responses", {})
    if answers:
        said = ", ".join(
            f"{_text(status)} {_text(one.get('description', ''))}".strip() for status, one in answers.items()
        )
        yield f'<p class="answers">Answers: {said}</p>'


def _kind(document: Json, schema: Json) -> str:
    schema = _resolved(document, schema)
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(_kind(document, one) for one in schema[several])
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " | ".join(kind)
    return f"array of {_kind(document, schema.get('items', {}))}" if kind == "array" else str(kind)


def _resolved(document: Json, schema: Json) -> Json:
    """What a `$ref` within the document points to."""
    found: Any = schema
    for _ in range(10):
        if "$ref" not in found:
            break
        place: Any = document
        for word in found["$ref"].removeprefix("#/").split("/"):
            place = place[word.replace("~1", "/").replace("~0", "~")]
        found = place
    return found  # type: ignore[no-any-return]


def _anchor(method: str, path: str) -> str:
    return f"{method.lower()}{path.replace('/', '-').replace('{', '').replace('}', '')}"


def _text(value: object) -> str:
    return escape(str(value), quote=True)
