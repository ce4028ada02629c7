"""JavaScript as a tree, by tree-sitter's grammar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfctl.errors import MissingExtraError

Node = Any
"""A node of tree-sitter: `.type`, `.children`, `.start_point`, `.text`."""


def parsed(text: str) -> Node:
    """The root of the tree; what is not JavaScript stands in it as an error. MissingExtraError without `edge`."""
    try:
        import tree_sitter
        import tree_sitter_javascript
    except ModuleNotFoundError as error:
        raise MissingExtraError("edge", needed_for="linting JavaScript") from error
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_javascript.language()))
    return parser.parse(text.encode()).root_node


def walk(root: Node) -> Iterator[Node]:
    """Every node, in the order of the text; without recursion, for a source may be as deep as it likes."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def said(node: Node) -> str:
    """The node's own text."""
    text: str = node.text.decode(errors="replace")
    return text


def place(node: Node) -> tuple[int, int]:
    """Line and column, from 1."""
    return node.start_point[0] + 1, node.start_point[1] + 1


def string_of(node: Node | None) -> str | None:
    """The value of a plain string literal or of a property's name; None of anything else."""
    if node is None:
        return None
    if node.type == "property_identifier":
        return said(node)
    if node.type != "string":
        return None
    return "".join(said(child) for child in node.children if child.type == "string_fragment")
