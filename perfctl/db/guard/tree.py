"""The syntax tree of an SQL text, by PostgreSQL's own grammar."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from struct import unpack_from
from typing import Any

from perfctl.errors import PerfctlError, UsageError

MOST_BYTES = 1024 * 1024
_DEEP_BYTES = 1024
_STACK_BYTES_A_BYTE = 1024
"""`1+1+1` is a level of some 600 bytes for every second byte."""
_DEEP_STACK_BYTES = 512 * 1024 * 1024
_LEAST_STACK_BYTES = 8 * 1024 * 1024
_PARSE_SECONDS = 20.0
"""A level costs the more the deeper it is: half a million of them take minutes, and no server takes ten thousand."""


@dataclass(slots=True)
class Node:
    """A node of the tree: its kind as PostgreSQL names it, such as `SelectStmt`, and the fields that are not empty."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A field's value: text, number, node, or a list where the grammar has a list."""
        return self.fields.get(name, default)

    def children(self) -> Iterator[Node]:
        """The nodes right under this one."""
        for value in self.fields.values():
            for item in value if isinstance(value, list) else (value,):
                if isinstance(item, Node):
                    yield item

    def everything(self) -> Iterator[Node]:
        """This node and all under it, however deep."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children())


class GrammarError(UsageError):
    """The text is not SQL; `position` counts characters from 1, 0 where it is not known."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def parsed(sql: str) -> list[Node]:
    """The statements of the text, each as a tree. GrammarError where the grammar does not know the text."""
    size = len(sql.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        raise UsageError(f"the statement has {size} bytes", hint=f"{MOST_BYTES} is the most that is looked at")
    if "\x00" in sql:
        raise UsageError("the statement holds a NUL character", hint="SQL texts cannot have one, nor can values")
    data = _serialized(sql) if size < _DEEP_BYTES else _with_deep_stack(sql)
    result = _decoded(data, _descriptor())
    return [statement.get("stmt", Node("Nothing")) for statement in result.get("stmts", ())]


def _with_deep_stack(sql: str) -> bytes:
    """The parser recurses, and a segmentation fault is what follows when the stack ends."""
    done: Future[bytes] = Future()

    def run() -> None:
        try:
            done.set_result(_serialized(sql))
        except PerfctlError as error:
            done.set_exception(error)

    wanted = len(sql.encode(errors="surrogatepass")) * _STACK_BYTES_A_BYTE
    before = threading.stack_size(min(max(wanted, _LEAST_STACK_BYTES), _DEEP_STACK_BYTES))
    try:
        threading.Thread(target=run, daemon=True).start()
    finally:
        threading.stack_size(before)
    try:
        return done.result(_PARSE_SECONDS)
    except TimeoutError as error:
        raise UsageError(
            f"the statement is nested so deep that {_PARSE_SECONDS:.0f} s do not read it",
            hint="the server would not take it, either: give it in a plainer form",
        ) from error


def _serialized(sql: str) -> bytes:
    """The tree as the grammar's own library writes it. Its Python reader stops at 100 levels, which 48 `||` reach."""
    import ctypes

    from postgast.errors import PgQueryError, check_error
    from postgast.native import lib

    try:
        text = sql.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the statement is not text in UTF-8: {error}", hint="write it in UTF-8") from error
    result = lib.pg_query_parse_protobuf(text)
    try:
        check_error(result)
        return ctypes.string_at(result.parse_tree.data, result.parse_tree.len)
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos) from error
    finally:
        lib.pg_query_free_protobuf_parse_result(result)


@cache
def _descriptor() -> Any:
    from postgast.pg_query_pb2 import ParseResult

    return ParseResult.DESCRIPTOR


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    is_list: bool
    message: Any
    kind: int
    words: dict[int, str] | None


@cache
def _fields(descriptor: Any) -> dict[int, _Field]:
    return {
        one.number: _Field(
            one.name,
            bool(one.is_repeated),
            one.message_type,
            one.type,
            {number: word.name for number, word in one.enum_type.values_by_number.items()} if one.enum_type else None,
        )
        for one in descriptor.fields
    }


_INT32, _BOOL = 5, 8


def _decoded(data: bytes, descriptor: Any) -> Node:
    """The tree of a serialized message, without recursion."""
    root = Node(descriptor.name)
    waiting = [(root, descriptor, 0, len(data))]
    while waiting:
        node, kind, at, end = waiting.pop()
        known = _fields(kind)
        while at < end:
            tag, at = _varint(data, at)
            spec, wire = known[tag >> 3], tag & 7
            value: Any
            if wire == 0:
                number, at = _varint(data, at)
                value = spec.words[number] if spec.words else _number(number, spec.kind)
            elif wire == 1:
                value, at = unpack_from("<d", data, at)[0], at + 8
            elif wire == 5:
                value, at = unpack_from("<f", data, at)[0], at + 4
            else:
                size, at = _varint(data, at)
                if spec.message is None:
                    value = data[at : at + size].decode()
                else:
                    value, inner, start, stop = _opened(data, spec.message, at, at + size)
                    waiting.append((value, inner, start, stop))
                at += size
            if spec.is_list:
                node.fields.setdefault(spec.name, []).append(value)
            else:
                node.fields[spec.name] = value
    return root


def _opened(data: bytes, descriptor: Any, at: int, end: int) -> tuple[Node, Any, int, int]:
    """A message's node; the wrapper `Node`, which holds one of all kinds, is taken off."""
    if descriptor.name != "Node" or at == end:
        return Node(descriptor.name), descriptor, at, end
    tag, at = _varint(data, at)
    inner = _fields(descriptor)[tag >> 3].message
    _, at = _varint(data, at)
    return Node(inner.name), inner, at, end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _number(number: int, kind: int) -> int | bool:
    if kind == _BOOL:
        return bool(number)
    if kind == _INT32 and number >= 1 << 63:
        return number - (1 << 64)
    return number
