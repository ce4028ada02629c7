"""PerformanceOptimizer: builds each engine on first use and closes them; the only place where engines meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.config import CacheConfig, CDNConfig, DatabaseConfig, Settings, load_settings

if TYPE_CHECKING:
    from perfctl.cache.engine import AdvancedCache
    from perfctl.cdn.engine import CloudFrontOptimizer
    from perfctl.db.engine import DatabaseOptimizer
    from perfctl.metrics.engine import MetricsEngine


class PerformanceOptimizer:
    """One object that holds the engines of a context."""

    def __init__(
        self,
        *,
        cache_config: CacheConfig | None = None,
        cdn_config: CDNConfig | None = None,
        database_config: DatabaseConfig | None = None,
        settings: Settings | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        self.settings = settings or Settings(
            cache=cache_config or CacheConfig(),
            cdn=cdn_config or CDNConfig(),
            database=database_config or DatabaseConfig(),
        )
        self._timeout_seconds = timeout_seconds
        self._engines: dict[str, Any] = {}

    @classmethod
    def from_file(cls, path: str, *, context: str | None = None) -> PerformanceOptimizer:
        """The engines that a configuration file describes."""
        return cls.from_settings(load_settings(context=context, config_file=path))

    @classmethod
    def from_settings(cls, settings: Settings, *, timeout_seconds: float | None = None) -> PerformanceOptimizer:
        """The engines of settings that were already read."""
        return cls(settings=settings, timeout_seconds=timeout_seconds)

    @property
    def cache(self) -> AdvancedCache:
        from perfctl.cache.engine import AdvancedCache

        return self._engine("cache", lambda: AdvancedCache(self.settings.cache))

    @property
    def cdn(self) -> CloudFrontOptimizer:
        from perfctl.cdn.engine import CloudFrontOptimizer

        return self._engine("cdn", lambda: CloudFrontOptimizer(self.settings.cdn))

    @property
    def database(self) -> DatabaseOptimizer:
        from perfctl.db.engine import DatabaseOptimizer

        return self._engine("database", lambda: DatabaseOptimizer(self.settings.database))

    async def close(self) -> None:
        """Close what was built."""
        for engine in self._engines.values():
            await engine.close()
        self._engines.clear()

    def _engine(self, name: str, build: Any) -> Any:
        if name not in self._engines:
            self._engines[name] = build()
        return self._engines[name]
