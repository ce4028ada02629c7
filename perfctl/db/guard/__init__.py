"""The gate: a foreign statement is looked at before the server plans or runs any of it, and then run harmlessly."""

from perfctl.db.guard.gate import Vetted, vet
from perfctl.db.guard.reading import Rows, read

__all__ = ["Rows", "Vetted", "read", "vet"]
