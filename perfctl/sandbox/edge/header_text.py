"""Header values as functions see and return them: text, where the wire has bytes."""

from __future__ import annotations

from perfctl.cdn.delivery.headers import Headers

Pairs = tuple[tuple[str, str], ...]


def as_text(headers: Headers) -> Pairs:
    """Fields as functions see them: UTF-8 where their bytes are that, else ISO-8859-1."""
    return tuple((name, _decoded(value)) for name, value in headers)


def _decoded(value: str) -> str:
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeError:
        return value


def on_wire(returned: Pairs, were: Headers) -> Headers:
    """What a function returned, in UTF-8; values that it left alone as they came."""
    came = {_decoded(value): value for _, value in were}
    fields = ((name, came.get(value) or value.encode(errors="replace").decode("latin-1")) for name, value in returned)
    return Headers(tuple(fields))
