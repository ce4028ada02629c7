"""JavaScript of edge functions: what their runtime does not have, and what CloudFront will not take."""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.cdn.edge.linting.finding import Finding
from perfctl.cdn.edge.linting.header_writes import of_header_writes
from perfctl.cdn.edge.linting.node import of_node
from perfctl.cdn.edge.linting.runtime import of_runtime
from perfctl.cdn.edge.linting.tree import parsed, place, walk
from perfctl.cdn.edge.model import EdgeFunction


def of_javascript(function: EdgeFunction, text: str) -> Iterator[Finding]:
    """Every finding of a source in JavaScript."""
    root = parsed(text)
    nodes = list(walk(root))
    broken = next((node for node in nodes if node.type == "ERROR" or node.is_missing), None)
    if broken is not None:
        line, column = place(broken)
        yield Finding("syntax", "fail", "this is not JavaScript", line, column)
        return
    yield from of_header_writes(function, nodes)
    yield from of_node(function, nodes) if function.is_lambda else of_runtime(function, nodes)
