"""EXPLAIN's XML and YAML."""

from __future__ import annotations

from perfctl.errors import UsageError

_INSTEAD = "make it with FORMAT JSON, or without FORMAT"


def from_xml(_content: str) -> object:
    """Not read: UsageError says what is."""
    raise UsageError("the plan is XML, which perfctl does not read", hint=_INSTEAD)


def from_yaml(_content: str) -> object:
    """Not read: UsageError says what is."""
    raise UsageError("the plan is YAML, which perfctl does not read", hint=_INSTEAD)
