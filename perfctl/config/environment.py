"""What perfctl's own variables say: `PERFCTL_SECTION__KEY` and the documented aliases."""

from __future__ import annotations

from collections.abc import Mapping

from perfctl.config.document import split_urls
from perfctl.config.fault import did_you_mean
from perfctl.config.fields import every_field
from perfctl.config.given import Given, Layer, Source, SourceKind
from perfctl.config.values import UNUSABLE, Findings, value_of_text

ALIASES: Mapping[str, str] = {
    "REDIS_HOST": "cache.redis_host",
    "REDIS_PORT": "cache.redis_port",
    "REDIS_PASSWORD": "cache.redis_password",
    "REDIS_CLUSTER_ENABLED": "cache.cluster_enabled",
    "CLOUDFRONT_DISTRIBUTION_ID": "cdn.distribution_id",
    "AWS_REGION": "cdn.region",
    "AWS_ENDPOINT_URL_CLOUDFRONT": "cdn.endpoint_url",
    "CDN_ORIGIN_DOMAIN": "cdn.origin_domain",
    "PERFCTL_EDGE_URL": "cdn.edge_url",
    "DB_HOST": "database.host",
    "DB_PORT": "database.port",
    "DB_NAME": "database.database",
    "DB_USER": "database.username",
    "DB_PASSWORD": "database.password",
    "DB_POOL_SIZE": "database.max_connections",
    "PERFCTL_API_TOKEN": "api.token",
}
"""Variables with a name of their own."""

OTHERS: Mapping[str, str] = {
    "PERFCTL_CONTEXT": "the context to work in, where no -c says another",
    "PERFCTL_STATE_DIR": "the folder for state: locks, histories, sandboxes",
    "PERFCTL_REDIS_SERVER": "the server binary that the sandbox starts",
}
"""Variables that are no settings: what reads them is outside the configuration."""


def own_variables(environ: Mapping[str, str], found: Findings) -> Layer:
    """What the aliases and, over them, `PERFCTL_SECTION__KEY` say; empty variables say nothing."""
    aliases = layer_of(environ, ALIASES, "variable", found)
    names = {name: _key_of(name) for name in sorted(environ) if name.startswith("PERFCTL_") and "__" in name}
    known = {name: key for name, key in names.items() if key in every_field()}
    for name in names.keys() - known.keys():
        found.fault(f"env {name}", f"{name} is not the variable of a setting", _hint(name))
    return aliases | layer_of(environ, known, "variable", found)


def layer_of(environ: Mapping[str, str], names: Mapping[str, str], kind: SourceKind, found: Findings) -> Layer:
    """The variables of a table as a layer, each checked."""
    layer: Layer = {}
    for name, key in names.items():
        text = environ.get(name, "")
        if text:
            value = value_of_text(text, every_field()[key], key, f"env {name}", found)
            if value is not UNUSABLE:
                layer[key] = Given(value, Source(kind, f"env {name}"))
    return split_urls(layer)[0]


def variable_of(key: str) -> str:
    """The variable that sets a key.

    >>> variable_of("cache.redis_url")
    'PERFCTL_CACHE__REDIS_URL'
    """
    return "PERFCTL_" + key.upper().replace(".", "__")


def _key_of(name: str) -> str:
    return name.removeprefix("PERFCTL_").replace("__", ".", 1).lower()


def _hint(name: str) -> str:
    hint = did_you_mean(name, [variable_of(key) for key in every_field() if "." in key])
    return hint if hint.startswith("did you") else "perfctl config show lists the settings"
