"""The alerts of a context, as its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.credentials import resolve_sync
from perfctl.metrics.alerts.engine import AlertEngine
from perfctl.metrics.alerts.sinks import Sink
from perfctl.metrics.alerts.sinks.file import FileSink
from perfctl.metrics.alerts.sinks.webhook import WebhookSink
from perfctl.metrics.budgets.reading import read_all
from perfctl.metrics.history import History, open_history

if TYPE_CHECKING:
    from perfctl.config.settings import MetricsConfig, Settings


def open_alerts(settings: Settings, *, history: History | None = None) -> AlertEngine:
    """What `metrics.budgets` promises, watched over the context's history, told where the settings say.

    What is known lies beside the history. ConfigError where a file of budgets or the webhook is not usable; a
    secret may take up to 5 s. Without budgets nothing is watched.
    """
    kept = history or open_history(settings)
    budgets = read_all(Path(name).expanduser() for name in settings.metrics.budgets)
    return AlertEngine(budgets, kept, sinks_of(settings.metrics), alerts_file(kept.path), context=settings.context)


def alerts_file(history_file: Path) -> Path:
    """Where the alerts of a history are kept.

    >>> alerts_file(Path("/var/lib/perfctl/prod.sqlite")).name
    'prod-alerts.sqlite'
    """
    return history_file.with_name(f"{history_file.stem}-alerts{history_file.suffix or '.sqlite'}")


def sinks_of(config: MetricsConfig) -> tuple[Sink, ...]:
    """The places that are told."""
    url = resolve_sync(config.alert_webhook)
    found: list[Sink] = [WebhookSink(url)] if url else []
    if config.alert_file:
        found.append(FileSink(Path(config.alert_file).expanduser()))
    return tuple(found)
