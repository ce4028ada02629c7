"""The history: frames of all processes of a context in one file, kept finely at first and coarsely later."""

from perfctl.metrics.history.history import History
from perfctl.metrics.history.opening import history_file, open_history

__all__ = ["History", "history_file", "open_history"]
