"""Which functions a distribution's behaviours name, and how one takes its place there. Pure: on the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from perfctl.errors import RefusedError, UsageError

DEFAULT = "default"
VIEWER = ("viewer-request", "viewer-response")

Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Association:
    """A function at a trigger of a behaviour."""

    behaviour: str
    """Its path pattern; `default` is the behaviour of all else."""
    trigger: str
    arn: str
    is_lambda: bool
    includes_body: bool = False

    @property
    def name(self) -> str:
        """The function's, without a version."""
        return self.arn.split(":")[6] if self.is_lambda else self.arn.rpartition("/")[2]

    @property
    def version(self) -> str | None:
        """The number of a Lambda's version."""
        return self.arn.rpartition(":")[2] if self.is_lambda else None

    @property
    def said(self) -> str:
        """For eyes: `Lambda@Edge resize:3`."""
        return f"Lambda@Edge {self.name}:{self.version}" if self.is_lambda else f"CloudFront Function {self.name}"


def associations_of(config: Config) -> tuple[Association, ...]:
    """Every one of the distribution, the default behaviour's first."""
    return tuple(one for name, behaviour in _behaviours(config) for one in _of(name, behaviour))


def check_behaviour(config: Config, behaviour: str) -> None:
    """UsageError where the distribution has no behaviour of that pattern."""
    known = [name for name, _ in _behaviours(config)]
    if behaviour not in known:
        raise UsageError(
            f"--behaviour {behaviour}: the distribution has none of that path pattern",
            hint=f"there are {', '.join(known)}",
        )


def displaced_by(config: Config, wanted: Association) -> tuple[Association, ...]:
    """The other functions of the behaviour that cannot stay beside it.

    One function a trigger; on viewer events either CloudFront Functions or Lambda@Edge, not both.
    """
    there = [one for one in associations_of(config) if one.behaviour == wanted.behaviour and not _is_same(one, wanted)]
    return tuple(one for one in there if one.trigger == wanted.trigger or _is_mixed(one, wanted))


def check_displaced(displaced: tuple[Association, ...], wanted: Association) -> None:
    """RefusedError with the reason, and the way out, where others would have to go."""
    for other in displaced:
        if other.trigger == wanted.trigger:
            reason = (
                f"{other.said} is at {other.trigger} of behaviour {other.behaviour}, and a trigger has one function"
            )
        else:
            reason = (
                f"{other.said} is at {other.trigger} of behaviour {other.behaviour}, and a behaviour cannot have both "
                "CloudFront Functions and Lambda@Edge on viewer events"
            )
        raise RefusedError(
            f"{wanted.name}: {reason}", hint="--replace takes it away; --behaviour names another path pattern"
        )


def with_association(config: Config, wanted: Association) -> Config:
    """The configuration with it, and without what cannot stay beside it."""
    gone = displaced_by(config, wanted)
    changed = deepcopy(config)
    behaviour = dict(_behaviours(changed))[wanted.behaviour]
    there = _of(wanted.behaviour, behaviour)
    kept = [one for one in there if one not in gone and not _is_same(one, wanted)]
    _put(behaviour, [*kept, wanted])
    return changed


def with_version(config: Config, name: str, arn: str) -> Config:
    """The configuration with this version of a Lambda wherever any version of it stands."""
    changed = deepcopy(config)
    for pattern, behaviour in _behaviours(changed):
        there = _of(pattern, behaviour)
        if any(one.is_lambda and one.name == name for one in there):
            _put(behaviour, [_moved(one, arn) if one.is_lambda and one.name == name else one for one in there])
    return changed


def _moved(one: Association, arn: str) -> Association:
    return Association(one.behaviour, one.trigger, arn, is_lambda=True, includes_body=one.includes_body)


def _is_same(one: Association, wanted: Association) -> bool:
    return (one.name, one.is_lambda, one.trigger) == (wanted.name, wanted.is_lambda, wanted.trigger)


def _is_mixed(one: Association, wanted: Association) -> bool:
    """CloudFront refuses a viewer's Lambda@Edge beside any CloudFront Function, whatever the trigger of each."""
    return one.is_lambda != wanted.is_lambda and one.trigger in VIEWER and wanted.trigger in VIEWER


def _behaviours(config: Config) -> Iterator[tuple[str, Config]]:
    yield DEFAULT, config["DefaultCacheBehavior"]
    for behaviour in (config.get("CacheBehaviors") or {}).get("Items") or []:
        yield behaviour["PathPattern"], behaviour


def _of(name: str, behaviour: Config) -> tuple[Association, ...]:
    small = (behaviour.get("FunctionAssociations") or {}).get("Items") or []
    large = (behaviour.get("LambdaFunctionAssociations") or {}).get("Items") or []
    return (
        *(Association(name, item["EventType"], item["FunctionARN"], is_lambda=False) for item in small),
        *(
            Association(
                *(name, item["EventType"], item["LambdaFunctionARN"]),
                is_lambda=True,
                includes_body=bool(item.get("IncludeBody")),
            )
            for item in large
        ),
    )


def _put(behaviour: Config, associations: list[Association]) -> None:
    small = [{"FunctionARN": one.arn, "EventType": one.trigger} for one in associations if not one.is_lambda]
    large = [
        {"LambdaFunctionARN": one.arn, "EventType": one.trigger, "IncludeBody": one.includes_body}
        for one in associations
        if one.is_lambda
    ]
    behaviour["FunctionAssociations"] = _listed(small)
    behaviour["LambdaFunctionAssociations"] = _listed(large)


def _listed(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}
