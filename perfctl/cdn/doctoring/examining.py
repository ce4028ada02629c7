"""Can perfctl work with this distribution: who we are, what we may do, and whether the edge is well."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.cdn.cloudfront import is_aws
from perfctl.cdn.doctoring.log_bucket import log_places
from perfctl.cdn.doctoring.rights import AREAS, Area, least_policy, rights_of, tried_actions
from perfctl.cdn.doctoring.trying import found_rights
from perfctl.cdn.model.diagnoses import AreaRights, CdnDiagnosis
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.cdn.paths import MOST_EXACT, MOST_WILDCARDS
from perfctl.diagnosis import Check, Status, diagnose
from perfctl.errors import AuthError, ConfigError, PerfctlError, UnreachableError, UsageError

if TYPE_CHECKING:
    from perfctl.aws import Caller
    from perfctl.cdn.cloudfront import ControlPlane
    from perfctl.cdn.distributions import Distributions
    from perfctl.cdn.services import Services

Probe = Callable[[str], Awaitable[EdgeAnswer]]
"""GET a path through the edge."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the configuration says that we are let in."""

    profile: str | None = None
    role_arn: str | None = None
    edge_role_arn: str | None = None
    """The role of Lambda@Edge functions, which a deployment passes on."""


async def examine(
    distributions: Distributions,
    connect: Callable[[], Awaitable[ControlPlane]],
    services: Callable[[], Awaitable[Services]],
    probe: Probe,
    named: str | None,
    *,
    areas: Sequence[Area] = AREAS,
    access: Access | None = None,
    logs: Sequence[str] = (),
) -> CdnDiagnosis:
    """Every check, of these areas of commands. `logs`: where the configuration says that access logs lie.

    ConfigError without a distribution, UsageError when it does not exist.
    """
    target = distributions.named_or_configured(named)
    control = await connect()
    caller, checks = await _caller(control, access or Access())
    if checks[-1].status == "fail":
        return _diagnosis(checks, caller, least_policy(target, None, None, areas=areas))
    target = (await distributions.ids((named,) if named else ()))[0]
    bucket, places = await log_places(control, services, target, logs)
    found = await found_rights(control, services, target, tried_actions(areas), bucket)
    rights = tuple(rights_of(area, found) for area in areas)
    checks += [_permissions(rights, areas), *_other_rights(rights, areas)]
    if found.get("cloudfront:GetDistribution") is not False:
        known = await distributions.get(target)
        checks += [_deployed(known), _compression(known), _tags(known, await control.knows_tags())]
    if not any(found.get(f"cloudfront:{name}") is False for name in ("ListInvalidations", "GetInvalidation")):
        checks.append(await _quota(control, target))
    checks += [_logs(places, logs), await _edge(probe)]
    arn, account = (caller.arn, caller.account) if caller else (None, None)
    buckets = (bucket[0],) if bucket else ()
    role = access.edge_role_arn if access else None
    policy = least_policy(target, arn, account, areas=areas, buckets=buckets, role_arn=role)
    return _diagnosis(checks, caller, policy, rights, places)


async def quick_checks(distributions: Distributions, probe: Probe) -> list[Check]:
    """One call to the control plane and one GET to the edge, both at once."""
    import asyncio

    if not distributions.configured:
        return [Check("cdn", "connect", "off", "no distribution is configured", "set cdn.distribution_id")]
    return list(await asyncio.gather(_connect(distributions), _edge(probe)))


def _diagnosis(
    checks: list[Check],
    caller: Caller | None,
    policy: Mapping[str, object],
    rights: tuple[AreaRights, ...] = (),
    places: tuple[str, ...] = (),
) -> CdnDiagnosis:
    judged = diagnose(checks)
    missing = {action for area in rights for action in area.missing}
    return CdnDiagnosis(
        status=judged.status,
        rows=judged.rows,
        caller=caller.arn if caller else None,
        missing_permissions=tuple(sorted(missing)),
        policy=policy,
        rights=rights,
        log_places=places,
    )


async def _caller(control: ControlPlane, access: Access) -> tuple[Caller | None, list[Check]]:
    """Who we are; an endpoint of one's own may not know that question, which is no fault."""
    try:
        caller = await control.caller()
    except PerfctlError as error:
        where = Check("cdn.control", "endpoint", "pass", control.endpoint)
        if isinstance(error, (AuthError, UnreachableError)) or is_aws(control.endpoint):
            return None, [where, Check("cdn.control", "caller", "fail", error.message, error.hint)]
        return None, [where, Check("cdn.control", "caller", "off", f"{control.endpoint} does not say who we are")]
    endpoint = Check("cdn.control", "endpoint", "pass", control.endpoint)
    return caller, [endpoint, Check("cdn.control", "caller", "pass", f"{caller.arn}{_by(caller, access)}")]


def _by(caller: Caller, access: Access) -> str:
    """How we came to be that caller: by a profile, by a role that was taken on."""
    _, assumed, rest = caller.arn.partition(":assumed-role/")
    role, _, session = rest.partition("/")
    found = [f"profile {access.profile}"] if access.profile else []
    if access.role_arn:
        found.append(f"role {access.role_arn} taken on")
    elif assumed:
        found.append(f"role {role}, session {session}")
    return f" ({', '.join(found)})" if found else ""


def _permissions(rights: Sequence[AreaRights], areas: Sequence[Area]) -> Check:
    """Those of the areas that are vital, and how many were tried."""
    vital = [one for one, area in zip(rights, areas, strict=True) if area.is_vital] or list(rights)
    missing = sorted({action for one in vital for action in one.missing})
    if missing:
        fix = "attach the policy below to the caller"
        return Check("cdn.control", "permissions", "fail", f"missing: {', '.join(missing)}", fix)
    granted = {action for one in rights for action in one.granted}
    untried = {action for one in rights for action in one.untried}
    why = "they cost or change something, or nothing answers for them here"
    observed = f"{len(granted)} tried and granted; {len(untried - granted)} not tried: {why}"
    return Check("cdn.control", "permissions", "pass", observed)


def _other_rights(rights: Sequence[AreaRights], areas: Sequence[Area]) -> list[Check]:
    """The areas that are not vital and lack something."""
    return [
        Check(
            "cdn.rights",
            one.area,
            "warn",
            f"missing for {', '.join(one.commands)}: {', '.join(one.missing)}",
            f"attach the statements of {one.area} of the policy below, if you use that",
        )
        for one, area in zip(rights, areas, strict=True)
        if one.missing and not area.is_vital
    ]


def _logs(places: tuple[str, ...], configured: Sequence[str]) -> Check:
    """Where the access logs go, and whether perfctl is told so."""
    if not places:
        observed = "no standard logs that can be seen"
        return Check("cdn.logs", "bucket", "off", observed, "perfctl cdn check tells how to switch them on")
    observed = ", ".join(places)
    if configured or not (bucket := next((place for place in places if place.startswith("s3://")), None)):
        return Check("cdn.logs", "bucket", "pass", observed)
    return Check("cdn.logs", "bucket", "off", observed, f"set cdn.logs: [{bucket}], for perfctl cdn logs and stats")


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
