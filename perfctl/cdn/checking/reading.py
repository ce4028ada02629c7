"""Asking for a distribution's configuration and its policies; what may not be read is left open."""

from __future__ import annotations

from perfctl.cdn.checking.setup import Setup, policy_ids, setup_of
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.delivery.policies import MANAGED
from perfctl.cdn.model.configuration import NamedCachePolicy
from perfctl.errors import AuthError, UsageError


async def read_setup(control: ControlPlane, distribution_id: str, domain_name: str = "") -> Setup:
    """The configuration with its policies; one that may not be read is unknown. AuthError where nothing may be."""
    document = await control.distribution_config(distribution_id)
    policies = {name: await read_policy(control, name) for name in policy_ids(document.config)}
    return setup_of(distribution_id, domain_name, document.config, policies)


async def read_policy(control: ControlPlane, policy_id: str) -> NamedCachePolicy | None:
    """A cache policy: the managed ones are known, another is asked for; None where it may not be read or is gone."""
    if managed := MANAGED.get(policy_id):
        return NamedCachePolicy(policy_id, managed.name, managed.policy)
    try:
        return await control.cache_policy(policy_id)
    except (AuthError, UsageError):
        return None
