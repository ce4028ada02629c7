"""Layers become one: the stronger wins key by key, and an address is taken whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perfctl.config.addresses import with_parts
from perfctl.config.document import URL_PASSWORDS, Document
from perfctl.config.fault import Fault, did_you_mean
from perfctl.config.given import Given, Layer

_DISPLACED: Mapping[str, tuple[str, ...]] = {
    "database.host": ("database.dsn",),
    "database.dsn": ("database.host", "database.port", "database.database", "database.username"),
    "cache.redis_host": ("cache.redis_url", "cache.sentinel_nodes", "cache.cluster_nodes"),
    "cache.redis_url": (
        "cache.redis_host",
        "cache.redis_port",
        "cache.redis_database",
        "cache.redis_username",
        "cache.sentinel_nodes",
        "cache.cluster_nodes",
    ),
    "cache.sentinel_nodes": ("cache.redis_url", "cache.redis_host", "cache.cluster_nodes"),
    "cache.cluster_nodes": ("cache.redis_url", "cache.redis_host", "cache.sentinel_nodes"),
}
"""What a stronger layer's address puts out of force: a host beside another layer's URL would be a third server."""

PARTS: Mapping[str, Mapping[str, str]] = {
    "database.dsn": {"database.port": "port", "database.database": "database", "database.username": "username"},
    "cache.redis_url": {
        "cache.redis_port": "port",
        "cache.redis_database": "database",
        "cache.redis_username": "username",
    },
}


def merged(layers: Iterable[Layer]) -> Layer:
    """One layer of many, the weakest first."""
    result: Layer = {}
    for layer in layers:
        _displace(result, layer)
        result.update(layer)
        _rewrite(result, layer)
    return result


def chain_of(documents: Sequence[Document], context: str) -> tuple[list[str], list[Fault]]:
    """The context after those that it extends, the farthest first. Faults: a cycle, an unknown context."""
    chain, faults = [context], list[Fault]()
    while (extends := _extends(documents, chain[0])) is not None:
        if extends.value in chain:
            names = " -> ".join([*reversed(chain), extends.value])
            return chain, [Fault(extends.source.where, f"extends: the contexts form a circle: {names}", "break it")]
        if extends.value not in context_names(documents):
            faults.append(_unknown(extends, context_names(documents)))
            return chain, faults
        chain.insert(0, extends.value)
    return chain, faults


def context_names(documents: Sequence[Document]) -> list[str]:
    """The contexts of all files, in order."""
    return list(dict.fromkeys(name for document in documents for name in document.contexts))


def base_layers(documents: Sequence[Document]) -> list[Layer]:
    """The files' top-level sections, the weakest file first."""
    return [document.base for document in documents]


def context_layers(documents: Sequence[Document], chain: Sequence[str]) -> list[Layer]:
    """The contexts' own values, the farthest ancestor first, within it the weakest file first."""
    parts = (document.contexts.get(name) for name in chain for document in documents)
    return [part.given for part in parts if part is not None]


def _displace(result: Layer, layer: Layer) -> None:
    for key in (key for key in _DISPLACED if key in layer):
        for weaker in (weaker for weaker in _DISPLACED[key] if weaker in result):
            _forget_password_of(result, weaker)
            del result[weaker]
        if key in result and result[key].value != layer[key].value:
            _forget_password_of(result, key)
    if "database.dsn" in layer and "sslmode=" in layer["database.dsn"].value:
        result.pop("database.sslmode", None)


def _forget_password_of(result: Layer, address: str) -> None:
    """A password that came with an address goes with it: from within a URL, or from where libpq looks."""
    section = address.partition(".")[0]
    password_key = "database.password" if section == "database" else "cache.redis_password"
    password = result.get(password_key)
    if password is None:
        return
    source = result[address].source
    is_inside = address in URL_PASSWORDS and password.source.where == source.where
    if is_inside or (source.kind == "ambient" and password.source.kind == "ambient"):
        del result[password_key]


def _rewrite(result: Layer, layer: Layer) -> None:
    """A URL of a weaker layer takes on the port, database and user that a stronger one gives."""
    for url_key, parts in PARTS.items():
        changes = {name: str(layer[key].value) for key, name in parts.items() if key in layer}
        if url_key in result and changes:
            url = result[url_key]
            result[url_key] = Given(with_parts(url.value, changes), url.source)


def _extends(documents: Sequence[Document], name: str) -> Given | None:
    found = [document.contexts[name].extends for document in documents if name in document.contexts]
    return next((extends for extends in reversed(found) if extends is not None), None)


def _unknown(given: Given, names: Sequence[str]) -> Fault:
    return Fault(given.source.where, f"extends: no context {given.value!r}", did_you_mean(given.value, names))
