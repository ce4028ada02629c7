"""The configuration contexts that lead perfctl to a sandbox, in the user's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from perfctl.config.discover import user_file
from perfctl.config.user_file import remove_context, save_context
from perfctl.sandbox.service import Part


def write(name: str, parts: Iterable[Part], *, environ: Mapping[str, str]) -> Path | None:
    """Write the sandbox's context and those that extend it; the file, or None where the user has no place for one."""
    path = user_file(environ)
    if path is None:
        return None
    for suffix, sections in gathered(parts).items():
        context = {"extends": name, **sections} if suffix else sections
        path = save_context(f"{name}{suffix}", context, environ=environ)
    return path


def names_of(name: str, parts: Iterable[Part]) -> tuple[str, ...]:
    """The contexts of a sandbox, its own first."""
    return tuple(f"{name}{suffix}" for suffix in gathered(parts))


def remove(name: str, suffixes: Iterable[str], *, environ: Mapping[str, str]) -> None:
    """Take the contexts out again, those first that extend another."""
    if user_file(environ) is None:
        return
    for suffix in sorted(suffixes, key=len, reverse=True):
        remove_context(f"{name}{suffix}", environ=environ)


def gathered(parts: Iterable[Part]) -> dict[str, dict[str, Any]]:
    """What all parts say, by the context's suffix and section, the sandbox's own context first."""
    contexts: dict[str, dict[str, Any]] = {"": {}}
    for part in parts:
        for suffix, sections in part.contexts().items():
            context = contexts.setdefault(suffix, {})
            for section, values in sections.items():
                context[section] = {**context.get(section, {}), **values}
    return contexts
