"""What is to be deployed, and what deploying asks."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane, is_aws
from perfctl.cdn.deploying.associating import DEFAULT
from perfctl.cdn.deploying.lambdas import LambdasAtAws, LambdaSettings, LambdaWanted
from perfctl.cdn.deploying.putting import Asking
from perfctl.cdn.deploying.stages import StagesAtCloudFront
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.packaging import Packed
from perfctl.cdn.edge.tables import table_of
from perfctl.cdn.invalidating.sending import Sender
from perfctl.cdn.services import Services

TIMEOUT_SECONDS = {"viewer": 5, "origin": 30}
"""As long as Lambda@Edge lets a function run, by its side."""


@dataclass(frozen=True, slots=True)
class WantedDeployment:
    """A function, packed, and its place."""

    function: EdgeFunction
    packed: Packed
    name: str
    """Its name at AWS."""
    distribution_id: str
    behaviour: str = DEFAULT
    role_arn: str | None = None
    replaces: bool = False
    """Whether other functions that cannot stay beside it are taken away."""
    includes_body: bool = False
    is_tested: bool = True
    """Whether its tests are run at CloudFront before it is published."""
    store_arn: str | None = None

    @property
    def has_tests(self) -> bool:
        """Whether there is a table of tests beside it."""
        source = self.function.source
        return not isinstance(source, bytes) and table_of(source) is not None

    @property
    def lambda_wanted(self) -> LambdaWanted:
        """What is to be there, of a Lambda@Edge function."""
        told = self.packed.told
        settings = LambdaSettings(
            runtime=told.runtime,
            handler=str(told.handler),
            role=self.role_arn,
            memory_mb=self.function.memory_mb,
            timeout_seconds=TIMEOUT_SECONDS[self.function.trigger.partition("-")[0]],
        )
        return LambdaWanted(self.packed.content, settings)


@dataclass(frozen=True, slots=True)
class Room:
    """Whom deploying asks."""

    control: ControlPlane
    stages: StagesAtCloudFront
    lambdas: LambdasAtAws
    asking: Asking

    @classmethod
    def of(cls, control: ControlPlane, services: Services, time: Time) -> Room:
        """The room of an account."""
        asking = Asking(Sender(control, time=time), time)
        return cls(control, StagesAtCloudFront(services), LambdasAtAws(services), asking)


async def usual_runtime(function: EdgeFunction, services: Services) -> str | None:
    """The runtime to pack a function for; None is the usual one.

    What stands in for AWS runs Python functions in the Python that perfctl has: compiled packages must be for that.
    """
    if function.runtime != "python":
        return None
    endpoint = await services.ask("lambda", "lambda", lambda client: str(client.meta.endpoint_url))
    return None if is_aws(endpoint) else f"python{sys.version_info.major}.{sys.version_info.minor}"
