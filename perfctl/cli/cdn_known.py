"""What `perfctl cdn plan` and `invalidate` know of a distribution's URLs, and the limits that they keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.run import Run
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.planning import Inventory

InventoryFile = Annotated[
    str | None,
    typer.Option("--inventory", metavar="FILE", help="The URLs that are known: JSON lines {path, weight}, or logs."),
]
MaxCost = Annotated[float | None, typer.Option("--max-cost", metavar="USD", help="Refuse what costs more.")]
MaxCollateral = Annotated[
    str | None,
    typer.Option("--max-collateral", metavar="N|N%", help="Purge no more weight than that beside what changed."),
]


async def inventory_of(run: Run, named: str | None) -> Inventory:
    """The URLs of the file or logs that are named, else of `cdn.inventory` or `cdn.logs`; none where nothing is."""
    from perfctl.cdn.background import in_background
    from perfctl.cdn.planning import Inventory

    places = (named,) if named is not None else _configured(run)
    if not places:
        return Inventory()
    from perfctl.cdn.planning.inventory_logs import is_logs, of_logs

    if not is_logs(places[0]):
        return Inventory.read(places[0])
    services = await run.optimizer.cdn.services() if any(place.startswith("s3://") for place in places) else None
    return await in_background(lambda: of_logs(places, services))


def source_of(run: Run, named: str | None) -> str | None:
    """What `inventory_of` reads, and the setting that names it; None where nothing does."""
    if named is not None:
        return named
    places = _configured(run)
    if not places:
        return None
    return f"{', '.join(places)} ({'cdn.inventory' if run.settings.cdn.inventory else 'cdn.logs'})"


def _configured(run: Run) -> tuple[str, ...]:
    settings = run.settings.cdn
    return (settings.inventory,) if settings.inventory else settings.logs


def weight_of(limit: str | None, known: Inventory) -> float | None:
    """The weight that `--max-collateral` allows: `5%` of the inventory's, or a number."""
    if limit is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", limit.strip())
    if match is None:
        where = "--max-collateral"
        raise UsageError(f"{where}: {limit!r} is neither a weight nor a share", hint="write 5% or 1200", where=where)
    return float(match[1]) * (known.total / 100 if match[2] else 1)
