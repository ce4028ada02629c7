"""What Lambda@Edge will not take of a function for Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from perfctl.cdn.edge.linting.finding import Finding, of_header
from perfctl.cdn.edge.linting.node import OWN_VARIABLES
from perfctl.cdn.edge.model import EdgeFunction


def of_python(function: EdgeFunction, text: str) -> Iterator[Finding]:
    """Every finding of a Lambda@Edge function in Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        yield Finding("syntax", "fail", f"this is not Python: {getattr(error, 'msg', error)}", line, column)
        return
    yield from _handler(function, tree)
    for node in ast.walk(tree):
        yield from _variables(node)
        yield from _headers(function, node)


def _handler(function: EdgeFunction, tree: ast.Module) -> Iterator[Finding]:
    name = function.handler.rpartition(".")[2] or "lambda_handler"
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
            said = "Lambda does not await a handler in Python"
            yield Finding("handler", "fail", said, node.lineno, node.col_offset + 1, "write def, not async def")
            return
        if isinstance(node, ast.FunctionDef) and node.name == name:
            given = len(node.args.posonlyargs) + len(node.args.args)
            if given != 2 and node.args.vararg is None:
                said = f"{name} takes {given} arguments: Lambda gives it two, the event and the context"
                yield Finding("handler", "fail", said, node.lineno, node.col_offset + 1)
            return
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return
        if isinstance(node, ast.ImportFrom) and any((one.asname or one.name) == name for one in node.names):
            return
    yield Finding("handler", "fail", f"there is no function {name}", fix=f"def {name}(event, context): ...")


def _variables(node: ast.AST) -> Iterator[Finding]:
    name = _variable(node)
    if name is not None and not OWN_VARIABLES.match(name):
        assert isinstance(node, ast.expr)  # noqa: S101 - a call or a subscript
        said = f"Lambda@Edge has no environment variables: {name} is never set"
        fix = "write the value into the package when you build it"
        yield Finding("environment", "fail", said, node.lineno, node.col_offset + 1, fix)


def _variable(node: ast.AST) -> str | None:
    """The name in `os.environ["NAME"]`, `os.environ.get("NAME")` and `os.getenv("NAME")`."""
    if isinstance(node, ast.Subscript) and _dotted(node.value) in ("os.environ", "environ"):
        return _text(node.slice)
    getters = ("os.environ.get", "environ.get", "os.getenv", "getenv")
    if isinstance(node, ast.Call) and node.args and _dotted(node.func) in getters:
        return _text(node.args[0])
    return None


def _headers(function: EdgeFunction, node: ast.AST) -> Iterator[Finding]:
    for name, at, owner in _written(node):
        on_request = False if "response" in owner else True if "request" in owner else None
        finding = of_header(function, name, on_request=on_request, line=at.lineno, column=at.col_offset + 1)
        if finding is not None:
            yield finding


def _written(node: ast.AST) -> Iterator[tuple[str, ast.expr, str]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if not isinstance(target, ast.Subscript):
                continue
            name, owner = _text(target.slice), ast.unparse(target.value)
            if name is not None and owner.lower().endswith(("headers", "headers']", 'headers"]')):
                yield name, target, owner.lower()
            elif name == "headers":
                yield from ((key, at, owner.lower()) for key, at in _keys(node.value))
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and _text(key) == "headers":
                yield from ((name, at, "") for name, at in _keys(value))


def _keys(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Dict):
        for key in node.keys:
            if key is not None and (name := _text(key)) is not None:
                yield name, key


def _dotted(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
