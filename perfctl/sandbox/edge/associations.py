"""Which functions a cache behaviour names, and what CloudFront refuses of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.behaviours import Association
from perfctl.sandbox.edge.functions import Functions
from perfctl.sandbox.edge.lambdas import Lambdas, LambdaVersion
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import is_true, items_of, text_of

VIEWER_TRIGGERS = ("viewer-request", "viewer-response")
TRIGGERS = (*VIEWER_TRIGGERS, "origin-request", "origin-response")
REGION = "us-east-1"
_FUNCTION_ARN = re.compile(r"arn:aws:cloudfront::[0-9]{12}:function/([A-Za-z0-9_-]{1,64})")
_LAMBDA_ARN = re.compile(r"arn:aws:lambda:([a-z0-9-]+):[0-9]{12}:function:[A-Za-z0-9_-]+:[0-9]+")
_VIEWER_SECONDS, _VIEWER_MEGABYTES, _VIEWER_BYTES = 5, 128, 1_048_576
_ORIGIN_SECONDS, _ORIGIN_MEGABYTES, _ORIGIN_BYTES = 30, 10_240, 52_428_800


@dataclass(frozen=True, slots=True)
class AssociationReader:
    """Reads the associations of a behaviour; each names a function that exists and may run at its trigger."""

    functions: Functions
    lambdas: Lambdas

    def read(self, behaviour: Element) -> tuple[Association, ...]:
        """ServiceProblem for what the service would refuse."""
        small = [self._function(item) for item in items_of(behaviour, "FunctionAssociations")]
        large = [self._lambda(item) for item in items_of(behaviour, "LambdaFunctionAssociations")]
        for trigger in TRIGGERS:
            named = [item for item in (*small, *large) if item.trigger == trigger]
            if len(named) > 1:
                code = "InvalidFunctionAssociation" if small else "InvalidLambdaFunctionAssociation"
                raise ServiceProblem(
                    code,
                    "The event type of a function association must be unique in the cache behavior. Event type "
                    f"{trigger} cannot be associated with two functions: {', '.join(item.arn for item in named)}.",
                )
        if any(item.trigger in VIEWER_TRIGGERS for item in large) and small:
            raise ServiceProblem(
                "InvalidFunctionAssociation",
                "A cache behavior cannot have both CloudFront Functions and Lambda@Edge functions on viewer events.",
            )
        return (*small, *large)

    def _function(self, item: Element) -> Association:
        arn, trigger = text_of(item, "FunctionARN"), _trigger(item, VIEWER_TRIGGERS)
        match = _FUNCTION_ARN.fullmatch(arn)
        if match is None:
            raise ServiceProblem("InvalidFunctionAssociation", f"This is not the ARN of a function: {arn[:200]}.")
        try:
            self.functions.get(match[1], "LIVE")
        except ServiceProblem as problem:
            raise ServiceProblem(
                "InvalidFunctionAssociation", f"The function must be published to the LIVE stage. Function: {arn}"
            ) from problem
        return Association(trigger, arn)

    def _lambda(self, item: Element) -> Association:
        arn, trigger = text_of(item, "LambdaFunctionARN"), _trigger(item, TRIGGERS)
        match = _LAMBDA_ARN.fullmatch(arn)
        if match is None:
            raise _refused(
                "The function ARN must reference a specific function version. (The ARN must end with the version "
                f"number.) ARN: {arn}"
            )
        if match[1] != REGION:
            raise _refused(f"The function must be in region '{REGION}'. ARN: {arn}")
        version = self.lambdas.by_arn(arn)
        if version is None:
            raise _refused(f"The function cannot be found. Function: {arn}")
        _check_settings(version, trigger)
        includes_body = is_true(item, "IncludeBody")
        if includes_body and trigger.endswith("-response"):
            raise _refused(f"IncludeBody is for request events alone, not for {trigger}. Function: {arn}")
        return Association(trigger, arn, is_lambda=True, includes_body=includes_body)


def _trigger(item: Element, known: tuple[str, ...]) -> str:
    trigger = text_of(item, "EventType")
    if trigger not in known:
        raise ServiceProblem(
            "MalformedXML",
            f"1 validation error detected: Value '{trigger[:40]}' at 'eventType' failed to satisfy constraint: Member "
            f"must satisfy enum value set: [{', '.join(known)}]",
        )
    return trigger


def _check_settings(version: LambdaVersion, trigger: str) -> None:
    """The settings that Lambda@Edge does not support ("Restrictions on Lambda@Edge")."""
    at_viewer = trigger in VIEWER_TRIGGERS
    where = f"Function: {version.arn}"
    runtime = str(version.settings.get("Runtime"))
    if not runtime.startswith(("nodejs", "python")):
        raise _refused(f"The function runtime is not supported: {runtime}. {where}")
    for what, unsupported in _UNSUPPORTED:
        if unsupported(version.settings):
            raise _refused(f"The function cannot have {what}. {where}")
    for what, value, most in (
        ("timeout", version.settings.get("Timeout", 3), _VIEWER_SECONDS if at_viewer else _ORIGIN_SECONDS),
        ("memory size", version.settings.get("MemorySize", 128), _VIEWER_MEGABYTES if at_viewer else _ORIGIN_MEGABYTES),
        ("code size", version.code_bytes, _VIEWER_BYTES if at_viewer else _ORIGIN_BYTES),
    ):
        if int(value) > most:
            raise _refused(
                f"The function {what} is larger than the maximum allowed for functions that are triggered by a "
                f"CloudFront event: {value} Max allowed: {most} {where}"
            )


_UNSUPPORTED: tuple[tuple[str, Callable[[dict[str, object]], bool]], ...] = (
    ("environment variables", lambda settings: bool(_inside(settings, "Environment", "Variables"))),
    ("layers", lambda settings: bool(settings.get("Layers"))),
    ("a VPC configuration", lambda settings: bool(_inside(settings, "VpcConfig", "SubnetIds"))),
    ("a dead letter queue", lambda settings: bool(_inside(settings, "DeadLetterConfig", "TargetArn"))),
    ("the arm64 architecture", lambda settings: settings.get("Architectures") == ["arm64"]),
    ("active tracing", lambda settings: _inside(settings, "TracingConfig", "Mode") == "Active"),
)


def _inside(settings: dict[str, object], outer: str, inner: str) -> object:
    value = settings.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


def _refused(message: str) -> ServiceProblem:
    return ServiceProblem("InvalidLambdaFunctionAssociation", message)
