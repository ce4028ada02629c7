"""A fault of the configuration with its place, and how many of them become one error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perfctl.config.secret import redacted
from perfctl.errors import ConfigError

_SHOWN_AT_MOST = 100


class Mark(NamedTuple):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Fault(NamedTuple):
    """One thing that is wrong: where, what, and what to write instead."""

    where: str
    """`perfctl.yaml:7:17`, `env DB_PORT`, `--dsn`."""
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" - {self.hint}" if self.hint else "")


def raise_for(faults: Sequence[Fault]) -> None:
    """One ConfigError that lists every fault in order, `where` of the first. Nothing where there are none."""
    unique = tuple(dict.fromkeys(faults))
    if not unique:
        return
    first = unique[0]
    if len(unique) == 1:
        hint = _clean(first.hint) or _other_value(first.where)
        raise ConfigError(redacted(f"{first.where}: {first.message}"), hint=hint, where=first.where)
    lines = [redacted(str(fault)) for fault in unique[:_SHOWN_AT_MOST]]
    more = [f"and {len(unique) - _SHOWN_AT_MOST} more"] if len(unique) > _SHOWN_AT_MOST else []
    message = f"{len(unique)} faults in the configuration\n  " + "\n  ".join([*lines, *more])
    raise ConfigError(message, hint="perfctl config validate checks it again", where=first.where)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The nearest of the known words, else all of them.

    >>> did_you_mean("ttl_second", ["ttl_seconds", "key_prefix"])
    "did you mean 'ttl_seconds'?"
    """
    from difflib import get_close_matches

    near = get_close_matches(word[:80], known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(known)}"


def shortened(text: str) -> str:
    """A value as a message shows it: quoted, on one line, not too long."""
    shown = ascii(text) if not text.isprintable() else repr(text)
    return shown if len(shown) <= 60 else f"{shown[:56]}...'"


def _other_value(where: str) -> str | None:
    """What to do about a variable where nothing nearer is known."""
    name = where.removeprefix("env ")
    return None if name == where else f"give {name} such a value, or take it away: unset {name}"


def _clean(hint: str | None) -> str | None:
    return redacted(hint) if hint else hint
