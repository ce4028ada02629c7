"""A file of a distribution's configuration, read against CloudFront's own service model.

The names are CloudFront's, as in its documentation, and only what is to change needs to be there:

    DefaultCacheBehavior:
      Compress: true
    CacheBehaviors:                  # in the order in which they are to be tried
      - PathPattern: /api/*
        CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad
      - {PathPattern: /old/*, remove: true}
    Aliases: [www.example.com]       # added; {remove: [old.example.com]} takes away
    DefaultRootObject: null          # taken away

A list may be written as such or as CloudFront's `{Quantity, Items}`; the answer of `aws cloudfront
get-distribution-config` is read as it is. Every key is checked: unknown, repeated and mistyped ones are named with
their line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from perfctl.cdn.configuring.lists import KEYS, REMOVE, SETS, identity, is_listed
from perfctl.cdn.model.configuration import Shape
from perfctl.config.fault import Fault, did_you_mean, shortened
from perfctl.config.nodes import Mapping, Node, Scalar, Sequence, compose
from perfctl.errors import UsageError

MAX_BYTES = 2_000_000
_MOST_FAULTS = 20
_BESIDE = ("DistributionConfig", "ETag", "ResponseMetadata")
"""What get-distribution-config prints, of which the configuration alone is read."""
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_ESCAPED_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(slots=True)
class Wanted:
    """What a file asks for: values under CloudFront's names, None for what is to be taken away."""

    file: str
    config: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)
    """Where each part stands: `CacheBehaviors[/api/*]` to `file:line:column`."""


def read_wanted(text: str, file: str, shape: Shape) -> Wanted:
    """The file's configuration. UsageError that names every fault with its place."""
    if not text.strip():
        raise UsageError(f"{file}: it is empty", hint="write what is to change under CloudFront's own names")
    node = compose(_as_yaml(text), file)
    if isinstance(node, Fault):
        raise UsageError(str(node), where=node.where, hint="write YAML, or the JSON of get-distribution-config")
    reader = _Reader(file)
    config = reader.structure(reader.unwrapped(node), shape, "")
    reader.raise_faults()
    return Wanted(file, config, reader.places)


def _as_yaml(text: str) -> str:
    """JSON is YAML but for a few letters: escaped pairs of surrogates, and some that stand in JSON as they are."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return text
    joined = _ESCAPED_PAIR.sub(_letter, text.removeprefix("\ufeff"))
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", joined)


def _letter(found: re.Match[str]) -> str:
    pair = (int(found[2], 16).to_bytes(2, "big"), int(found[3], 16).to_bytes(2, "big"))
    return found[1] + b"".join(pair).decode("utf-16-be")


class _Reader:
    """Walks the file's nodes and the model's shapes together, and gathers what does not fit."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._faults: list[Fault] = []
        self.places: dict[str, str] = {}

    def unwrapped(self, node: Node) -> Node:
        """The configuration of what get-distribution-config printed: beside it stands the ETag, which is not needed."""
        if not isinstance(node, Mapping):
            return node
        found = [(key, value) for key, value in node.pairs if isinstance(key, Scalar)]
        inner = next((value for key, value in found if key.text == "DistributionConfig"), None)
        for key, _ in found if inner else ():
            if key.text not in _BESIDE:
                self._fault(key, f"{shortened(key.text)} beside DistributionConfig", "put it in there")
        return inner or node

    def raise_faults(self) -> None:
        if not self._faults:
            return
        first, lines = self._faults[0], [str(fault) for fault in self._faults[:_MOST_FAULTS]]
        message = (
            lines[0] if len(lines) == 1 else f"{len(self._faults)} faults in {self._file}\n  " + "\n  ".join(lines)
        )
        hint = first.hint if len(lines) == 1 else "the names are those of CloudFront's DistributionConfig"
        raise UsageError(
            f"{first.where}: {first.message}" if len(lines) == 1 else message, hint=hint, where=first.where
        )

    def structure(self, node: Node, shape: Shape, path: str, *, is_item: bool = False) -> dict[str, Any]:
        """The values of a mapping by name; `is_item`: `remove: true` may stand in it."""
        if not isinstance(node, Mapping):
            self._fault(node, f"{path or 'the file'} is a mapping of names to values", "write Name: value")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.pairs:
            name = key.text if isinstance(key, Scalar) else ""
            if name in found:
                self._fault(key, f"{name} stands twice", "keep one of them")
            elif name == REMOVE and is_item:
                found[REMOVE] = self.value(value, Shape("boolean"), path)
            elif name not in shape.members:
                known = [*shape.members, *([REMOVE] if is_item else [])]
                self._fault(key, f"unknown key {shortened(name)}", did_you_mean(name, known))
            else:
                below = f"{path}.{name}" if path else name
                self.places[below] = str(key.mark)
                found[name] = self.value(value, shape.members[name], below)
        return found

    def value(self, node: Node, shape: Shape, path: str) -> Any:
        """A value as its shape has it; None for null."""
        if isinstance(node, Scalar) and node.kind == "null":
            return None
        if is_listed(shape):
            return self._listed(node, shape, path)
        if shape.kind == "structure":
            return self.structure(node, shape, path)
        if shape.kind == "list":
            return self._members(node, shape, path)
        return self._plain(node, shape, path)

    def _listed(self, node: Node, shape: Shape, path: str) -> dict[str, Any]:
        name = path.rpartition(".")[2].rpartition("]")[2] or path
        if isinstance(node, Sequence):
            return {"Items": self._members(node, shape.members["Items"], path)}
        members = dict(shape.members)
        if name in SETS:
            members[REMOVE] = shape.members["Items"]
        found = self.structure(node, Shape("structure", members), path)
        found.pop("Quantity", None)
        return found

    def _members(self, node: Node, shape: Shape, path: str) -> list[Any]:
        path = path.removesuffix(".Items")
        if not isinstance(node, Sequence):
            self._fault(node, f"{path} is a list", "write - before each item")
            return []
        member = shape.member or Shape("string")
        key = KEYS.get(path.rpartition(".")[2])
        if key is None:
            return [self._member(one, member, f"{path}[{at}]") for at, one in enumerate(node.items)]
        return self._keyed(node, member, path, key)

    def _member(self, node: Node, shape: Shape, path: str) -> Any:
        if isinstance(node, Scalar) and node.kind == "null":
            self._fault(node, f"{path} is null", "leave it out")
        return self.value(node, shape, path)

    def _keyed(self, node: Sequence, member: Shape, path: str, key: str) -> list[Any]:
        found: list[Any] = []
        seen: set[str] = set()
        for one in node.items:
            name = _name_of(one, key)
            known, place = identity(path.rpartition(".")[2], name), f"{path}[{name}]"
            if name is None:
                self._fault(one, f"an item of {path} has no {key}", f"{key} tells it from the others")
            elif known in seen:
                self._fault(one, f"{place} stands twice", "keep one of them")
            else:
                seen.add(known)
                self.places[place] = str(one.mark)
                found.append(self.structure(one, member, place, is_item=True))
        return found

    def _plain(self, node: Node, shape: Shape, path: str) -> Any:
        if not isinstance(node, Scalar):
            self._fault(node, f"{path} is one value", f"write a {shape.kind}")
            return None
        if shape.kind == "boolean" and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        if shape.kind == "integer" and _INTEGER.fullmatch(node.text):
            return int(node.text)
        if shape.kind == "string" and (not shape.values or node.text in shape.values):
            return node.text
        wanted = did_you_mean(node.text, shape.values) if shape.values else f"write a {shape.kind}"
        wanted = "write true or false" if shape.kind == "boolean" else wanted
        self._fault(node, f"{path}: {shortened(node.text)} is not what CloudFront takes", wanted)
        return None

    def _fault(self, node: Node, message: str, hint: str) -> None:
        self._faults.append(Fault(str(node.mark), message, hint))


def _name_of(node: Node, key: str) -> str | None:
    if not isinstance(node, Mapping):
        return None
    found = (
        value.text
        for name, value in node.pairs
        if isinstance(name, Scalar) and name.text == key and isinstance(value, Scalar) and value.kind != "null"
    )
    return next(found, None) or None
