"""Where a distribution's access logs go: the bucket of standard logs v1, the deliveries of v2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from perfctl.cdn.checking.log_places import answers_for_logs, deliveries_of
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.errors import AuthError

if TYPE_CHECKING:
    from perfctl.cdn.services import Services

Bucket = tuple[str, str]
"""Its name, and the prefix of the logs in it."""


async def log_places(
    control: ControlPlane, services: Callable[[], Awaitable[Services]], target: str, configured: Sequence[str]
) -> tuple[Bucket | None, tuple[str, ...]]:
    """The bucket to read logs from - the configured one, else the distribution's own - and all that is known."""
    own = await _standard(control, target)
    deliveries = await deliveries_of(services, target) if answers_for_logs(control) else None
    places = (*((f"s3://{own[0]}/{own[1]}",) if own else ()), *(deliveries or ()))
    return next((bucket_of(place) for place in configured if place.startswith("s3://")), own), places


def bucket_of(place: str) -> Bucket:
    """`s3://logs/cdn/` is the bucket `logs` and the prefix `cdn/`."""
    name, _, prefix = place.removeprefix("s3://").partition("/")
    return name, prefix


async def _standard(control: ControlPlane, target: str) -> Bucket | None:
    """Of standard logs v1; None where they are off, or the configuration may not be read."""
    try:
        logging = (await control.distribution_config(target)).config.get("Logging") or {}
    except AuthError:
        return None
    host = str(logging.get("Bucket") or "")
    name = host.partition(".s3.")[0].partition(".s3-")[0]
    return (name, str(logging.get("Prefix") or "")) if name and logging.get("Enabled", True) else None
