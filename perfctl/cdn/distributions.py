"""Which distributions are meant: by ID, by alias, or the configured one; each is asked for once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.model.distributions import Distribution
from perfctl.errors import AuthError, ConfigError, UsageError

_ID = re.compile(r"[A-Z0-9]{2,64}")


class Distributions:
    """What is known of them so far, and the name of the configured one."""

    def __init__(self, configured: str | None, control: Callable[[], Awaitable[ControlPlane]]) -> None:
        self.configured = configured
        self._control = control
        self._known: dict[str, Distribution] = {}

    async def ids(self, named: Sequence[str] = ()) -> tuple[str, ...]:
        """The IDs of those named, which are seen to exist; else the configured one, which is taken at its word."""
        if named:
            return tuple(dict.fromkeys([await self._identified(name, "--distribution") for name in named]))
        configured = self.named_or_configured()
        if _ID.fullmatch(configured):
            return (configured,)
        return (await self._by_alias(configured, "cdn.distribution_id"),)

    def named_or_configured(self, named: str | None = None) -> str:
        """The name as it was given, or stands in the configuration. ConfigError where there is neither."""
        if found := named or self.configured:
            return found
        raise ConfigError(
            "no distribution is configured",
            hint="set cdn.distribution_id or CLOUDFRONT_DISTRIBUTION_ID, or pass --distribution ID",
        )

    async def get(self, distribution_id: str) -> Distribution:
        """The distribution. UsageError where there is none."""
        if distribution_id not in self._known:
            self._known[distribution_id] = await (await self._control()).distribution(distribution_id)
        return self._known[distribution_id]

    async def check_tags(self, targets: Sequence[str]) -> None:
        """UsageError where an invalidation by tag would silently find nothing."""
        if not await (await self._control()).knows_tags():
            raise UsageError("the installed botocore knows no cache tags", hint="pip install -U boto3")
        for target in targets:
            try:
                found = await self.get(target)
            except AuthError:
                continue
            if found.tag_header is None:
                raise UsageError(
                    f"distribution {target} learns no cache tags, so --tag would match nothing",
                    hint="set CacheTagConfig.HeaderName on the distribution, and send that header from the origin",
                )

    async def _identified(self, name: str, where: str) -> str:
        """The ID of a distribution that exists. Who may not look takes an ID at its word."""
        if not _ID.fullmatch(name):
            return await self._by_alias(name, where)
        try:
            return (await self.get(name)).id
        except AuthError as error:
            if "AccessDenied" not in error.message:
                raise
            return name

    async def _by_alias(self, name: str, where: str) -> str:
        known = await (await self._control()).distributions()
        wanted = name.lower()
        for distribution in known:
            if wanted in (alias.lower() for alias in distribution.names):
                return distribution.id
        names = ", ".join(f"{one.id} ({one.names[-1]})" for one in known[:5]) or "the account has none"
        raise UsageError(f"no distribution is named {name!r}", hint=f"there are: {names}", where=where)
