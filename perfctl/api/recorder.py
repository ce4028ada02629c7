"""What `serve` does besides answering: it records into the history, and has the alerts evaluated."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.config.settings import Settings
    from perfctl.metrics.observing import Observer
    from perfctl.optimizer import PerformanceOptimizer

_LOG = logging.getLogger("perfctl.api.recorder")

AGAIN_SECONDS = 30.0
"""After what time it tries again where another one records, or the history cannot be written."""


async def record(optimizer: PerformanceOptimizer, settings: Settings) -> None:
    """Until it is cancelled: look at every source each `metrics.interval_seconds`. Trouble is logged once, and tried
    again."""
    said = None
    while True:
        try:
            await _observed(optimizer, settings)
        except PerfctlError as error:
            if error.message != said:
                _LOG.warning("nothing is recorded: %s (%s)", error.message, error.hint)
            said = error.message
        await asyncio.sleep(AGAIN_SECONDS)


async def _observed(optimizer: PerformanceOptimizer, settings: Settings) -> None:
    """Record while it can be done; another look when it is cancelled is not taken: the next run goes on."""
    from perfctl.metrics.history import open_history
    from perfctl.metrics.observing import Observer

    history, seconds = open_history(settings), settings.metrics.interval_seconds
    evaluate = None
    if settings.metrics.budgets:
        from perfctl.metrics.alerts.opening import open_alerts

        evaluate = (await asyncio.to_thread(open_alerts, settings, history=history)).evaluate
    collect = optimizer.new_metrics().collect
    observer = Observer(collect, history, interval_seconds=seconds, evaluate=evaluate)
    await observer.begin()
    try:
        await _looking(observer, seconds)
    finally:
        await observer.end()


async def _looking(observer: Observer, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    at, said = loop.time(), None
    while True:
        at = max(at + seconds, loop.time())
        await asyncio.sleep(at - loop.time())
        look = await observer.look()
        if look.trouble and look.trouble != said:
            _LOG.warning("%s", look.trouble)
        said = look.trouble
