"""A simulation from the places of logs: files that are read in turn, and the settings' prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from perfctl.cdn.logs.columns import Block, read
from perfctl.cdn.logs.locations import files_of
from perfctl.cdn.model.simulation import CdnSimulation
from perfctl.cdn.simulating.bill import Prices
from perfctl.cdn.simulating.study import simulated
from perfctl.cdn.simulating.wanted import Wanted
from perfctl.config import CDNConfig

if TYPE_CHECKING:
    from perfctl.cdn.services import Services


def simulate(
    places: Sequence[str],
    wanted: Wanted,
    config: CDNConfig,
    services: Services | None,
    *,
    told_read: Callable[[int], None] | None = None,
    told_replayed: Callable[[int, int], None] | None = None,
) -> CdnSimulation:
    """Read and replay, in this thread: S3 is waited for. UsageError for places where nothing is."""
    prices = Prices(
        request_usd=config.request_price_usd,
        shield_usd=config.shield_price_usd,
        transfer_usd=config.transfer_price_usd,
        origin_transfer_usd=config.origin_transfer_price_usd,
        miss_usd=config.miss_price_usd,
    )
    sources = files_of(places, services)

    def blocks() -> Iterator[Block]:
        for source in sources:
            yield from read(source, told_read)

    return simulated(places, blocks(), wanted, prices, replaying=told_replayed)
