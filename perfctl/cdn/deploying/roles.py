"""The role that a Lambda@Edge function runs under: how to make it, where it is missing or trusts too few."""

from __future__ import annotations

import json

from perfctl.aws import AwsCallError
from perfctl.errors import AuthError, ConfigError, PerfctlError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
"""Who may take on the role: Lambda makes the version, CloudFront's replicas run it."""
RIGHTS = (
    "cloudfront:UpdateDistribution",
    "lambda:GetFunction",
    "lambda:EnableReplication*",
    "iam:CreateServiceLinkedRole",
)
"""What the caller needs to put a version at the edge."""
_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def how_to_make_one() -> str:
    """The two commands."""
    return (
        f"aws iam create-role --role-name perfctl-edge --assume-role-policy-document '{json.dumps(TRUST)}' && "
        f"aws iam attach-role-policy --role-name perfctl-edge --policy-arn {_POLICY}"
    )


def no_role(name: str) -> ConfigError:
    """The function is new, and nobody said under which role it is to run."""
    return ConfigError(
        f"{name}: a Lambda@Edge function runs under a role, and none is configured",
        hint=f"--role ARN, or cdn.edge_role_arn; to make one: {how_to_make_one()}",
    )


def is_not_assumable(error: PerfctlError) -> bool:
    """Whether Lambda or CloudFront could not take the role on; a new role is known everywhere after some seconds."""
    return isinstance(error, AwsCallError) and any(
        words in error.message for words in ("cannot be assumed", "must be assumable")
    )


def explained(error: PerfctlError) -> PerfctlError:
    """The error with the next step, where it is about roles and rights."""
    if is_not_assumable(error):
        error.hint = f"the role must trust both services: {json.dumps(TRUST)}"
    elif isinstance(error, AuthError) and "AccessDenied" in error.message:
        error.hint = f"to put a function at the edge the caller needs {', '.join(RIGHTS)}"
    return error
