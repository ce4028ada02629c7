"""YAML text as a tree in which every key and value knows its place; bounded, and with YAML's traps found.

PyYAML's events are read one by one, not its `compose`: the reading stops at the first node over a limit, so that
neither deep nesting nor aliases that unfold into millions of values cost more than the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from perfctl.config.fault import Fault, Mark

DEPTH_LIMIT = 32
NODE_LIMIT = 20_000
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


class Scalar(NamedTuple):
    """A text; `kind` is what YAML takes it for: `str`, `int`, `float`, `bool`, `null`, `timestamp`, `merge`."""

    text: str
    kind: str
    mark: Mark
    start: int
    end: int


class Sequence(NamedTuple):
    """A list of values."""

    items: tuple[Node, ...]
    mark: Mark
    start: int
    end: int
    is_flow: bool = False


class Mapping(NamedTuple):
    """Keys and values in their order; a key may stand twice."""

    pairs: tuple[tuple[Node, Node], ...]
    mark: Mark
    start: int
    end: int
    is_flow: bool = False


Node = Scalar | Sequence | Mapping
"""`start` and `end` are offsets into the text; a block ends with its last value, before comments that follow."""


def compose(text: str, file: str) -> Node | Fault:
    """The only document of a text, or what is wrong with its form."""
    from yaml import YAMLError

    composer = _Composer(text, file)
    try:
        return composer.document()
    except _FormError as error:
        return error.fault
    except YAMLError as error:
        return _syntax_fault(error, text, file)
    except RecursionError:
        return Fault(str(Mark(file, 1, 1)), "is nested too deeply", f"at most {DEPTH_LIMIT} levels")


class _FormError(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class _Composer:
    """Builds the tree of one text out of its events."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._events = _events(text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def document(self) -> Node:
        """The tree; a _FormError where the text is empty or holds several documents."""
        start = self._next_content()
        if start is None:
            self._refuse(Mark(self._file, 1, 1), "is empty", "perfctl config init writes a file to start from")
        node = self._node(start, 0)
        next(self._events)
        following = next(self._events, None)
        if following is not None and type(following).__name__ == "DocumentStartEvent":
            self._refuse(self._mark(following), "a second document begins", "keep one document in a file")
        return node

    def _next_content(self) -> Any:
        passed = ("StreamStartEvent", "DocumentStartEvent")
        event = next((event for event in self._events if type(event).__name__ not in passed), None)
        return None if type(event).__name__ == "StreamEndEvent" else event

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event).__name__
        self._grow(1, event)
        if depth > DEPTH_LIMIT:
            self._refuse(self._mark(event), "is nested too deeply", f"at most {DEPTH_LIMIT} levels")
        if kind == "AliasEvent":
            return self._alias(event)
        before = self._count
        node = self._made(event, kind, depth)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._count - before + 1)
        return node

    def _made(self, event: Any, kind: str, depth: int) -> Node:
        if kind == "ScalarEvent":
            return self._scalar(event)
        if event.tag is not None:
            self._refuse(self._mark(event), "tags are not supported", "quote a value that begins with '!'")
        if kind == "SequenceStartEvent":
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _scalar(self, event: Any) -> Scalar:
        if event.tag not in _TEXT_TAGS:
            self._refuse(self._mark(event), "tags are not supported", "quote a value that begins with '!'")
        is_plain = event.implicit[0] and event.tag is None
        kind = kind_of(event.value) if is_plain else "str"
        return Scalar(event.value, kind, self._mark(event), *_span(event))

    def _sequence(self, event: Any, depth: int) -> Sequence:
        items = []
        closing = next(self._events)
        while type(closing).__name__ != "SequenceEndEvent":
            items.append(self._node(closing, depth + 1))
            closing = next(self._events)
        end = _end(event, closing, items[-1] if items else None)
        return Sequence(tuple(items), self._mark(event), event.start_mark.index, end, bool(event.flow_style))

    def _mapping(self, event: Any, depth: int) -> Mapping:
        pairs = []
        closing = next(self._events)
        while type(closing).__name__ != "MappingEndEvent":
            key = self._node(closing, depth + 1)
            pairs.append((key, self._node(next(self._events), depth + 1)))
            closing = next(self._events)
        end = _end(event, closing, pairs[-1][1] if pairs else None)
        return Mapping(tuple(pairs), self._mark(event), event.start_mark.index, end, bool(event.flow_style))

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            self._refuse(self._mark(event), "no anchor of this name before it", "quote a value that begins with '*'")
        node, size = self._anchors[event.anchor]
        self._grow(size, event)
        start, end = _span(event)
        return node._replace(start=start, end=end)

    def _grow(self, size: int, event: Any) -> None:
        self._count += size
        if self._count > NODE_LIMIT:
            self._refuse(self._mark(event), f"more than {NODE_LIMIT} values, aliases unfolded", "write fewer values")

    def _mark(self, event: Any) -> Mark:
        return Mark(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, mark: Mark, message: str, hint: str) -> NoReturn:
        raise _FormError(Fault(str(mark), message, hint))


def _events(text: str) -> Iterator[Any]:
    """The events of a text, from libyaml where PyYAML was built with it."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
    parser = loader(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _span(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


def _end(event: Any, closing: Any, last: Node | None) -> int:
    """Where a collection ends: a flow at its bracket, a block at its last value."""
    if event.flow_style or last is None:
        return int(closing.end_mark.index)
    return last.end


def _syntax_fault(error: Any, text: str, file: str) -> Fault:
    """The parser's own words and place, without the line of the file: a secret may stand there."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        position = min(int(getattr(error, "position", 0) or 0), len(text))
        line = text.count("\n", 0, position) + 1
        where = Mark(file, line, position - text.rfind("\n", 0, position))
    else:
        where = Mark(file, mark.line + 1, mark.column + 1)
    problem = getattr(error, "problem", None) or "a character that YAML does not allow"
    return Fault(str(where), f"is not YAML: {_without_values(str(problem))}", "check quotes, indentation and colons")


def _without_values(problem: str) -> str:
    return re.sub(r"'[\w!%.-]{3,}'", "'...'", problem)


_TAG = "tag:yaml.org,2002:"


def kind_of(text: str) -> str:
    """What an unquoted text is for YAML 1.1, by PyYAML's own table; `1e3` is a float, as in YAML 1.2.

    >>> [kind_of(text) for text in ("no", "10:30", "017", "1.10", "lru")]
    ['bool', 'int', 'int', 'float', 'str']
    """
    from yaml import SafeLoader

    table: dict[str, list[tuple[str, re.Pattern[str]]]] = SafeLoader.yaml_implicit_resolvers
    found = next((tag for tag, pattern in table.get(text[:1], []) if pattern.match(text)), f"{_TAG}str")
    if found == f"{_TAG}str" and text[:1] in "+-.0123456789" and _is_float(text):
        return "float"
    return found.removeprefix(_TAG)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
