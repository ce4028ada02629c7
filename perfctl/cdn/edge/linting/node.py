"""What Lambda@Edge will not take of a function for Node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from perfctl.cdn.edge.linting.finding import Finding
from perfctl.cdn.edge.linting.tree import Node, place, said
from perfctl.cdn.edge.model import EdgeFunction

OWN_VARIABLES = re.compile(r"AWS_|LAMBDA_|_HANDLER|LANG|TZ|PATH|NODE_PATH|LD_LIBRARY_PATH")
"""The variables that Lambda itself sets."""
_VARIABLE = re.compile(r"process\.env(?:\.|\[['\"])(\w+)")


def of_node(function: EdgeFunction, nodes: Sequence[Node]) -> Iterator[Finding]:
    """Every finding of a Lambda@Edge function in JavaScript."""
    name = function.handler.rpartition(".")[2] or "handler"
    if not _exports(said(nodes[0]), name):
        yield Finding("handler", "fail", f"nothing is exported as {name}", fix=f"exports.{name} = async (event) => ...")
    for node in nodes:
        if node.type in ("member_expression", "subscript_expression"):
            yield from _variable(node)
        if node.type == "assignment_expression":
            yield from _status(function, node)


def _exports(text: str, name: str) -> bool:
    own = re.escape(name)
    forms = (
        rf"exports\.{own}\b",
        rf"exports\[['\"]{own}['\"]\]",
        rf"module\.exports\s*=\s*\{{[^}}]*\b{own}\b",
        rf"export\s+(?:const|let|var|async\s+function|function)\s+{own}\b",
        rf"export\s*\{{[^}}]*\b{own}\b",
        r"module\.exports\s*=\s*[^{\s]",
    )
    return any(re.search(form, text) for form in forms)


def _variable(node: Node) -> Iterator[Finding]:
    found = _VARIABLE.fullmatch(said(node).rstrip("]'\""))
    if found is None or OWN_VARIABLES.match(found[1]):
        return
    line, column = place(node)
    said_so = f"Lambda@Edge has no environment variables: {found[1]} is never set"
    yield Finding("environment", "fail", said_so, line, column, "write the value into the package when you build it")


def _status(function: EdgeFunction, node: Node) -> Iterator[Finding]:
    target = node.child_by_field_name("left")
    if function.trigger != "viewer-response" or target is None:
        return
    if re.fullmatch(r"(?:\w+\.)*response\.status", said(target)):
        line, column = place(node)
        yield Finding("status", "fail", "a viewer-response function may not change the status", line, column)
