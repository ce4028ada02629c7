"""What the POST routes take: the fields of each body, with their types and limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=500)]
Key = Annotated[str, Meta(min_length=1, max_length=10_000)]
Path = Annotated[str, Meta(min_length=1, max_length=10_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Ttl = Annotated[
    float | str | None, Meta(description="How long it lives: seconds, text such as 10m, or never; null: the default.")
]
Scalar = str | int | float | bool | None


class Body(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every body may say besides."""

    confirm: Annotated[str | None, Meta(description="The context's name, where the context is protected.")] = None


class CacheOperation(Body, frozen=True, kw_only=True):
    """One key of the cache, or all of a namespace."""

    operation: Literal["get", "set", "delete", "clear"]
    key: Annotated[Key | None, Meta(description="Of get, set and delete.")] = None
    value: Annotated[Any | UnsetType, Meta(description="Of set: any JSON.")] = UNSET
    ttl: Ttl = None
    namespace: Name | None = None
    dry_run: Annotated[bool, Meta(description="Of clear: say what would go, and clear nothing.")] = False


class CacheClear(Body, frozen=True, kw_only=True):
    """What is to be cleared: a namespace, or what carries a tag or matches a pattern in it."""

    namespace: Annotated[Name | None, Meta(description="By default the one named default.")] = None
    tag: Name | None = None
    pattern: Annotated[Name | None, Meta(description="Keys that match, such as user:*.")] = None
    reclaim: Annotated[bool, Meta(description="Give the memory back, too, before the reply.")] = False
    dry_run: bool = False
    max_affected: Annotated[Count | None, Meta(description="Refuse where more keys than this would go.")] = None


class CachePreload(Body, frozen=True, kw_only=True):
    """Entries to write ahead of the reads; one that cannot be written is told apart."""

    entries: Annotated[
        list[Any],
        Meta(
            min_length=1,
            max_length=100_000,
            description="Each an object: key, value, and perhaps ttl (seconds or text such as 10m) and namespace.",
        ),
    ]
    namespace: Name | None = None
    ttl: Ttl = None


class CdnInvalidate(Body, frozen=True, kw_only=True):
    """What the edge is to forget; there is at least one path or tag."""

    paths: Annotated[list[Path], Meta(max_length=50_000)] = []
    tags: Annotated[list[Name], Meta(max_length=10_000)] = []
    wait: Annotated[bool, Meta(description="Reply when it has completed; that is a job.")] = False
    dry_run: bool = False
    max_affected: Annotated[Count | None, Meta(description="Refuse where more items than this would be sent.")] = None


class CdnPreload(Body, frozen=True, kw_only=True):
    """What the edge is to have before its visitors ask."""

    paths: Annotated[list[Path], Meta(min_length=1, max_length=50_000)]
    encodings: list[Literal["br", "gzip", "identity"]] | None = None


class OptimizeQuery(Body, frozen=True, kw_only=True):
    """One statement that only reads."""

    query: Annotated[str, Meta(min_length=1, max_length=1_000_000)]
    params: Annotated[
        list[Scalar] | dict[str, Scalar] | None,
        Meta(description="For $1, $2 ... or %s in order, or by name for %(name)s."),
    ] = None
    run: Annotated[bool, Meta(description="Measure by running it, rolled back; else estimates alone.")] = True


class Optimize(Body, frozen=True, kw_only=True):
    """One pass over all engines."""

    apply: Annotated[bool, Meta(description="Do what is safe and can be taken back.")] = False


def is_optional(body: type[Body]) -> bool:
    """Whether a body without any field is enough, so that it may be left out."""
    return all(not field.required for field in msgspec.structs.fields(body))
