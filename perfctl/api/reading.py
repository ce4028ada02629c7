"""Reading what a request says: its body and its parameters, each fault named with its field."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import msgspec.inspect

from perfctl.api.bodies import is_optional
from perfctl.api.faults import FieldError, MediaTypeError, SlowBodyError, TooLargeError
from perfctl.errors import UsageError
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from starlette.requests import Request

    from perfctl.api.bodies import Body

_Query = TypeVar("_Query", bound=msgspec.Struct)

BODY_SECONDS = 30.0
"""In which all of a body arrives, so that nobody holds a connection by sending slowly."""
DEEPEST = 100
"""How deep a body may nest."""
_PLACE = re.compile(r" - at `(\$[^`]*)`$")


async def body_of(request: Request, body: type[Body], *, at_most: int) -> tuple[Any, bytes]:
    """The body in its type, and its bytes; every fault is an error that names the field."""
    content = await _content(request, at_most)
    if not content and is_optional(body):
        return body(), content
    _require_json(request.headers.get("content-type", ""))
    return of_json(content, body), content


def of_json(content: bytes, body: type[Any]) -> Any:
    """The fields of a JSON text. UsageError where it is no JSON, FieldError where a field is not what is taken."""
    try:
        return msgspec.convert(_parsed(content), body)
    except msgspec.ValidationError as error:
        raise _of_field(str(error), body) from None
    except OverflowError:
        raise FieldError("the body holds a number that is too large", hint="write it as text") from None


def query_of(request: Request, query: type[_Query]) -> _Query:
    """The parameters behind the `?`. UsageError for one that is unknown, named twice or of another type."""
    fields: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in fields:
            raise UsageError(f"the parameter {name!r} is named twice", hint="name it once", where=name)
        fields[name] = value
    try:
        asked = msgspec.convert(fields, query, strict=False)
        nothing = next((name for name in fields if getattr(asked, name) is None), None)
        if nothing is not None:
            raise UsageError(f"the parameter {nothing}: it has no value", hint="leave it out", where=nothing)
        return asked
    except msgspec.ValidationError as error:
        raise _parameter(str(error), query) from None
    except OverflowError:
        raise UsageError("a parameter is a number that is too large", hint=_taken(query)) from None


async def _content(request: Request, at_most: int) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > at_most:
        raise _too_large(at_most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > at_most:
                    raise _too_large(at_most)
                parts.append(part)
    except TimeoutError:
        raise SlowBodyError(f"the body did not arrive within {BODY_SECONDS:g} s", hint="send it at once") from None
    return b"".join(parts)


def _too_large(at_most: int) -> TooLargeError:
    return TooLargeError(
        f"the body is larger than {format_bytes(at_most)}", hint="send less at once, or raise api.max_body_bytes"
    )


def _require_json(said: str) -> None:
    kind, _, parameters = said.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", "charset=utf8"):
        shown = said[:60] or "nothing"
        raise MediaTypeError(
            f"the body is JSON in UTF-8, and Content-Type says {shown!r}", hint="Content-Type: application/json"
        )


def _parsed(content: bytes) -> Any:
    try:
        value = json.loads(content.decode(), object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise UsageError("the body is not UTF-8", hint="send JSON in UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise UsageError(
            f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
            hint='such as {"namespace": "api"}',
        ) from None
    except ValueError as error:
        raise UsageError(f"the body is not JSON: {error}", hint="numbers as JSON writes them") from None
    if _is_deeper(value, DEEPEST):
        raise _too_deep()
    if rb"\ud" in content.lower():
        _refuse_half_characters(value)
    return value


def _refuse_half_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError("the body holds half of a character: a lone \\ud800 to \\udfff") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise FieldError(f"the field {twice[:60]!r} is named twice", hint="name it once", where=twice[:60])
    return fields


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:40]} is beyond what a number holds")
    return number


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        inner = (item for each in level for item in (each.values() if isinstance(each, dict) else each))
        level = [item for item in inner if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def _too_deep() -> UsageError:
    return UsageError(f"the body nests deeper than {DEEPEST}", hint="send it flatter, or as text")


def _of_field(message: str, body: type[Any]) -> FieldError:
    """`$.key`: Expected `str`, got `int`."""
    place = _PLACE.search(message)
    what = _PLACE.sub("", message)
    field = place.group(1).removeprefix("$").removeprefix(".") if place else ""
    said = f"the field {field}: {what}" if field else f"the body: {what}"
    return FieldError(said, hint=_choices(body, field) or _taken(body), where=field or None)


def _parameter(message: str, query: type[Any]) -> UsageError:
    place = _PLACE.search(message)
    name = place.group(1).removeprefix("$.") if place else ""
    what = _PLACE.sub("", message).replace("Object contains unknown field", "unknown parameter")
    said = f"the parameter {name}: {what}" if name else what
    return UsageError(said, hint=_choices(query, name) or _taken(query), where=name or None)


def _choices(fields: type[Any], place: str) -> str | None:
    """The words that a field takes, also each of a list's; None for a field that takes others."""
    name = re.split(r"[.\[]", place, maxsplit=1)[0]
    struct = msgspec.inspect.type_info(fields)
    found = [each.type for each in getattr(struct, "fields", ()) if each.encode_name == name]
    words = [word for kind in found for word in _words(kind)]
    return f"one of {', '.join(words)}" if words else None


def _words(kind: msgspec.inspect.Type) -> Iterator[str]:
    if isinstance(kind, msgspec.inspect.LiteralType):
        yield from map(str, kind.values)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for each in kind.types:
            yield from _words(each)
    elif isinstance(kind, msgspec.inspect.Metadata):
        yield from _words(kind.type)
    elif isinstance(kind, msgspec.inspect.ListType):
        yield from _words(kind.item_type)


def _taken(fields: type[Any]) -> str:
    names = [field.encode_name for field in msgspec.structs.fields(fields)]
    return f"there are {', '.join(names)}" if names else "this route takes none"


def text_params(params: list[Any] | Mapping[str, Any]) -> list[Any] | dict[str, Any]:
    """Parameters of a statement as the texts that the server reads: `true`, `7`, and None for null."""
    if isinstance(params, Mapping):
        return {name: _text(value) for name, value in params.items()}
    return [_text(value) for value in params]


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value)
