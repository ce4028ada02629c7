"""What deploying a function would do, from what is there: the plan that is shown, confirmed and then made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perfctl.cdn.deploying.associating import (
    Association,
    Config,
    associations_of,
    check_behaviour,
    check_displaced,
    displaced_by,
)
from perfctl.cdn.deploying.kept import NOTHING, before_of, with_before
from perfctl.cdn.deploying.lambdas import LambdaFunction, LambdaVersion
from perfctl.cdn.deploying.putting import lambda_step, small_step
from perfctl.cdn.deploying.roles import no_role
from perfctl.cdn.deploying.stages import StageContent, Stages
from perfctl.cdn.deploying.wanted import Room, WantedDeployment
from perfctl.cdn.model.edge_deploys import DeployStep, EdgeDeployment
from perfctl.errors import UsageError
from perfctl.units import format_bytes

_COMMENT = "deployed by perfctl"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is there, and what would be done about it."""

    steps: tuple[DeployStep, ...]
    version: str | None
    replaced: str | None
    content: StageContent | None = None
    """Of a CloudFront Function: what both stages are to hold."""


async def plan(wanted: WantedDeployment, room: Room) -> Planned:
    """The steps that are left to do. RefusedError, UsageError, ConfigError for what cannot be done."""
    document = await room.asking.ask(lambda: room.control.distribution_config(wanted.distribution_id))
    check_behaviour(document.config, wanted.behaviour)
    if wanted.function.is_lambda:
        found = await room.asking.ask(lambda: room.lambdas.read(wanted.name))
        return _of_lambda(wanted, document.config, found)
    stages = await room.asking.ask(lambda: room.stages.read(wanted.name))
    return _of_small(wanted, document.config, stages)


def told(wanted: WantedDeployment, planned: Planned) -> EdgeDeployment:
    """The plan as it is shown."""
    return EdgeDeployment(
        function=wanted.name,
        kind=wanted.packed.told.kind,
        runtime=wanted.packed.told.runtime,
        distribution_id=wanted.distribution_id,
        behaviours=(wanted.behaviour,),
        trigger=wanted.function.trigger,
        status="planned" if planned.steps else "unchanged",
        dry_run=bool(planned.steps),
        version=planned.version,
        replaced_version=planned.replaced,
        tests_passed=None,
        compute_utilization=None,
        waited_seconds=0.0,
        kept=None,
        rollback=None,
        steps=planned.steps,
    )


def association_of(wanted: WantedDeployment, arn: str) -> Association:
    """The association that is wanted."""
    function = wanted.function
    return Association(wanted.behaviour, function.trigger, arn, function.is_lambda, wanted.includes_body)


def _of_small(wanted: WantedDeployment, config: Config, stages: Stages) -> Planned:
    live = stages.live.content if stages.live else None
    content = _content(wanted, stages)
    arn = stages.development.arn if stages.development else f"arn:aws:cloudfront:::function/{wanted.name}"
    replaced = live.version if live is not None and not content.is_same(live) else None
    steps = (*_small_steps(wanted, stages, content), *_association_steps(wanted, config, arn))
    return Planned(steps, content.version, replaced, content)


def _content(wanted: WantedDeployment, stages: Stages) -> StageContent:
    """What is to be there. What was said of the function stays, with the version that it replaces."""
    there = stages.development.content if stages.development else None
    live = stages.live.content if stages.live else None
    stores = (wanted.store_arn,) if wanted.store_arn else there.stores if there else ()
    if wanted.function.store is not None and not stores:
        raise UsageError(
            f"{wanted.name}: it reads a key value store, and none is associated with it",
            hint="aws cloudfront create-key-value-store makes one; then --store-arn ARN",
        )
    content = StageContent(wanted.packed.content, wanted.packed.told.runtime, "", stores)
    comment = with_before(there.comment if there else _COMMENT, _before(live, content))
    return StageContent(content.code, content.runtime, comment, stores)


def _before(live: StageContent | None, content: StageContent) -> str | None:
    """The version that is served now; where that is the same code, the one that it says itself."""
    if live is None:
        return NOTHING
    return live.version if live.code != content.code else before_of(live.comment)


def _small_steps(wanted: WantedDeployment, stages: Stages, content: StageContent) -> Iterator[DeployStep]:
    step = small_step(stages, content)
    name, size = f"CloudFront Function {wanted.name}", format_bytes(len(content.code))
    if step == "create":
        yield DeployStep("create", name, f"{content.runtime}, {size}")
    elif step == "update":
        yield DeployStep("update", name, f"its development stage, {size}")
    if step is None:
        return
    if wanted.is_tested and wanted.has_tests:
        yield DeployStep("test", name, "its tests, at CloudFront, in the development stage")
    live = f"; replaces {stages.live.content.version} wherever it is associated" if stages.live else ""
    yield DeployStep("publish", name, f"version {content.version}{live}")


def _of_lambda(wanted: WantedDeployment, config: Config, found: LambdaFunction | None) -> Planned:
    if found is None and wanted.role_arn is None:
        raise no_role(wanted.name)
    step = lambda_step(found, wanted.lambda_wanted)
    version = step if isinstance(step, LambdaVersion) else None
    arn = version.arn if version else f"arn:aws:lambda:us-east-1::function:{wanted.name}:new"
    there = _same_place(wanted, config, arn)
    served = there.version if there else None
    steps = (*_lambda_steps(wanted, found), *_association_steps(wanted, config, arn))
    number = version.number if version else None
    return Planned(steps, number, served if served != number else None)


def _lambda_steps(wanted: WantedDeployment, found: LambdaFunction | None) -> Iterator[DeployStep]:
    asked = wanted.lambda_wanted
    if isinstance(lambda_step(found, asked), LambdaVersion):
        return
    name, size = f"Lambda {wanted.name}", format_bytes(len(asked.package))
    settings = asked.settings
    if found is None:
        said = f"{settings.runtime}, {size}, {settings.memory_mb} MB, {settings.timeout_seconds} s, in us-east-1"
        yield DeployStep("create", name, said)
    else:
        if found.latest.sha256 != asked.sha256:
            yield DeployStep("update", name, f"its code, {size}")
        if not asked.is_same_settings(found.latest.settings):
            said = f"{settings.runtime}, {settings.handler}, {settings.memory_mb} MB, {settings.timeout_seconds} s"
            yield DeployStep("configure", name, said)
    yield DeployStep("publish", name, "a numbered version")


def _association_steps(wanted: WantedDeployment, config: Config, arn: str) -> Iterator[DeployStep]:
    association = association_of(wanted, arn)
    displaced = displaced_by(config, association)
    if not wanted.replaces:
        check_displaced(displaced, association)
    place = f"{wanted.distribution_id} {wanted.behaviour}"
    for other in displaced:
        yield DeployStep("dissociate", place, f"{other.said} from {other.trigger}")
    there = _same_place(wanted, config, arn)
    if there is None or there != association:
        number = f":{association.version}" if association.is_lambda and association.version != "new" else ""
        replaced = f"; replaces version {there.version}" if there and there.arn != arn else ""
        yield DeployStep("associate", place, f"{wanted.name}{number} at {association.trigger}{replaced}")


def _same_place(wanted: WantedDeployment, config: Config, arn: str) -> Association | None:
    """The association of any version of the function where it is wanted."""
    one = association_of(wanted, arn)
    place = (one.behaviour, one.trigger, one.name, one.is_lambda)
    found = (there for there in associations_of(config))
    return next((it for it in found if (it.behaviour, it.trigger, it.name, it.is_lambda) == place), None)
