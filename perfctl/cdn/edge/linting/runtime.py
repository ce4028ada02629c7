"""What CloudFront Functions' JavaScript does not have: syntax, names, methods, modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perfctl.cdn.edge.linting import javascript_tables as tables
from perfctl.cdn.edge.linting.finding import Finding
from perfctl.cdn.edge.linting.tree import Node, place, said, string_of
from perfctl.cdn.edge.model import EdgeFunction

_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")
_REGEX_FLAGS = {"cloudfront-js-1.0": "gim", "cloudfront-js-2.0": "gimy"}


def of_runtime(function: EdgeFunction, nodes: Sequence[Node]) -> Iterator[Finding]:
    """Every finding of a CloudFront Function."""
    declared = {said(node) for node in nodes if _declares(node)}
    wanted = function.handler or "handler"
    if wanted not in declared:
        said_so = f"there is no function {wanted}"
        yield Finding("handler", "fail", said_so, fix=f"declare function {wanted}(event) {{ ... }}")
    for node in nodes:
        yield from _syntax(function, node)
        yield from _words(function, node, declared)
        yield from _calls(function, node)


def _declares(node: Node) -> bool:
    if node.type != "identifier" or node.parent is None:
        return False
    parent = node.parent
    if parent.type in ("formal_parameters", "rest_pattern", "import_clause", "import_specifier", "catch_clause"):
        return True
    named = parent.child_by_field_name("name") or parent.child_by_field_name("parameter")
    kinds = ("variable_declarator", "arrow_function", *_FUNCTIONS)
    return parent.type in kinds and named is not None and named.id == node.id


def _syntax(function: EdgeFunction, node: Node) -> Iterator[Finding]:
    is_old = function.runtime == "cloudfront-js-1.0"
    what = tables.SYNTAX.get(node.type) if node.is_named else None
    if node.type in ("binary_expression", "augmented_assignment_expression"):
        operator = node.child_by_field_name("operator")
        what = tables.OPERATORS.get(said(operator)) if operator is not None else None
    elif node.type == "for_in_statement" and any(child.type == "of" for child in node.children):
        what = "for-of loops"
    elif node.type == "assignment_pattern" and node.parent is not None and node.parent.type == "formal_parameters":
        what = "default values of parameters"
    elif node.type == "number":
        what = _number(said(node), is_old=is_old)
    elif node.type == "regex_flags" and set(said(node)) - set(_REGEX_FLAGS[function.runtime]):
        what = f"the flags {said(node)} of regular expressions"
    elif is_old and node.type == "lexical_declaration":
        what = "let and const"
    elif node.type == "async":
        what = _async(node, is_old=is_old)
    elif node.type == "import_statement" and is_old:
        what = "imports"
    if what is not None:
        line, column = place(node)
        instead = tables.INSTEAD.get(what)
        yield Finding("syntax", "fail", f"{what}: {function.runtime} does not have them", line, column, instead)


def _number(text: str, *, is_old: bool) -> str | None:
    if text.endswith("n") and not text.startswith("0x"):
        return "big integers"
    return "numeric separators" if is_old and "_" in text else None


def _async(node: Node, *, is_old: bool) -> str | None:
    """Runtime 2.0: "async arguments and closures are not supported"."""
    if is_old:
        return "async functions"
    made = node.parent
    at_top = made is not None and made.type == "function_declaration" and made.parent.type == "program"
    return None if at_top else "async functions within functions, or as values"


def _words(function: EdgeFunction, node: Node, declared: set[str]) -> Iterator[Finding]:
    if node.type != "identifier" or said(node) in declared:
        return
    name = said(node)
    reason = tables.GONE.get(name)
    if reason is None and function.runtime == "cloudfront-js-1.0":
        reason = tables.GONE_IN_1.get(name)
    if reason is not None:
        line, column = place(node)
        yield Finding("built-in", "fail", f"{function.runtime} has no {name}: {reason}", line, column)


def _calls(function: EdgeFunction, node: Node) -> Iterator[Finding]:
    line, column = place(node)
    if node.type == "import_statement" and function.runtime != "cloudfront-js-1.0":
        module = string_of(node.child_by_field_name("source"))
        if module not in tables.IMPORTS:
            yield _unknown_module(function, module, line, column)
        elif module == "cloudfront" and function.store is None and ".kvs(" in said(_root(node)):
            said_so = "it reads a key value store, and its header names none"
            yield Finding("store", "warn", said_so, line, column, "store=FILE.json in its header, to run it here")
    if node.type != "call_expression":
        return
    callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if callee is None or arguments is None:
        return
    if callee.type == "import":
        yield Finding("syntax", "fail", f"import(): {function.runtime} does not have it", line, column)
    elif callee.type == "identifier" and said(callee) == "require":
        given = [child for child in arguments.children if child.is_named]
        module = string_of(given[0]) if given else None
        if module not in tables.MODULES[function.runtime]:
            yield _unknown_module(function, module, line, column)
    elif callee.type == "member_expression":
        yield from _method(function, callee, arguments)


def _method(function: EdgeFunction, callee: Node, arguments: Node) -> Iterator[Finding]:
    owner, named = callee.child_by_field_name("object"), callee.child_by_field_name("property")
    if owner is None or named is None:
        return
    line, column = place(named)
    name = said(named)
    if said(owner) == "console":
        given = [child for child in arguments.children if child.is_named]
        if name != "log":
            yield Finding("console", "fail", f"console.{name}() is not there: log() alone is", line, column)
        elif len(given) > 1:
            said_so = "console.log() takes one argument at CloudFront"
            yield Finding("console", "warn", said_so, line, column, "put the parts together with +")
        return
    methods = tables.METHODS | (tables.METHODS_IN_1 if function.runtime == "cloudfront-js-1.0" else frozenset())
    if name in methods or (said(owner), name) in tables.STATICS:
        said_so = f"{name}() is not among the methods that {function.runtime} documents"
        yield Finding("built-in", "warn", said_so, line, column)


def _unknown_module(function: EdgeFunction, module: str | None, line: int, column: int) -> Finding:
    known = tables.IMPORTS if function.runtime == "cloudfront-js-2.0" else tables.MODULES[function.runtime]
    said_so = f"there is no module {module!r}" if module else "the name of a module has to be written out"
    return Finding("module", "fail", said_so, line, column, f"there are {', '.join(known)}")


def _root(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node
