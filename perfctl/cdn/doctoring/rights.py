"""The permissions that each area of commands needs, which of them are there, and the policy that grants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.model.diagnoses import AreaRights
from perfctl.errors import UsageError

Resource = Literal[
    "distribution", "account", "policies", "functions", "lambda", "bucket", "objects", "role", "linked roles"
]


@dataclass(frozen=True, slots=True)
class Right:
    """One action on a kind of resource; `untried` says why it is not tried."""

    action: str
    resource: Resource
    untried: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """What some commands need together."""

    name: str
    commands: tuple[str, ...]
    rights: tuple[Right, ...]
    is_vital: bool = False
    """Whether a missing right is a failure; else it is a warning: the other areas work."""


_CHANGES = "it changes something"
_LOOK = Right("cloudfront:GetDistribution", "distribution")
_CONFIG = Right("cloudfront:GetDistributionConfig", "distribution")

AREAS: tuple[Area, ...] = (
    Area(
        "invalidate",
        ("cdn invalidate", "cdn queue", "cdn status", "cdn invalidations"),
        (
            Right("cloudfront:CreateInvalidation", "distribution", "it costs"),
            Right("cloudfront:GetInvalidation", "distribution"),
            Right("cloudfront:ListInvalidations", "distribution"),
            _LOOK,
        ),
        is_vital=True,
    ),
    Area("alias", ("--distribution ALIAS",), (Right("cloudfront:ListDistributions", "account"),)),
    Area(
        "check",
        ("cdn check", "cdn headers"),
        (
            _CONFIG,
            Right("cloudfront:GetCachePolicy", "policies"),
            Right("cloudfront:GetMonitoringSubscription", "distribution"),
            Right("logs:DescribeDeliverySources", "account"),
            Right("logs:DescribeDeliveries", "account"),
        ),
        is_vital=True,
    ),
    Area(
        "apply",
        ("cdn diff", "cdn apply"),
        (_LOOK, _CONFIG, Right("cloudfront:UpdateDistribution", "distribution", _CHANGES)),
    ),
    Area(
        "logs",
        ("cdn logs", "cdn stats", "cdn simulate"),
        (Right("s3:ListBucket", "bucket"), Right("s3:GetObject", "objects")),
    ),
    Area("metrics", ("cdn metrics",), (Right("cloudwatch:GetMetricData", "account"),)),
    Area(
        "deploy",
        ("cdn edge deploy", "cdn edge rollback"),
        (
            Right("cloudfront:DescribeFunction", "functions"),
            Right("cloudfront:GetFunction", "functions"),
            Right("cloudfront:CreateFunction", "functions", _CHANGES),
            Right("cloudfront:UpdateFunction", "functions", _CHANGES),
            Right("cloudfront:TestFunction", "functions", "it runs something"),
            Right("cloudfront:PublishFunction", "functions", _CHANGES),
            _LOOK,
            _CONFIG,
            Right("cloudfront:UpdateDistribution", "distribution", _CHANGES),
            Right("lambda:GetFunction", "lambda"),
            Right("lambda:GetFunctionConfiguration", "lambda"),
            Right("lambda:ListVersionsByFunction", "lambda"),
            Right("lambda:CreateFunction", "lambda", _CHANGES),
            Right("lambda:UpdateFunctionCode", "lambda", _CHANGES),
            Right("lambda:UpdateFunctionConfiguration", "lambda", _CHANGES),
            Right("lambda:PublishVersion", "lambda", _CHANGES),
            Right("lambda:EnableReplication*", "lambda", _CHANGES),
            Right("iam:PassRole", "role", _CHANGES),
            Right("iam:CreateServiceLinkedRole", "linked roles", _CHANGES),
        ),
    ),
)
"""In the order in which they are told. What CloudFront ties to no resource needs the resource `*`."""


def chosen_areas(names: Sequence[str]) -> tuple[Area, ...]:
    """The areas of these names; all where none is given. UsageError for one that is none."""
    known = [area.name for area in AREAS]
    for name in names:
        if name not in known:
            raise UsageError(f"--for: there is no area {name!r}", hint=f"areas: {', '.join(known)}", where="--for")
    return tuple(area for area in AREAS if not names or area.name in names)


def tried_actions(areas: Sequence[Area]) -> tuple[str, ...]:
    """The actions that are tried, each once."""
    return tuple(dict.fromkeys(right.action for area in areas for right in area.rights if right.untried is None))


def rights_of(area: Area, findings: Mapping[str, bool | None]) -> AreaRights:
    """What became of an area's actions; None in the findings: nobody answered that could tell."""
    granted = [right.action for right in area.rights if findings.get(right.action) is True]
    missing = [right.action for right in area.rights if findings.get(right.action) is False]
    untried = [right.action for right in area.rights if right.action not in (*granted, *missing)]
    return AreaRights(area.name, area.commands, tuple(granted), tuple(missing), tuple(untried))


def least_policy(
    distribution_id: str,
    caller_arn: str | None,
    account: str | None,
    *,
    areas: Sequence[Area] = AREAS,
    buckets: Sequence[str] = (),
    role_arn: str | None = None,
) -> Mapping[str, object]:
    """The IAM policy with which these areas work on this distribution, and nothing else; a statement an area and kind.

    `buckets` are those of the access logs; without any the area of logs needs none.
    """
    partition = caller_arn.split(":")[1] if caller_arn and caller_arn.startswith("arn:") else "aws"
    owner = account or "*"
    places: Mapping[Resource, list[str]] = {
        "distribution": [f"arn:{partition}:cloudfront::{owner}:distribution/{distribution_id}"],
        "account": ["*"],
        "policies": [f"arn:{partition}:cloudfront::{owner}:cache-policy/*"],
        "functions": [f"arn:{partition}:cloudfront::{owner}:function/*"],
        "lambda": [f"arn:{partition}:lambda:us-east-1:{owner}:function:*"],
        "bucket": [f"arn:{partition}:s3:::{bucket}" for bucket in buckets],
        "objects": [f"arn:{partition}:s3:::{bucket}/*" for bucket in buckets],
        "role": [role_arn or f"arn:{partition}:iam::{owner}:role/perfctl-edge"],
        "linked roles": [f"arn:{partition}:iam::{owner}:role/aws-service-role/*"],
    }
    statements = []
    for area in areas:
        for number, kind in enumerate(dict.fromkeys(right.resource for right in area.rights), 1):
            actions = [right.action for right in area.rights if right.resource == kind]
            if places[kind]:
                statements.append(_statement(f"Perfctl{area.name.capitalize()}{number}", actions, places[kind]))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(name: str, actions: list[str], places: list[str]) -> Mapping[str, object]:
    resource = places[0] if len(places) == 1 else places
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resource}
