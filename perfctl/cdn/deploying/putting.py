"""Making a function at AWS what it is to be: one step at a time from what is there, so that a run that was cut off
anywhere is finished by the next one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from perfctl.aws import AwsCallError
from perfctl.cdn.clock import Time
from perfctl.cdn.deploying.kept import before_of, with_before
from perfctl.cdn.deploying.lambdas import LambdaFunction, LambdasAtAws, LambdaVersion, LambdaWanted
from perfctl.cdn.deploying.roles import explained, is_not_assumable
from perfctl.cdn.deploying.stages import Stage, StageContent, Stages, StagesAtCloudFront
from perfctl.cdn.invalidating.sending import Sender
from perfctl.errors import PerfctlError, ServiceError, TimedOutError

T = TypeVar("T")
SmallStep = Literal["create", "update", "publish"]
LambdaStep = Literal["create", "wait", "update", "configure", "publish"]

MOST_STEPS = 12
READY_SECONDS = 300.0
_ROLE_ATTEMPTS = 6
_RACES = frozenset(
    {
        *("PreconditionFailed", "InvalidIfMatchVersion", "FunctionAlreadyExists"),
        *("ResourceConflictException", "PreconditionFailedException"),
    }
)
"""Somebody else, or a call of ours whose answer was lost, was there first: look again."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How calls are made again, and what time it is."""

    sender: Sender
    time: Time

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call, again where the service throttles or fails on its side."""
        return await self.sender.retried(call)

    async def has_raced(self, call: Callable[[], Awaitable[None]]) -> bool:
        """Make the call; true where what is there is no longer what the call was made for."""
        try:
            await self.ask(call)
        except AwsCallError as error:
            if error.code not in _RACES:
                raise
            return True
        return False


def small_step(state: Stages, wanted: StageContent) -> SmallStep | None:
    """What is to be done next at a CloudFront Function; None when viewers meet what is wanted."""
    if state.live is not None and wanted.is_same(state.live.content):
        return None
    if state.development is None:
        return "create"
    return "publish" if wanted.is_same(state.development.content) else "update"


async def put_small(
    at: StagesAtCloudFront,
    name: str,
    wanted: StageContent,
    asking: Asking,
    *,
    before_publishing: Callable[[Stage, Stage | None], Awaitable[None]],
) -> Stage:
    """The LIVE stage, when it is what is wanted. `before_publishing` sees what goes live, and what it replaces."""
    for number in range(MOST_STEPS):
        state = await asking.ask(lambda: at.read(name))
        step = small_step(state, wanted)
        if step is None:
            assert state.live is not None  # noqa: S101 - or there would be a step
            return state.live
        if step == "publish":
            assert state.development is not None  # noqa: S101 - likewise
            await before_publishing(state.development, state.live)
        if await asking.has_raced(_small_call(at, name, wanted, state, step)):
            await asking.time.sleep(min(2.0**number, 8.0) * asking.time.jitter())
    raise _unsteady(name)


def _small_call(
    at: StagesAtCloudFront, name: str, wanted: StageContent, state: Stages, step: SmallStep
) -> Callable[[], Awaitable[None]]:
    stage = state.development
    if stage is None:
        return lambda: at.create(name, wanted)
    if step == "update":
        return lambda: at.update(name, wanted, stage.etag)
    return lambda: at.publish(name, stage.etag)


def lambda_step(state: LambdaFunction | None, wanted: LambdaWanted) -> LambdaStep | LambdaVersion:
    """What is to be done next at a Lambda, or the version that is what is wanted: the newest, if there are several."""
    if state is None:
        return "create"
    if done := next((version for version in reversed(state.versions) if wanted.is_same(version)), None):
        return done
    if state.latest.failure is None and not state.latest.is_ready:
        return "wait"
    if state.latest.sha256 != wanted.sha256:
        return "update"
    return "publish" if wanted.is_same_settings(state.latest.settings) else "configure"


async def put_lambda(
    at: LambdasAtAws, name: str, wanted: LambdaWanted, asking: Asking, *, before: str | None
) -> LambdaVersion:
    """The numbered version that is what is wanted, when it can be called; it says which version was served `before`."""
    until = asking.time.now() + READY_SECONDS
    raced = unassumed = 0
    while raced < MOST_STEPS:
        state = await asking.ask(lambda: at.read(name))
        step = lambda_step(state, wanted)
        if isinstance(step, LambdaVersion):
            return await _ready(at, name, step, asking, until)
        if step == "wait":
            await _pause(name, asking, until)
            continue
        _check_failure(name, step, state)
        try:
            raced += await asking.has_raced(_lambda_call(at, name, wanted, state, step, before))
        except PerfctlError as error:
            unassumed += 1
            if not is_not_assumable(error) or unassumed >= _ROLE_ATTEMPTS:
                raise explained(error) from error
            await asking.time.sleep(2.0 + asking.time.jitter())
        if raced:
            await asking.time.sleep(1.0)
    raise _unsteady(name)


def _lambda_call(
    at: LambdasAtAws,
    name: str,
    wanted: LambdaWanted,
    state: LambdaFunction | None,
    step: LambdaStep,
    before: str | None,
) -> Callable[[], Awaitable[None]]:
    if state is None:
        return lambda: at.create(name, wanted)
    if step == "update":
        return lambda: at.update_code(name, wanted.package)
    if step == "configure":
        return lambda: at.update_settings(name, wanted.settings)
    described = with_before(state.latest.description, before or before_of(state.latest.description))
    return lambda: at.publish(name, wanted.sha256, described)


async def _ready(at: LambdasAtAws, name: str, version: LambdaVersion, asking: Asking, until: float) -> LambdaVersion:
    """The version, when it is active: before that CloudFront would refuse it."""
    while True:
        found = await asking.ask(lambda: at.version(name, version.number))
        if found.failure is not None:
            raise ServiceError(f"lambda {name}:{version.number} failed: {found.failure}")
        if found.is_ready:
            return found
        await _pause(name, asking, until)


async def _pause(name: str, asking: Asking, until: float) -> None:
    if asking.time.now() > until:
        raise TimedOutError(
            f"lambda {name}: it was not ready within {READY_SECONDS:.0f} s; nothing at the edge was changed",
            hint="the same line again goes on from here",
        )
    await asking.time.sleep(1.0)


def _check_failure(name: str, step: LambdaStep, state: LambdaFunction | None) -> None:
    """An update mends a function that failed; to publish one does not."""
    if state is not None and state.latest.failure is not None and step == "publish":
        raise ServiceError(f"lambda {name}: its update failed: {state.latest.failure}")


def _unsteady(name: str) -> ServiceError:
    return ServiceError(
        f"{name}: somebody else changes it all the time; nothing was associated", hint="try again when they are done"
    )
