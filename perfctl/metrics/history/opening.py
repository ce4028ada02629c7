"""Where the history of a context lies."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.folders import state_home
from perfctl.metrics.history.history import History

if TYPE_CHECKING:
    from perfctl.config.settings import Settings

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def open_history(settings: Settings) -> History:
    """The history of a context. Opens no file before it is read or written."""
    metrics = settings.metrics
    path = Path(metrics.history_file).expanduser() if metrics.history_file else history_file(settings.context)
    return History(path, days=metrics.history_days)


def history_file(context: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a context's history lies where nothing else is said, whether it is there or not."""
    from urllib.parse import quote

    name = context if _PLAIN.fullmatch(context) else quote(context, safe="")[:200]
    return state_home(environ) / "metrics" / f"{name}.sqlite"
