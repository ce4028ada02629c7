"""The words that perfctl knows: groups, their commands, one line of help each; known without an import of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Entry(NamedTuple):
    """A row of the table: the file that holds a group (or one command at the root), and its one line of help."""

    module: str
    """`cache` for perfctl/cli/cache.py; a name with dots is a module elsewhere."""
    help: str
    commands: tuple[str, ...] = ()
    """The group's commands, for help and completion without an import; one of two words stands in a group below.
    None: the word is itself a command."""

    @property
    def is_command(self) -> bool:
        """Whether the word stands at the root by itself."""
        return not self.commands


ENTRIES: Mapping[str, Entry] = {
    "sandbox": Entry(
        "sandbox",
        "Real servers on this machine, to try everything on.",
        ("up", "status", "env", "logs", "reset", "down"),
    ),
    "health": Entry("health", "Is everything well, and what is the one thing to mend?"),
    "db": Entry(
        "db",
        "Find slow queries and explain them.",
        (
            "slow",
            "stats",
            "history record",
            "history list",
            "history prune",
            "query",
            "analyze",
            "activity",
            "locks",
            "watch",
            "check",
            "baseline record",
            "report",
            "doctor",
            "plan",
            "plan diff",
        ),
    ),
    "cache": Entry(
        "cache",
        "Look into, clear and warm the cache.",
        (
            *("get", "set", "delete", "exists", "ttl", "touch"),
            *("clear", "preload", "stats", "top", "inspect", "dict train", "dict list", "simulate", "check", "doctor"),
        ),
    ),
    "cdn": Entry(
        "cdn",
        "Invalidate and check what the edge serves.",
        (
            "invalidate",
            "plan",
            "status",
            *("queue status", "queue run", "queue drain", "queue cancel", "invalidations"),
            "stats",
            *("logs report", "logs top", "logs misses", "logs errors", "logs pops", "logs latency"),
            "logs generate",
            "simulate",
            *("preload", "optimize", "edge lint", "edge run", "edge test"),
            *("edge package", "edge deploy", "edge rollback"),
            *("headers", "check", "diff", "apply"),
            "metrics",
            "doctor",
        ),
    ),
    "metrics": Entry(
        "metrics",
        "What is measured, now.",
        ("show", "watch", "report", "record", "export", "check", "compare", "alerts"),
    ),
    "optimize": Entry("optimize", "What would make it faster; apply what is safe, and undo it."),
    "serve": Entry("serve", "The commands over HTTP, with a dashboard."),
    "config": Entry("config", "Write, check and explain the configuration.", ("init", "show", "validate", "schema")),
    "demo": Entry("demo", "The main jobs on real servers, each with the command that it runs."),
    "schema": Entry("schema", "The JSON Schema of a command's document."),
    "completion": Entry("completion", "Completion for bash, zsh and fish."),
}


def every_line() -> list[tuple[str, ...]]:
    """The words of every command, without an import."""
    return [
        words
        for name, entry in ENTRIES.items()
        for words in ([(name,)] if entry.is_command else [(name, *command.split()) for command in entry.commands])
    ]
