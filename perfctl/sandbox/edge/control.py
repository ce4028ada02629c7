"""The control plane: which operation a request asks for, who may ask, and how answers and errors are written.

Adding an operation is one function in `operations/` and one row here.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge import sts
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.admin import Admin
from perfctl.sandbox.edge.call import PATH, Answer, Call
from perfctl.sandbox.edge.http import NO_ANSWER, Request, Response
from perfctl.sandbox.edge.operations import distributions, extras, functions, invalidations, policies
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller, document_response, error_response


@dataclass(frozen=True, slots=True)
class Operation:
    """A row: the operation's name in the service model, its method and path, and who answers it."""

    name: str
    method: str
    path: str
    answer: Callable[[Call], Answer | Awaitable[Answer]]
    query: str = ""
    """A part of the query string that tells this operation from another on the same path."""

    @property
    def changes(self) -> bool:
        return self.method != "GET"


def _policy_operations(kind: str, kinds: str, asked: policies.PolicyOperations) -> tuple[Operation, ...]:
    path, one = f"/{asked.path}", f"/{asked.path}/{{Id}}"
    return (
        Operation(f"List{kinds}", "GET", path, asked.list),
        Operation(f"Create{kind}", "POST", path, asked.create),
        Operation(f"Get{kind}", "GET", one, asked.get),
        Operation(f"Get{kind}Config", "GET", f"{one}/config", asked.get_config),
        Operation(f"Update{kind}", "PUT", one, asked.update),
        Operation(f"Delete{kind}", "DELETE", one, asked.delete),
    )


OPERATIONS = (
    Operation(
        "CreateDistributionWithTags", "POST", "/distribution", distributions.create_distribution_with_tags, "WithTags"
    ),
    Operation("CreateDistribution", "POST", "/distribution", distributions.create_distribution),
    Operation("ListDistributions", "GET", "/distribution", distributions.list_distributions),
    Operation("GetDistribution", "GET", "/distribution/{Id}", distributions.get_distribution),
    Operation("GetDistributionConfig", "GET", "/distribution/{Id}/config", distributions.get_distribution_config),
    Operation("UpdateDistribution", "PUT", "/distribution/{Id}/config", distributions.update_distribution),
    Operation("DeleteDistribution", "DELETE", "/distribution/{Id}", distributions.delete_distribution),
    Operation("CreateInvalidation", "POST", "/distribution/{Id}/invalidation", invalidations.create_invalidation),
    Operation("ListInvalidations", "GET", "/distribution/{Id}/invalidation", invalidations.list_invalidations),
    Operation(
        "GetInvalidation", "GET", "/distribution/{Id}/invalidation/{InvalidationId}", invalidations.get_invalidation
    ),
    *_policy_operations("CachePolicy", "CachePolicies", policies.CACHE),
    *_policy_operations("OriginRequestPolicy", "OriginRequestPolicies", policies.ORIGIN_REQUEST),
    *_policy_operations("ResponseHeadersPolicy", "ResponseHeadersPolicies", policies.RESPONSE_HEADERS),
    Operation("CreateFunction", "POST", "/function", functions.create_function),
    Operation("ListFunctions", "GET", "/function", functions.list_functions),
    Operation("GetFunction", "GET", "/function/{Name}", functions.get_function),
    Operation("DescribeFunction", "GET", "/function/{Name}/describe", functions.describe_function),
    Operation("UpdateFunction", "PUT", "/function/{Name}", functions.update_function),
    Operation("PublishFunction", "POST", "/function/{Name}/publish", functions.publish_function),
    Operation("TestFunction", "POST", "/function/{Name}/test", functions.test_function),
    Operation("DeleteFunction", "DELETE", "/function/{Name}", functions.delete_function),
    Operation("ListTagsForResource", "GET", "/tagging", extras.list_tags),
    Operation("TagResource", "POST", "/tagging", extras.tag_resource, "Operation=Tag"),
    Operation("UntagResource", "POST", "/tagging", extras.untag_resource, "Operation=Untag"),
    Operation(
        "GetMonitoringSubscription",
        "GET",
        "/distributions/{Id}/monitoring-subscription",
        extras.get_monitoring_subscription,
    ),
    Operation(
        "CreateMonitoringSubscription",
        "POST",
        "/distributions/{Id}/monitoring-subscription",
        extras.create_monitoring_subscription,
    ),
    Operation(
        "DeleteMonitoringSubscription",
        "DELETE",
        "/distributions/{Id}/monitoring-subscription",
        extras.delete_monitoring_subscription,
    ),
)


class Beside(Protocol):
    """A service on the same port."""

    def is_asked(self, request: Request) -> bool:
        """Whether the request is for it."""
        ...

    def handle(self, request: Request) -> Response: ...


class ControlPlane:
    """Answers the service's API, the services beside it, and the reserved paths below `/_perfctl/`."""

    def __init__(self, account: Account, admin: Admin, beside: Sequence[Beside] = ()) -> None:
        self._account = account
        self._admin = admin
        self._beside = tuple(beside)

    async def handle(self, request: Request) -> Response:
        if request.path.startswith("/_perfctl/"):
            return await self._admin.handle(request)
        dice = self._account.dice
        if dice.faults.latency_ms:
            await asyncio.sleep(dice.faults.latency_ms / 1000)
        if sts.is_asked(request):
            return sts.handle(request, self._account)
        response = await self._response(request)
        return NO_ANSWER if dice.loses_answer() else response

    async def _response(self, request: Request) -> Response:
        for service in self._beside:
            if service.is_asked(request):
                return service.handle(request)
        try:
            return _written(await self._answer(request))
        except ServiceProblem as problem:
            return error_response(problem)

    async def _answer(self, request: Request) -> Answer:
        operation, names = _find(request)
        check_caller(request, self._account.access_key, unknown="AccessDenied")
        self._account.dice.strike(f"cloudfront:{operation.name}", changes=operation.changes)
        answer = operation.answer(Call(self._account, request, names))
        return await answer if isinstance(answer, Awaitable) else answer


def _find(request: Request) -> tuple[Operation, dict[str, str]]:
    parts = _parts(request.path.removeprefix(PATH))
    if request.path.startswith(PATH + "/"):
        for operation in OPERATIONS:
            names = _names(operation, parts)
            if operation.method == request.method and names is not None and _has(request.query, operation.query):
                return operation, names
    raise ServiceProblem("UnknownOperationException", f"No such operation: {request.method} {request.path[:200]}")


def _has(query: str, wanted: str) -> bool:
    return not wanted or wanted in (part.removesuffix("=") for part in query.split("&"))


def _names(operation: Operation, parts: list[str]) -> dict[str, str] | None:
    template = _parts(operation.path)
    if len(template) != len(parts):
        return None
    names = {}
    for expected, part in zip(template, parts, strict=True):
        if expected.startswith("{"):
            names[expected[1:-1]] = unquote(part)
        elif expected != part:
            return None
    return names


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")


def _written(answer: Answer) -> Response:
    headers = (("x-amzn-RequestId", str(uuid.uuid4())), *answer.headers)
    if answer.raw is not None:
        return Response(answer.status, Headers(headers), answer.raw)
    if answer.root is None:
        return Response(answer.status, Headers(headers))
    return document_response(answer.status, answer.root, headers)
