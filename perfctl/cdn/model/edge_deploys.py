"""What is made of an edge function for AWS, and what became of it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Kind = Literal["cloudfront-function", "lambda@edge"]
Action = Literal["create", "update", "configure", "test", "publish", "associate", "dissociate"]


@dataclass(frozen=True, slots=True)
class EdgePackage:
    """A function as it is sent: its text, or a zip file of it and of what it requires."""

    listing: ClassVar[str] = "files"

    function: str
    kind: Kind
    runtime: str
    """AWS's own name: `cloudfront-js-2.0`, `python3.13`."""
    handler: str | None
    """Of Lambda@Edge alone: `lambda_function.lambda_handler`."""
    trigger: str
    size_bytes: int
    limit_bytes: int
    """What CloudFront takes at this trigger."""
    unpacked_bytes: int
    sha256: str
    """In hexadecimal; the same for the same function, wherever it is packed."""
    requires: tuple[str, ...]
    """What was fetched for Lambda's platform, with the version: `pillow 12.0.0`."""
    settings: Mapping[str, Any] | None
    """What stands in its settings.json."""
    written: str | None
    """The file that it was written to."""
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeployStep:
    """One thing that is done at AWS, or would be."""

    action: Action
    object: str
    said: str


@dataclass(frozen=True, slots=True)
class EdgeDeployment:
    """A function that was put at the edge, or put back, and how to go back."""

    listing: ClassVar[str] = "steps"

    function: str
    """Its name at AWS."""
    kind: Kind
    runtime: str
    distribution_id: str | None
    """None where a CloudFront Function was put back, which is so wherever it is associated."""
    behaviours: tuple[str, ...]
    """Path patterns; `default` is the behaviour of all else."""
    trigger: str | None
    status: Literal["unchanged", "planned", "InProgress", "Deployed"]
    """`planned` after a dry run; `InProgress` until every edge location has it."""
    dry_run: bool
    version: str | None
    """The number of a Lambda's version, or the first digits of the sum of a CloudFront Function's code."""
    replaced_version: str | None
    """What was served before."""
    tests_passed: int | None
    """None where its tests were not run."""
    compute_utilization: int | None
    """The highest of CloudFront's own test of a CloudFront Function, 0 to 100."""
    waited_seconds: float
    kept: str | None
    """The file with the replaced code of a CloudFront Function, which has no versions of its own."""
    rollback: str | None
    """The command that puts the version before back."""
    steps: tuple[DeployStep, ...]
