"""The commented configuration file with every key at its default, generated from the settings."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from perfctl.config.fields import Field, context_fields, fields_of
from perfctl.config.settings import SECTIONS

_HEAD = """\
# perfctl's configuration: every key with its meaning, at its default.
#
# A key that stands here counts as set: delete what you do not need, so that your own file
# (~/.config/perfctl/config.yaml), the environment and later defaults count. null is not set. Keys behind a `#` would
# change an address or TLS that is set elsewhere. `perfctl config show --origin` tells where each value comes from.
# The order, the strongest first: flag, PERFCTL_SECTION__KEY and aliases such as DB_HOST, --config FILE,
# ./perfctl.yaml, your own file, DATABASE_URL, REDIS_URL, PG*, PGSERVICE, ~/.pgpass, default.
#
# Passwords are references: {env: NAME}, {file: PATH}, {command: [program, argument]}, {aws_secret: ARN#key},
# {rds_iam: true}, {elasticache_iam: true}; they are looked up at each new connection. A perfctl.yaml that is found in
# a project may not hold {command}, weaken TLS, or send your secrets to another address; one named with --config may.
version: 1
"""

_CONTEXTS = """\
# The context where neither -c NAME nor PERFCTL_CONTEXT chooses one. The sections below are the base of each.
# current: staging
# contexts:
#   staging:
#     database: {host: staging.internal, database: app, username: perfctl, password: {env: STAGING_DB_PASSWORD}}
#     cache: {redis_url: "rediss://cache.staging.internal:6379/0"}
#   production:
#     extends: staging
#     protected: true
#     database: {host: db.internal, sslmode: verify-full}
"""

_LINE = 100


def render_template() -> str:
    """The whole text; it ends in a newline and is a valid file."""
    flags = "".join(f"{line}\n" for field in context_fields().values() for line in _lines(field, "", "# "))
    return "\n".join([_HEAD, _CONTEXTS, flags, *(_section(name) for name in SECTIONS)])


def _section(name: str) -> str:
    section = SECTIONS[name]
    title = (section.__doc__ or "").splitlines()[0]
    lines = [line for field in fields_of(section).values() for line in _lines(field, "  ", _mark(field))]
    return "\n".join([f"# {title}", f"{name}:", *lines]) + "\n"


def _mark(field: Field) -> str:
    """A `#` in front of the defaults that would displace what a weaker source says of an address or TLS."""
    return "# " if field.role in ("address", "tls") and field.default not in (None, ()) else ""


def _lines(field: Field, indent: str, mark: str) -> Iterator[str]:
    """A key at its default, and behind it, or above where that is too long, what it means."""
    pair = f"{indent}{mark}{field.name}: {default_text(field)}"
    comment = f"# {field.doc}{_choices(field)}"
    if len(f"{pair:<42}  {comment}") <= _LINE:
        yield f"{pair:<42}  {comment}"
    else:
        yield from (f"{indent}{line}" for line in textwrap.wrap(comment, _LINE, subsequent_indent="# "))
        yield pair


def default_text(field: Field) -> str:
    """A default as YAML writes it."""
    return _text(field.default)


def _text(value: Any) -> str:
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:g}" if "e" not in f"{value:g}" else f"{value:.10f}".rstrip("0")  # YAML takes 1e-05 for text
    return "[]" if isinstance(value, tuple) else str(value)


def _choices(field: Field) -> str:
    return f" One of {', '.join(field.choices)}." if field.kind == "choice" else ""


if __name__ == "__main__":
    sys.stdout.write(render_template())
