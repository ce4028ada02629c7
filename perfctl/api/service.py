"""What the routes share: the settings, the engines, the snapshot that reads answer from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.api.snapshot import Snapshot

if TYPE_CHECKING:
    from perfctl.config.settings import Settings
    from perfctl.optimizer import PerformanceOptimizer


class Service:
    """The engines of one context behind the HTTP API."""

    def __init__(self, settings: Settings, optimizer: PerformanceOptimizer | None = None) -> None:
        """Engines of their own from `settings`, closed with the service; those that are given stay open."""
        from perfctl.api.reads import parts_of
        from perfctl.optimizer import PerformanceOptimizer

        self.settings = settings
        self.owns_optimizer = optimizer is None
        self.optimizer = optimizer or PerformanceOptimizer.from_settings(settings)
        self.snapshot = Snapshot(parts_of(self.optimizer), refresh_seconds=settings.api.refresh_seconds)

    def start(self) -> None:
        """Begin to ask in the background; a second call changes nothing. Call it in the event loop."""
        self.snapshot.start()

    async def close(self) -> None:
        """Stop asking, and close the engines where they are the service's own."""
        await self.snapshot.close()
        if self.owns_optimizer:
            await self.optimizer.close()
