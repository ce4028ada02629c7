"""Tokens read again on SIGHUP, so that one is replaced without an end to what is served."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from perfctl.api.auth import Tokens, refuse_strangers
from perfctl.errors import ConfigError, PerfctlError

if TYPE_CHECKING:
    from perfctl.api.service import Service
    from perfctl.config.settings import Settings

_LOG = logging.getLogger("perfctl.api.reloading")


async def reload_tokens(service: Service, host: str, read: Callable[[], Settings]) -> bool:
    """Read the configuration, and look up its tokens, once more; requests from now on are asked for those.

    Where any of it fails the tokens stay as they were, and the log says why: False. Of what was read nothing but the
    tokens counts.
    """
    try:
        settings = await asyncio.to_thread(read)
        if settings.context != service.settings.context:
            raise ConfigError(f"the context is {settings.context!r} now, and {service.settings.context!r} is served")
        tokens = await Tokens.of(settings, allows_short=service.allows_short_tokens)
        refuse_strangers(host, tokens)
    except PerfctlError as error:
        _LOG.warning("the tokens stay as they were: %s", error.message)
        return False
    service.tokens = tokens
    _LOG.info("the tokens were read again")
    return True


@contextlib.contextmanager
def reloading_on_hangup(reload: Callable[[], object]) -> Iterator[None]:
    """Have `reload` called in the event loop at each SIGHUP, until the end; a signal that is ignored (nohup) stays so.

    Only the main thread hears signals: in another one this does nothing.
    """
    number = getattr(signal, "SIGHUP", None)
    if (
        number is None
        or threading.current_thread() is not threading.main_thread()
        or (before := signal.getsignal(number)) == signal.SIG_IGN
    ):
        yield
        return
    loop = asyncio.get_running_loop()
    signal.signal(number, lambda *_: loop.call_soon_threadsafe(reload))
    try:
        yield
    finally:
        signal.signal(number, before)


async def reloading(service: Service, host: str, read: Callable[[], Settings]) -> None:
    """Until it is cancelled: one reload after the other; a signal that comes during one is not lost."""
    asked = asyncio.Event()
    with reloading_on_hangup(asked.set):
        while True:
            await asked.wait()
            asked.clear()
            await reload_tokens(service, host, read)
