"""Deploying a function as it was planned, and putting the version before back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from perfctl.cdn.cloudfront import ChangedMeanwhileError
from perfctl.cdn.deploying.associating import Config, associations_of, check_displaced, displaced_by, with_association
from perfctl.cdn.deploying.examining import test_at_cloudfront
from perfctl.cdn.deploying.kept import keep
from perfctl.cdn.deploying.planning import Planned, association_of, plan, told
from perfctl.cdn.deploying.putting import put_lambda, put_small
from perfctl.cdn.deploying.roles import explained
from perfctl.cdn.deploying.stages import Stage, StageContent
from perfctl.cdn.deploying.wanted import Room, WantedDeployment
from perfctl.cdn.model.edge_deploys import EdgeDeployment
from perfctl.errors import PerfctlError, ServiceError

ATTEMPTS = 6


async def planned_deployment(wanted: WantedDeployment, room: Room) -> EdgeDeployment:
    """What deploying would do now."""
    return told(wanted, await plan(wanted, room))


async def deploy(wanted: WantedDeployment, agreed: EdgeDeployment, room: Room) -> EdgeDeployment:
    """Do what was agreed upon. Viewers meet the old version until the last step, which is one call.

    ServiceError where something else would have to be done than what was shown. A run that is cut off at any step is
    finished by the next one.
    """
    planned = await plan(wanted, room)
    if planned.steps != agreed.steps:
        raise ServiceError(
            f"{wanted.name}: somebody else changed it or {wanted.distribution_id} meanwhile, nothing was done: other "
            "steps would be needed now than those that were shown",
            hint="the same line again shows them",
        )
    if not planned.steps:
        return agreed
    if wanted.function.is_lambda:
        return await _deployed_lambda(wanted, planned, agreed, room)
    return await _deployed_small(wanted, planned, agreed, room)


async def _deployed_small(
    wanted: WantedDeployment, planned: Planned, agreed: EdgeDeployment, room: Room
) -> EdgeDeployment:
    assert planned.content is not None  # noqa: S101 - it is a CloudFront Function
    gate = Gate(wanted, room)
    live = await put_small(
        room.stages, wanted.name, planned.content, room.asking, before_publishing=gate.before_publishing
    )
    await _associate(wanted, live.arn, room)
    return replace(
        agreed,
        status="InProgress" if _is_associated(agreed) else "Deployed",
        dry_run=False,
        compute_utilization=gate.utilization,
        kept=str(gate.kept) if gate.kept else None,
        rollback=_rollback(wanted.name, None) if gate.kept else None,
    )


async def _deployed_lambda(
    wanted: WantedDeployment, planned: Planned, agreed: EdgeDeployment, room: Room
) -> EdgeDeployment:
    version = await put_lambda(room.lambdas, wanted.name, wanted.lambda_wanted, room.asking, before=planned.replaced)
    await _associate(wanted, version.arn, room)
    return replace(
        agreed,
        status="InProgress" if _is_associated(agreed) else "Deployed",
        dry_run=False,
        version=version.number,
        rollback=_rollback(wanted.name, wanted.distribution_id) if planned.replaced else None,
    )


class Gate:
    """What happens before a CloudFront Function goes live: its tests there, and its old code is kept."""

    def __init__(self, wanted: WantedDeployment, room: Room) -> None:
        self._wanted = wanted
        self._room = room
        self.utilization: int | None = None
        self.kept: Path | None = None

    async def before_publishing(self, stage: Stage, live: Stage | None) -> None:
        wanted, room = self._wanted, self._room
        if wanted.is_tested:
            self.utilization = await test_at_cloudfront(room.stages, wanted.name, wanted.function, stage, room.asking)
        self.kept = kept_if_replaced(wanted.name, live, stage.content)


def kept_if_replaced(name: str, live: Stage | None, content: StageContent) -> Path | None:
    """The file with the code that goes, where other code comes."""
    if live is None or live.content.code == content.code:
        return None
    return keep(name, live)


async def _associate(wanted: WantedDeployment, arn: str, room: Room) -> None:
    association = association_of(wanted, arn)

    def changed(config: Config) -> Config:
        if not wanted.replaces:
            check_displaced(displaced_by(config, association), association)
        return with_association(config, association)

    await update(wanted.distribution_id, changed, room)


async def update(distribution_id: str, changed: Callable[[Config], Config], room: Room) -> None:
    """Read, change, send under the version that was read; again where somebody else was faster: theirs stays, too."""
    for attempt in range(1, ATTEMPTS + 1):
        document = await room.asking.ask(lambda: room.control.distribution_config(distribution_id))
        new = changed(document.config)
        if associations_of(new) == associations_of(document.config):
            return
        try:
            await room.control.update_distribution(distribution_id, new, document.etag)
        except ChangedMeanwhileError:
            if attempt == ATTEMPTS:
                raise
        except PerfctlError as error:
            if attempt == ATTEMPTS or not error.retryable:
                raise explained(error) from error
            await room.asking.time.sleep(float(2**attempt) * room.asking.time.jitter())
        else:
            return


def _is_associated(agreed: EdgeDeployment) -> bool:
    """Whether the distribution itself is changed, which takes minutes; a published function takes seconds."""
    return any(step.action in ("associate", "dissociate") for step in agreed.steps)


def _rollback(name: str, distribution_id: str | None) -> str:
    words = ["perfctl", "cdn", "edge", "rollback", name]
    return shlex.join([*words, "--distribution", distribution_id] if distribution_id else words)
