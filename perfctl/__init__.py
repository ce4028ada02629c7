"""perfctl: one toolkit for a PostgreSQL + Redis + CloudFront stack. Each name below is loaded on first use."""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers read as true; typing itself would cost a third of a bare start
if TYPE_CHECKING:
    from typing import Any

    from perfctl.cache.clock import ManualClock
    from perfctl.cache.engine import AdvancedCache
    from perfctl.cache.values.types import register_type
    from perfctl.cdn.engine import CloudFrontOptimizer
    from perfctl.config.settings import CacheConfig, CDNConfig, DatabaseConfig
    from perfctl.db.engine import DatabaseOptimizer
    from perfctl.errors import (
        AuthError,
        ConfigError,
        LockedError,
        MissingExtraError,
        PerfctlError,
        RefusedError,
        ServiceError,
        TimedOutError,
        UnreachableError,
        UsageError,
    )
    from perfctl.metrics.model import PerformanceMetrics
    from perfctl.optimizer import PerformanceOptimizer
    from perfctl.recording.asgi import PerformanceMiddleware

__version__ = "0.1.0"

__all__ = [
    "AdvancedCache",
    "AuthError",
    "CDNConfig",
    "CacheConfig",
    "CloudFrontOptimizer",
    "ConfigError",
    "DatabaseConfig",
    "DatabaseOptimizer",
    "LockedError",
    "ManualClock",
    "MissingExtraError",
    "PerfctlError",
    "PerformanceMetrics",
    "PerformanceMiddleware",
    "PerformanceOptimizer",
    "RefusedError",
    "ServiceError",
    "TimedOutError",
    "UnreachableError",
    "UsageError",
    "__version__",
    "register_type",
]

_HOMES = {
    "AdvancedCache": "perfctl.cache.engine",
    "CDNConfig": "perfctl.config.settings",
    "CacheConfig": "perfctl.config.settings",
    "CloudFrontOptimizer": "perfctl.cdn.engine",
    "DatabaseConfig": "perfctl.config.settings",
    "DatabaseOptimizer": "perfctl.db.engine",
    "ManualClock": "perfctl.cache.clock",
    "PerformanceMetrics": "perfctl.metrics.model",
    "PerformanceMiddleware": "perfctl.recording.asgi",
    "PerformanceOptimizer": "perfctl.optimizer",
    "register_type": "perfctl.cache.values.types",
}
"""Where each name lives; those that are not listed live in `perfctl.errors`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "perfctl.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
