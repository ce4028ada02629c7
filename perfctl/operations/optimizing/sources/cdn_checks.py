"""The distribution and some of its pages: compression, headers, cache keys, lifetimes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.commands import shell
from perfctl.operations.optimizing.judged import found_of

if TYPE_CHECKING:
    from perfctl.diagnosis import Check
    from perfctl.operations.optimizing.asked import Asked, Found

PAGES = 5
DEFAULT = "default"
MINOR = ("cdn.viewer", "cdn.logs")
"""Areas that are about safety and sight rather than speed."""


async def look(asked: Asked) -> Sequence[Found]:
    """One finding for each check that is not well; where there is an edge without a distribution, of its root."""
    engine, config = asked.optimizer.cdn, asked.optimizer.settings.cdn
    if config.distribution_id is None and config.endpoint_url is None:
        diagnosis, target = await engine.check_url("/"), ""
    else:
        diagnosis = await engine.check_distribution(pages=PAGES)
        target = f" {shell(config.distribution_id)}" if config.distribution_id else ""
    return [
        found_of(
            check,
            "cdn_checks",
            otherwise=_command(check, target),
            advice_first=True,
            is_minor=check.component in MINOR,
        )
        for check in diagnosis.rows
        if check.status in ("warn", "fail")
    ]


def _command(check: Check, target: str) -> str:
    """What mends it as one line, where that is one; else what shows the whole of it."""
    made = _MENDED.get(check.check)
    if made is not None:
        to = f" --distribution{target}" if target else ""
        return f"echo {shell(made(check))} | perfctl cdn apply -{to}"
    page = next((one.split(" ")[0].rstrip(":") for one in check.objects if one.startswith(("/", "http"))), None)
    if page is not None and check.fix and "perfctl cdn headers URL" in check.fix:
        return f"perfctl cdn headers {shell(page)}"
    return f"perfctl cdn check{target}" if target else "perfctl cdn check /"


def _compressed(check: Check) -> str:
    """The switch of these behaviours, as `cdn apply` takes it."""
    patterns = [each for each in check.objects if each != DEFAULT]
    lines = {}
    if len(patterns) < len(check.objects) or not patterns:
        lines["DefaultCacheBehavior"] = json.dumps({"Compress": True})
    if patterns:
        lines["CacheBehaviors"] = json.dumps([{"PathPattern": each, "Compress": True} for each in patterns])
    return "{" + ", ".join(f"{name}: {text}" for name, text in lines.items()) + "}"


_MENDED: Mapping[str, Callable[[Check], str]] = {
    "switch": _compressed,
    "ipv6": lambda _: "IsIPV6Enabled: true",
    "http version": lambda _: "HttpVersion: http2and3",
}
