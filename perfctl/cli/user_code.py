"""A cached function of the user's own code, named as `module:function` and imported from the current folder."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from perfctl.cache.engine import AdvancedCache
    from perfctl.cache.model import Preloaded

_HINT = "such as app.quotes:get_quote, from the folder in which app lies"


class CachedFunction:
    """The function, and the caches that its module uses: asked before whether they answer, closed at the end."""

    def __init__(self, function: Any, caches: list[AdvancedCache], name: str) -> None:
        self._function = function
        self._caches = caches
        self._name = name

    async def __aenter__(self) -> CachedFunction:
        for cache in self._caches:
            if not cache.config.has_redis:
                raise UsageError(
                    f"--call: the cache of {self._name} is within its process: what is loaded here ends with this run",
                    hint="let it read cache.redis_url or REDIS_HOST",
                    where="--call",
                )
            await cache.operator.store.ping()
        return self

    async def __aexit__(self, *failure: object) -> None:
        for cache in self._caches:
            await cache.close()

    async def preload(self, calls: list[Any]) -> Preloaded:
        """Have what is missing of these calls."""
        loaded: Any
        if inspect.iscoroutinefunction(self._function):
            loaded = await self._function.preload(calls)
        else:
            import asyncio

            loaded = await asyncio.to_thread(self._function.preload, calls)
        return loaded  # type: ignore[no-any-return]


def cached_function(name: str, *, context: str | None) -> CachedFunction:
    """Import it. UsageError where there is no such module or function, or where it is not cached.

    A context that was chosen is in PERFCTL_CONTEXT while it is imported, as in an application.
    """
    module_name, colon, path = name.partition(":")
    if not (colon and module_name and path):
        raise UsageError(f"--call: {name!r} is not module:function", hint=_HINT, where="--call")
    if context is not None:
        os.environ["PERFCTL_CONTEXT"] = context
    module = _imported(module_name)
    function: Any = module
    for part in path.split("."):
        function = getattr(function, part, None)
    if function is None:
        raise UsageError(f"--call: {module_name} has no {path!r}", hint=_HINT, where="--call")
    if not callable(getattr(function, "preload", None)):
        raise UsageError(
            f"--call: {name} is not cached: it has no preload",
            hint="decorate it with @optimizer.cache_decorator(...)",
            where="--call",
        )
    return CachedFunction(function, _caches_in(vars(module).values()), name)


def _imported(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except PerfctlError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}" if not isinstance(error, ModuleNotFoundError) else str(error)
        raise UsageError(f"--call: cannot import {name!r}: {reason}", hint=_HINT, where="--call") from error


def _caches_in(values: Any) -> list[AdvancedCache]:
    """The caches among a module's names, and those of its optimizers; each once."""
    from perfctl.cache.engine import AdvancedCache
    from perfctl.optimizer import PerformanceOptimizer

    found = [value.cache if isinstance(value, PerformanceOptimizer) else value for value in values]
    return list({id(cache): cache for cache in found if isinstance(cache, AdvancedCache)}.values())
