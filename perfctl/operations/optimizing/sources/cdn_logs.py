"""Why requests miss the edge's cache, from the access logs that are configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.units import format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cdn.model.logs import LogMisses, MissReason
    from perfctl.operations.optimizing.asked import Asked

LEAST_REQUESTS = 1000
LEAST_SHARE = 0.02
"""Of all requests."""
GRAVE_SHARE = 0.2


async def look(asked: Asked) -> Sequence[Found]:
    """The reasons that stand for 2 % of the requests and more, of all the logs that are
    configured. `Skipped` without cdn.logs."""
    if not asked.optimizer.settings.cdn.logs:
        raise Skipped("no access logs are configured: set cdn.logs")
    misses = await asked.optimizer.cdn.logs.misses()
    if misses.requests < LEAST_REQUESTS:
        raise Skipped(f"the logs hold {misses.requests} requests: too few to judge")
    shares = [(reason, reason.requests / misses.requests) for reason in misses.rows]
    return [_found(reason, share, misses) for reason, share in shares if share >= LEAST_SHARE]


def _found(reason: MissReason, share: float, misses: LogMisses) -> Found:
    return Found(
        Finding(
            id=f"cdn_logs:{reason.reason}",
            source="cdn_logs",
            severity="warning" if share >= GRAVE_SHARE else "info",
            title=f"{format_ratio(share)} of the requests miss: {reason.reason}",
            subject=reason.example or "all paths",
            evidence=(
                Evidence("requests", f"{format_count(reason.requests)} of {format_count(misses.requests)}",
                         float(reason.requests), "count"),
                Evidence("misses", f"{format_ratio(reason.share)} of what misses", reason.share, "ratio"),
                Evidence("miss ratio", f"{format_ratio(misses.miss_ratio)} of all", misses.miss_ratio, "ratio"),
            ),
            gain=Gain(
                f"at most {format_ratio(share)} more of the requests are hits",
                "as if none of them missed for this reason; perfctl cdn simulate replays the logs with other terms",
                share,
                "ratio",
            ),
            risk="none",
            risk_why="shows the reasons with their paths; nothing is changed",
            command="perfctl cdn logs misses",
            command_kind="perfctl",
            advice=reason.remedy,
            weight=share,
        )
    )  # fmt: skip
