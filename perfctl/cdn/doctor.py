"""Can perfctl work with this distribution: who we are, what we may do, and whether the edge is well."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from perfctl.cdn.cloudfront import is_aws
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.paths import MOST_EXACT, MOST_WILDCARDS
from perfctl.diagnosis import Check, Status, diagnose
from perfctl.errors import AuthError, ConfigError, PerfctlError, UnreachableError, UsageError

if TYPE_CHECKING:
    from perfctl.aws import Caller
    from perfctl.cdn.cloudfront import ControlPlane
    from perfctl.cdn.distributions import Distributions

Probe = Callable[[str], Awaitable[EdgeAnswer]]
"""GET a path through the edge."""

NEEDED = (
    "cloudfront:CreateInvalidation",
    "cloudfront:GetInvalidation",
    "cloudfront:ListInvalidations",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
)
"""On the distribution itself."""
NEEDED_EVERYWHERE = ("cloudfront:ListDistributions",)
"""Knows no resource; only for `--distribution ALIAS`."""
_NO_SUCH_INVALIDATION = "IPERFCTLDOCTOR"


async def examine(
    distributions: Distributions, connect: Callable[[], Awaitable[ControlPlane]], probe: Probe, named: str | None
) -> CdnDiagnosis:
    """Every check. ConfigError without a distribution, UsageError when it does not exist."""
    target = distributions.named_or_configured(named)
    control = await connect()
    caller, checks = await _caller(control)
    if checks[-1].status == "fail":
        return _diagnosis(checks, caller, [], target)
    target = (await distributions.ids((named,) if named else ()))[0]
    missing = await _missing(control, target)
    checks.append(_permissions(missing))
    if "cloudfront:GetDistribution" not in missing:
        found = await distributions.get(target)
        checks += [_deployed(found), _compression(found), _tags(found, await control.knows_tags())]
    if not missing & {"cloudfront:ListInvalidations", "cloudfront:GetInvalidation"}:
        checks.append(await _quota(control, target))
    checks.append(await _edge(probe))
    return _diagnosis(checks, caller, sorted(missing), target)


async def quick_checks(distributions: Distributions, probe: Probe) -> list[Check]:
    """One call to the control plane and one GET to the edge, both at once."""
    import asyncio

    if not distributions.configured:
        return [Check("cdn", "connect", "off", "no distribution is configured", "set cdn.distribution_id")]
    return list(await asyncio.gather(_connect(distributions), _edge(probe)))


def least_policy(distribution_id: str, caller_arn: str | None, account: str | None) -> Mapping[str, object]:
    """The IAM policy with which everything of this group works on this distribution, and nothing else."""
    partition = caller_arn.split(":")[1] if caller_arn and caller_arn.startswith("arn:") else "aws"
    resource = f"arn:{partition}:cloudfront::{account or '*'}:distribution/{distribution_id}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "PerfctlDistribution", "Effect": "Allow", "Action": list(NEEDED), "Resource": resource},
            {"Sid": "PerfctlFindByAlias", "Effect": "Allow", "Action": list(NEEDED_EVERYWHERE), "Resource": "*"},
        ],
    }


def _diagnosis(checks: list[Check], caller: Caller | None, missing: list[str], target: str) -> CdnDiagnosis:
    judged = diagnose(checks)
    arn, account = (caller.arn, caller.account) if caller else (None, None)
    return CdnDiagnosis(
        status=judged.status,
        rows=judged.rows,
        caller=arn,
        missing_permissions=tuple(missing),
        policy=least_policy(target, arn, account),
    )


async def _caller(control: ControlPlane) -> tuple[Caller | None, list[Check]]:
    """Who we are; an endpoint of one's own may not know that question, which is no fault."""
    try:
        caller = await control.caller()
    except PerfctlError as error:
        where = Check("cdn.control", "endpoint", "pass", control.endpoint)
        if isinstance(error, (AuthError, UnreachableError)) or is_aws(control.endpoint):
            return None, [where, Check("cdn.control", "caller", "fail", error.message, error.hint)]
        return None, [where, Check("cdn.control", "caller", "off", f"{control.endpoint} does not say who we are")]
    endpoint = Check("cdn.control", "endpoint", "pass", control.endpoint)
    return caller, [endpoint, Check("cdn.control", "caller", "pass", caller.arn)]


async def _missing(control: ControlPlane, target: str) -> set[str]:
    """The read permissions that a real call showed to be missing. CreateInvalidation is not tried: it costs."""
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "cloudfront:GetDistribution": lambda: control.distribution(target),
        "cloudfront:GetDistributionConfig": lambda: control.read_distribution_config(target),
        "cloudfront:ListInvalidations": lambda: control.recent_invalidations(target, at_most=1),
        "cloudfront:GetInvalidation": lambda: control.invalidation(target, _NO_SUCH_INVALIDATION),
        "cloudfront:ListDistributions": control.distributions,
    }
    return {action for action, call in calls.items() if await _is_denied(call)}


async def _is_denied(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except AuthError as error:
        if "AccessDenied" not in error.message:
            raise
        return True
    except UsageError as error:
        if "NoSuchInvalidation" not in error.message:
            raise
    return False


def _permissions(missing: set[str]) -> Check:
    needed = len(NEEDED) + len(NEEDED_EVERYWHERE) - 1
    if not missing:
        observed = f"{needed} read permissions tried and granted; CreateInvalidation is not tried, for it costs"
        return Check("cdn.control", "permissions", "pass", observed)
    status: Status = "warn" if missing <= set(NEEDED_EVERYWHERE) else "fail"
    names = ", ".join(sorted(missing))
    return Check("cdn.control", "permissions", status, f"missing: {names}", "attach the policy below to the caller")


def _deployed(found: Distribution) -> Check:
    observed = f"{found.id} {found.names[-1]}: {'enabled' if found.enabled else 'disabled'}, {found.status}"
    if not found.enabled:
        return Check("cdn.distribution", "deployed", "fail", observed, "enable the distribution")
    status: Status = "pass" if found.status == "Deployed" else "warn"
    fix = None if status == "pass" else "wait a few minutes: a change is on its way to the edge"
    return Check("cdn.distribution", "deployed", status, observed, fix)


def _compression(found: Distribution) -> Check:
    if found.compresses is None:
        return Check("cdn.distribution", "compression", "off", "the answer does not say")
    off = (*(() if found.compresses else ("the default behaviour",)), *found.uncompressed_behaviours)
    if not off:
        return Check("cdn.distribution", "compression", "pass", "every behaviour compresses")
    return Check(
        "cdn.distribution", "compression", "warn", f"off for {', '.join(off)}", "set Compress: true on the behaviour"
    )


def _tags(found: Distribution, sdk_knows: bool) -> Check:
    if not sdk_knows:
        return Check("cdn.distribution", "cache tags", "off", "botocore knows none", "pip install -U boto3")
    if found.tag_header is None:
        return Check("cdn.distribution", "cache tags", "off", "no CacheTagConfig, so --tag finds nothing")
    return Check("cdn.distribution", "cache tags", "pass", f"learnt from {found.tag_header}")


async def _quota(control: ControlPlane, target: str) -> Check:
    """How much of the quota of invalidations in progress is used."""
    recent = await control.recent_invalidations(target)
    running = [row for row in recent if row.status == "InProgress"]
    details = [await control.invalidation(target, row.invalidation_id) for row in running[:20]]
    wildcards = sum(row.wildcards or 0 for row in details)
    exact = sum(row.items or 0 for row in details) - wildcards
    observed = f"in progress: {exact} of {MOST_EXACT} paths, {wildcards} of {MOST_WILDCARDS} wildcards"
    is_full = wildcards >= MOST_WILDCARDS or exact >= MOST_EXACT
    fix = "cdn invalidate --wait waits for room" if is_full else None
    return Check("cdn.distribution", "quota", "warn" if is_full else "pass", observed, fix)


async def _connect(distributions: Distributions) -> Check:
    started = time.perf_counter()
    try:
        found = await distributions.get((await distributions.ids())[0])
    except PerfctlError as error:
        return Check("cdn", "connect", "fail", error.message, error.hint)
    deployed = _deployed(found)
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    return Check("cdn", "connect", deployed.status, deployed.observed, deployed.fix, took_ms)


async def _edge(probe: Probe) -> Check:
    """Any answer of HTTP proves the edge reachable; only its own failures (5xx) count against it."""
    try:
        answer = await probe("/")
    except (AuthError, ConfigError, UsageError) as error:
        return Check("cdn.edge", "reachable", "off", f"its address is not known: {error.message}", "set cdn.edge_url")
    except PerfctlError as error:
        return Check("cdn.edge", "reachable", "fail", error.message, error.hint)
    observed = f"{answer.url}: {answer.status}, {answer.x_cache or 'no X-Cache'}"
    if answer.status >= 500:
        return Check("cdn.edge", "reachable", "warn", observed, "look at the origin", answer.took_ms)
    return Check("cdn.edge", "reachable", "pass", observed, took_ms=answer.took_ms)
