"""The line of `--version`; importlib.metadata would cost more than the rest of the answer."""

from __future__ import annotations

from perfctl import __version__


def version() -> str:
    """The name and the number."""
    return f"perfctl {__version__}\n"
