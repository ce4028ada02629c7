"""Putting the version before back: a Lambda's number in the behaviours, or a CloudFront Function's kept code."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfctl.cdn.deploying.associating import Association, Config, associations_of, with_version
from perfctl.cdn.deploying.deploying import kept_if_replaced, update
from perfctl.cdn.deploying.kept import NOTHING, before_of, kept_content, kept_versions
from perfctl.cdn.deploying.lambdas import LambdaFunction, LambdaVersion
from perfctl.cdn.deploying.putting import put_small
from perfctl.cdn.deploying.stages import Stage, StageContent
from perfctl.cdn.deploying.wanted import Room
from perfctl.cdn.model.edge_deploys import DeployStep, EdgeDeployment, Kind
from perfctl.errors import ServiceError, UsageError


@dataclass(frozen=True, slots=True)
class WantedRollback:
    """Which function, by its name at AWS, and to which version: without, the one before."""

    name: str
    kind: Kind | None = None
    """None: whichever there is of that name."""
    distribution_id: str | None = None
    """Of Lambda@Edge; a CloudFront Function is put back wherever it is associated."""
    version: str | None = None


async def planned_rollback(wanted: WantedRollback, room: Room) -> EdgeDeployment:
    """What putting it back would do now. UsageError where there is nothing to put back."""
    if wanted.kind != "lambda@edge":
        stages = await room.asking.ask(lambda: room.stages.read(wanted.name))
        if stages.live is not None:
            return _small_plan(wanted, stages.live)
    if wanted.kind != "cloudfront-function":
        found = await room.asking.ask(lambda: room.lambdas.read(wanted.name))
        if found is not None:
            return await _lambda_plan(wanted, found, room)
    kind = {None: "no CloudFront Function and no Lambda", "lambda@edge": "no Lambda"}.get(
        wanted.kind, "no CloudFront Function"
    )
    raise UsageError(
        f"{wanted.name}: there is {kind} of that name in this account",
        hint="give the name at AWS: that of --name at deploy",
    )


async def roll_back(wanted: WantedRollback, agreed: EdgeDeployment, room: Room) -> EdgeDeployment:
    """Do what was agreed upon. ServiceError where it would now be another version."""
    now = await planned_rollback(wanted, room)
    if (now.version, now.replaced_version, now.steps) != (agreed.version, agreed.replaced_version, agreed.steps):
        raise ServiceError(
            f"{wanted.name}: somebody else changed it meanwhile, nothing was done",
            hint="the same line again looks anew",
        )
    if not now.steps:
        return now
    if now.kind == "cloudfront-function":
        return await _small_back(wanted, now, room)
    return await _lambda_back(wanted, now, room)


def _small_plan(wanted: WantedRollback, live: Stage) -> EdgeDeployment:
    version = wanted.version or _before_live(wanted.name, live)
    content = _target(wanted.name, live, version)
    name, there = f"CloudFront Function {wanted.name}", live.content.version
    steps = (
        DeployStep("update", name, f"its development stage, to version {version}"),
        DeployStep("publish", name, f"version {version}; replaces {there} wherever it is associated"),
    )
    is_there = content.is_same(live.content)
    return _told(wanted, "cloudfront-function", content.runtime, version, None if is_there else there, steps, ())


def _before_live(name: str, live: Stage) -> str:
    """As the live stage says itself, else the newest that was kept."""
    known = (version for version in kept_versions(name, live.arn) if version != live.content.version)
    before = before_of(live.content.comment) or next(known, None)
    if before in (None, NOTHING):
        known_to = "" if before else ", as far as this host knows"
        raise UsageError(
            f"{name}: no version was served before {live.content.version}{known_to}",
            hint="CloudFront keeps no versions: deploy the source of the one that is wanted",
        )
    return str(before)


def _target(name: str, live: Stage, version: str) -> StageContent:
    return live.content if version == live.content.version else kept_content(name, live.arn, version)


async def _small_back(wanted: WantedRollback, now: EdgeDeployment, room: Room) -> EdgeDeployment:
    stages = await room.asking.ask(lambda: room.stages.read(wanted.name))
    assert stages.live is not None  # noqa: S101 - as planned
    content = _target(wanted.name, stages.live, str(now.version))
    kept: list[str] = []

    async def before_publishing(stage: Stage, live: Stage | None) -> None:
        file = kept_if_replaced(wanted.name, live, stage.content)
        kept.extend([str(file)] if file else [])

    await put_small(room.stages, wanted.name, content, room.asking, before_publishing=before_publishing)
    return replace(now, status="Deployed", dry_run=False, kept=kept[-1] if kept else None)


async def _lambda_plan(wanted: WantedRollback, found: LambdaFunction, room: Room) -> EdgeDeployment:
    if wanted.distribution_id is None:
        raise UsageError(
            f"{wanted.name}: a Lambda@Edge function is put back at a distribution", hint="--distribution ID"
        )
    distribution_id = wanted.distribution_id
    document = await room.asking.ask(lambda: room.control.distribution_config(distribution_id))
    places = _places(wanted, document.config)
    if not places:
        raise UsageError(
            f"{wanted.name}: no behaviour of {distribution_id} names it, so nothing of it is served",
            hint="--distribution names another one; perfctl cdn edge deploy associates it",
        )
    served = max((int(place.version or 0) for place in places), default=0)
    target = _number(wanted, found, str(served))
    steps = tuple(
        DeployStep(
            "associate",
            f"{distribution_id} {place.behaviour}",
            f"{wanted.name}:{target.number} at {place.trigger}; replaces version {place.version}",
        )
        for place in places
        if place.version != target.number
    )
    behaviours = tuple(dict.fromkeys(place.behaviour for place in places))
    replaced = str(served) if steps else None
    return _told(wanted, "lambda@edge", target.settings.runtime, target.number, replaced, steps, behaviours)


def _number(wanted: WantedRollback, found: LambdaFunction, served: str) -> LambdaVersion:
    """The version that is asked for, else what the served one says it replaced, else the number below."""
    known = ", ".join(version.number for version in found.versions) or "none"
    if wanted.version is not None:
        if (version := found.version(wanted.version)) is None:
            raise UsageError(f"{wanted.name}: it has no version {wanted.version}", hint=f"there are {known}")
        return version
    current = found.version(served)
    said = before_of(current.description) if current else None
    below = [version for version in found.versions if int(version.number) < int(served)]
    target = (found.version(said) if said else None) or (below[-1] if below else None)
    if target is None:
        raise UsageError(
            f"{wanted.name}: there is no version before {served}", hint=f"there are {known}; --to names one"
        )
    return target


async def _lambda_back(wanted: WantedRollback, now: EdgeDeployment, room: Room) -> EdgeDeployment:
    version = await room.lambdas.version(wanted.name, str(now.version))
    arn = version.arn

    def changed(config: Config) -> Config:
        return with_version(config, wanted.name, arn)

    await update(str(wanted.distribution_id), changed, room)
    return replace(now, status="InProgress", dry_run=False)


def _places(wanted: WantedRollback, config: Config) -> list[Association]:
    return [one for one in associations_of(config) if one.is_lambda and one.name == wanted.name]


def _told(
    wanted: WantedRollback,
    kind: Kind,
    runtime: str,
    version: str,
    replaced: str | None,
    steps: tuple[DeployStep, ...],
    behaviours: tuple[str, ...],
) -> EdgeDeployment:
    return EdgeDeployment(
        function=wanted.name,
        kind=kind,
        runtime=runtime,
        distribution_id=wanted.distribution_id if kind == "lambda@edge" else None,
        behaviours=behaviours,
        trigger=None,
        status="planned" if replaced else "unchanged",
        dry_run=replaced is not None,
        version=version,
        replaced_version=replaced,
        tests_passed=None,
        compute_utilization=None,
        waited_seconds=0.0,
        kept=None,
        rollback=None,
        steps=steps if replaced else (),
    )
