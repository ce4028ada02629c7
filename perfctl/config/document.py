"""One configuration file: its contexts and its base, each value checked, every fault with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from perfctl.config.addresses import without_password
from perfctl.config.fault import Fault, Mark, shortened
from perfctl.config.fields import context_fields, fields_of
from perfctl.config.given import Given, Layer, Source
from perfctl.config.nodes import Mapping, Node, Scalar, compose
from perfctl.config.secret import Secret
from perfctl.config.settings import SECTIONS
from perfctl.config.source import read_text
from perfctl.config.values import UNUSABLE, Findings, entries, value_of

FileKind = Literal["explicit", "project", "user"]
URL_PASSWORDS = {"cache.redis_url": "cache.redis_password", "database.dsn": "database.password"}
"""The URLs whose password becomes a secret of its own."""

_CONTEXT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")


class ContextPart(NamedTuple):
    """What one file says of one context."""

    mark: Mark
    given: Layer
    extends: Given | None = None
    warnings: tuple[str, ...] = ()


class Document(NamedTuple):
    """What one file gives; where it has faults, they are all here and the rest may be incomplete."""

    path: Path
    kind: FileKind
    current: Given | None = None
    base: Layer = {}  # noqa: RUF012 - shared and never written to
    contexts: dict[str, ContextPart] = {}  # noqa: RUF012
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def read_document(path: Path, kind: FileKind) -> Document:
    """A file, read and checked. Raises nothing: its faults are in the document."""
    text = read_text(path)
    if isinstance(text, Fault):
        return Document(path, kind, faults=(text,))
    return document_of(text, path, kind)


def document_of(text: str, path: Path, kind: FileKind) -> Document:
    """The document of a text that stands, or will stand, in `path`."""
    tree = compose(text, str(path))
    if isinstance(tree, Fault):
        return Document(path, kind, faults=(tree,))
    return _Reader(path, kind).document(tree)


class _Reader:
    """Walks one file's tree and gathers what it gives and what is wrong."""

    def __init__(self, path: Path, kind: FileKind) -> None:
        self._path = path
        self._kind: FileKind = kind
        self._found = Findings()

    def document(self, tree: Node) -> Document:
        """Everything the file says."""
        if not isinstance(tree, Mapping):
            self._found.fault(tree.mark, "the file is not a mapping of sections", "perfctl config init shows one")
            return Document(self._path, self._kind, faults=tuple(self._found.faults))
        current, contexts = None, {}
        base: Layer = {}
        known = ("version", "current", "contexts", *context_fields(), *SECTIONS)
        for key, value in entries(tree, known, "", self._found):
            if key.text == "version":
                self._version(value)
            elif key.text == "current":
                current = self._name(value, "current", None)
            elif key.text == "contexts":
                contexts = self._contexts(value)
            else:
                base |= self._settings(key.text, value, None)
        found = self._found
        return Document(self._path, self._kind, current, base, contexts, tuple(found.faults), tuple(found.warnings))

    def _version(self, node: Node) -> None:
        if not (isinstance(node, Scalar) and node.kind in ("int", "null") and node.text in ("1", "", "null", "~")):
            shown = shortened(node.text) if isinstance(node, Scalar) else "this"
            self._found.fault(node.mark, f"version: {shown} is not a version of this file that is known", "write 1")

    def _name(self, node: Node, key: str, context: str | None) -> Given | None:
        """A context's name, as `current` and `extends` hold it."""
        if isinstance(node, Scalar) and node.kind == "null":
            return None
        if not isinstance(node, Scalar) or node.kind != "str" or not _CONTEXT_NAME.fullmatch(node.text):
            shown = shortened(node.text) if isinstance(node, Scalar) else "this"
            self._found.fault(node.mark, f"{key}: {shown} is not the name of a context", _NAME_HINT)
            return None
        return Given(node.text, self._source(node.mark, context))

    def _contexts(self, node: Node) -> dict[str, ContextPart]:
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.kind == "null"):
                self._found.fault(node.mark, "contexts: this is not a mapping", "write contexts: {NAME: {...}}")
            return {}
        parts = {}
        for key, value in entries(node, None, "contexts", self._found):
            if not _CONTEXT_NAME.fullmatch(key.text):
                self._found.fault(key.mark, f"{shortened(key.text)} is not the name of a context", _NAME_HINT)
                continue
            parts[key.text] = self._context(key, value)
        return parts

    def _context(self, name: Scalar, node: Node) -> ContextPart:
        path = f"contexts.{name.text}"
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.kind == "null"):
                self._found.fault(node.mark, f"{path}: this is not a mapping", "write its sections under it")
            return ContextPart(name.mark, {})
        extends = None
        given: Layer = {}
        before = len(self._found.warnings)
        for key, value in entries(node, ("extends", *context_fields(), *SECTIONS), path, self._found):
            if key.text == "extends":
                extends = self._name(value, f"{path}.extends", name.text)
            else:
                given |= self._settings(key.text, value, name.text)
        warnings = tuple(self._found.warnings[before:])
        del self._found.warnings[before:]
        return ContextPart(name.mark, given, extends, warnings)

    def _settings(self, name: str, node: Node, context: str | None) -> Layer:
        """A section's values, or the one value of `protected` and `read_only`."""
        if name in SECTIONS:
            return self._section(name, node, context)
        value = value_of(node, context_fields()[name], _path(context, name), self._found, folder=self._path.parent)
        usable = value is not None and value is not UNUSABLE
        return {name: Given(value, self._source(node.mark, context))} if usable else {}

    def _section(self, name: str, node: Node, context: str | None) -> Layer:
        path = _path(context, name)
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.kind == "null"):
                self._found.fault(node.mark, f"{path}: this is not a mapping", "write its settings under it")
            return {}
        known = fields_of(SECTIONS[name])
        layer: Layer = {}
        for key, value in entries(node, tuple(known), path, self._found):
            made = value_of(value, known[key.text], f"{path}.{key.text}", self._found, folder=self._path.parent)
            is_nothing = made == () and known[key.text].role in ("address", "guard")
            if made is not None and made is not UNUSABLE and not is_nothing:
                layer[f"{name}.{key.text}"] = Given(made, self._source(value.mark, context))
        self._one_address(layer)
        return self._without_passwords(layer)

    def _one_address(self, layer: Layer) -> None:
        """A host and a URL beside each other would be two servers."""
        for url, host in (("database.dsn", "database.host"), ("cache.redis_url", "cache.redis_host")):
            if url in layer and host in layer:
                self._found.fault(layer[url].source.where, f"{url} and {host} are both set", "keep one")

    def _without_passwords(self, layer: Layer) -> Layer:
        split, literals = split_urls(layer)
        for key in literals:
            where = split[key].source.where
            hint = f"write {URL_PASSWORDS[key].partition('.')[2]}: {{env: NAME}} beside it"
            self._found.warnings.append(f"{where}: {key} holds a password in the open; {hint}")
        return split

    def _source(self, mark: Mark, context: str | None) -> Source:
        return Source(self._kind, str(mark), context)


_NAME_HINT = "letters, digits, dots and dashes, in quotes where YAML takes it for a number or a truth value"


def split_urls(layer: Layer) -> tuple[Layer, tuple[str, ...]]:
    """The layer with the passwords of its URLs as secrets of their own, and the keys that had one.

    A password that is given beside its URL wins over the one inside.
    """
    split = dict(layer)
    literals = []
    for key, password_key in URL_PASSWORDS.items():
        if key not in layer:
            continue
        source = layer[key].source
        url, password = without_password(layer[key].value)
        split[key] = Given(url, source)
        if password:
            literals.append(key)
            split.setdefault(password_key, Given(Secret("literal", password, source.where), source))
    return split, tuple(literals)


def _path(context: str | None, name: str) -> str:
    return f"contexts.{context}.{name}" if context else name
