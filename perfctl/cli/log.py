"""The log of a run: what the rooms tell their loggers, on stderr and (warnings) in the document."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from perfctl.cli.chosen import GlobalOptions
from perfctl.cli.failure import safe
from perfctl.cli.streams import say

_LEVELS = {0: logging.WARNING, 1: logging.INFO}


class RunLog(logging.Handler):
    """Shows each record of `perfctl.*` once; a warning is handed to the run, too."""

    def __init__(self, options: GlobalOptions, remember: Callable[[str], bool]) -> None:
        super().__init__()
        self._as_json = options.log_format == "json"
        self._quiet = options.quiet or options.cron
        self._holds = options.holds_warnings
        self._remember = remember
        """Takes a warning's text; False where the run has it already."""

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: a log line that cannot be written is not worth a run."""
        try:
            message = safe(record.getMessage())
            is_warning = record.levelno >= logging.WARNING
            is_new = self._remember(message) if is_warning else True
            if is_new and not self._quiet and not (is_warning and self._holds):
                say(self._line(record, message))
        except Exception:  # noqa: BLE001 - logging's own rule: handleError, never an exception
            self.handleError(record)

    def _line(self, record: logging.LogRecord, message: str) -> str:
        level = record.levelname.lower()
        if self._as_json:
            import json

            return json.dumps({"level": level, "logger": record.name, "message": message}) + "\n"
        return f"{level}: {message}\n"


@contextlib.contextmanager
def logged(options: GlobalOptions, remember: Callable[[str], bool]) -> Iterator[None]:
    """Listen to the loggers of `perfctl.*` from here to there."""
    logger = logging.getLogger("perfctl")
    handler, level, propagates = RunLog(options, remember), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(_LEVELS.get(options.verbose, logging.DEBUG))
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates
