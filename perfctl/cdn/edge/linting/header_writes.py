"""Headers that a source in JavaScript sets under a name that is written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perfctl.cdn.edge.linting.finding import Finding, of_header
from perfctl.cdn.edge.linting.tree import Node, place, said, string_of
from perfctl.cdn.edge.model import EdgeFunction


def of_header_writes(function: EdgeFunction, nodes: Sequence[Node]) -> Iterator[Finding]:
    """`request.headers['Via'] = ...`, `headers: {'X-Cache': ...}`."""
    for node in nodes:
        for name, at, on_request in _written(node):
            line, column = place(at)
            finding = of_header(function, name, on_request=on_request, line=line, column=column)
            if finding is not None:
                yield finding


def _written(node: Node) -> Iterator[tuple[str, Node, bool | None]]:
    if node.type == "assignment_expression":
        target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        name, owner = _member(target)
        if name is not None and owner is not None and _is_headers(owner):
            yield name, target, _on_request(owner)
        elif name == "headers" and value is not None:
            yield from ((key, at, _on_request(owner)) for key, at in _keys(value))
    elif node.type == "pair" and string_of(node.child_by_field_name("key")) == "headers":
        value = node.child_by_field_name("value")
        yield from ((key, at, None) for key, at in _keys(value))


def _member(node: Node | None) -> tuple[str | None, Node | None]:
    """The name and the object of `object.name` and of `object['name']`."""
    if node is None or node.type not in ("member_expression", "subscript_expression"):
        return None, None
    named = node.child_by_field_name("property") or node.child_by_field_name("index")
    return string_of(named), node.child_by_field_name("object")


def _is_headers(node: Node) -> bool:
    name, _ = _member(node)
    return name == "headers" or (node.type == "identifier" and said(node).lower() == "headers")


def _on_request(owner: Node | None) -> bool | None:
    words = said(owner).lower() if owner is not None else ""
    if "response" in words or "res." in words:
        return False
    return True if "request" in words or "req." in words else None


def _keys(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is None or node.type != "object":
        return
    for pair in node.children:
        key = pair.child_by_field_name("key") if pair.type == "pair" else None
        name = string_of(key)
        if name is not None and key is not None:
            yield name, key
