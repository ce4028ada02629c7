"""Lambda's REST API, as far as functions for the edge need it: create, update, publish, read, delete.

Adding an operation is one function and one row in OPERATIONS.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.lambdas import LambdaVersion
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller

PATH = "/2015-03-31/functions"
_REGION = re.compile(r"Credential=[^/,\s]+/[0-9]{8}/([a-z0-9-]+)/")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LambdaCall:
    """What an operation gets."""

    account: Account
    region: str
    name: str
    body: Json
    parameters: dict[str, str]

    @property
    def qualifier(self) -> str | None:
        return self.parameters.get("Qualifier")


@dataclass(frozen=True, slots=True)
class Operation:
    """A row: the operation's name in the service model, its method and path, and who answers it."""

    name: str
    method: str
    path: str
    answer: Callable[[LambdaCall], tuple[int, Json | None]]


class LambdaApi:
    """Answers what lies below the service's path; errors are its JSON."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def is_asked(self, request: Request) -> bool:
        return f"{request.path}/".startswith(f"{PATH}/")

    def handle(self, request: Request) -> Response:
        account = self._account
        try:
            operation, name = _find(request)
            check_caller(request, account.access_key, unknown="UnrecognizedClientException")
            account.dice.strike(f"lambda:{operation.name}", changes=operation.method != "GET")
            status, body = operation.answer(_call(request, account, name))
        except ServiceProblem as problem:
            return _error(problem)
        return _json(status, body)


def _find(request: Request) -> tuple[Operation, str]:
    rest = request.path.removeprefix(PATH).strip("/")
    name, _, below = rest.partition("/")
    shape = ("/{Name}" if name else "") + (f"/{below}" if below else "")
    for operation in OPERATIONS:
        if (operation.method, operation.path) == (request.method, shape):
            return operation, unquote(name)
    raise ServiceProblem("UnknownOperationException", f"No such operation: {request.method} {request.path[:200]}")


def _call(request: Request, account: Account, name: str) -> LambdaCall:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ServiceProblem("InvalidRequestContentException", "Could not parse request body into json.")
    match = _REGION.search(request.headers.get("authorization") or "")
    parameters = {key: values[0] for key, values in parse_qs(request.query, max_num_fields=20).items()}
    return LambdaCall(account, match[1] if match else "us-east-1", name, body, parameters)


def create_function(call: LambdaCall) -> tuple[int, Json | None]:
    lambdas = call.account.lambdas
    made = lambdas.create(call.region, str(call.body.get("FunctionName", "")), call.body, _zip_file(call.body))
    return 201, _published_too(call, made)


def update_function_code(call: LambdaCall) -> tuple[int, Json | None]:
    code = _zip_file({"Code": call.body})
    return 200, _published_too(call, call.account.lambdas.update_code(call.region, call.name, code))


def update_function_configuration(call: LambdaCall) -> tuple[int, Json | None]:
    return 200, _configuration(call, call.account.lambdas.update_settings(call.region, call.name, call.body))


def publish_version(call: LambdaCall) -> tuple[int, Json | None]:
    current = call.account.lambdas.get(call.region, call.name)
    wanted = call.body.get("CodeSha256")
    if wanted and wanted != current.code_sha256:
        raise ServiceProblem("InvalidParameterValueException", f"CodeSHA256 ({wanted}) is different from current.")
    made = call.account.lambdas.publish(call.region, call.name, description=call.body.get("Description"))
    return 201, _configuration(call, made)


def get_function(call: LambdaCall) -> tuple[int, Json | None]:
    found = call.account.lambdas.get(call.region, call.name, call.qualifier)
    location = call.account.lambdas.folder_of(found).as_uri()
    return 200, {
        "Configuration": _configuration(call, found),
        "Code": {"RepositoryType": "S3", "Location": location},
        "Tags": {},
    }


def get_function_configuration(call: LambdaCall) -> tuple[int, Json | None]:
    return 200, _configuration(call, call.account.lambdas.get(call.region, call.name, call.qualifier))


def list_functions(call: LambdaCall) -> tuple[int, Json | None]:
    known = call.account.lambdas.all(call.region)
    return 200, {"Functions": [_configuration(call, item) for item in known]}


def list_versions_by_function(call: LambdaCall) -> tuple[int, Json | None]:
    known = call.account.lambdas.versions(call.region, call.name)
    start = int(marker) if (marker := call.parameters.get("Marker", "0")).isdigit() else 0
    size = int(most) if (most := call.parameters.get("MaxItems", "50")).isdigit() else 50
    shown = {"Versions": [_configuration(call, item) for item in known[start : start + size]]}
    return 200, shown | ({"NextMarker": str(start + size)} if start + size < len(known) else {})


def delete_function(call: LambdaCall) -> tuple[int, Json | None]:
    lambdas = call.account.lambdas
    going = [lambdas.get(call.region, call.name, call.qualifier)]
    for version in going if call.qualifier else lambdas.versions(call.region, call.name):
        if call.account.distributions.uses(version.arn):
            raise ServiceProblem(
                "InvalidParameterValueException",
                f"Lambda was unable to delete {version.arn} because it is a replicated function. Please see our "
                "documentation for Deleting Lambda@Edge Functions and Replicas.",
            )
    lambdas.delete(call.region, call.name, call.qualifier)
    return 204, None


OPERATIONS = (
    Operation("CreateFunction", "POST", "", create_function),
    Operation("ListFunctions", "GET", "", list_functions),
    Operation("GetFunction", "GET", "/{Name}", get_function),
    Operation("DeleteFunction", "DELETE", "/{Name}", delete_function),
    Operation("UpdateFunctionCode", "PUT", "/{Name}/code", update_function_code),
    Operation("GetFunctionConfiguration", "GET", "/{Name}/configuration", get_function_configuration),
    Operation("UpdateFunctionConfiguration", "PUT", "/{Name}/configuration", update_function_configuration),
    Operation("PublishVersion", "POST", "/{Name}/versions", publish_version),
    Operation("ListVersionsByFunction", "GET", "/{Name}/versions", list_versions_by_function),
)


def _zip_file(body: Json) -> str:
    code = body.get("Code")
    packed = code.get("ZipFile") if isinstance(code, dict) else None
    if not isinstance(packed, str) or not packed:
        raise ServiceProblem("InvalidParameterValueException", "The local Lambda takes code as ZipFile alone.")
    return packed


def _published_too(call: LambdaCall, version: LambdaVersion) -> Json:
    if call.body.get("Publish") is True:
        version = call.account.lambdas.publish(version.region, version.name)
    return _configuration(call, version)


def _configuration(call: LambdaCall, version: LambdaVersion) -> Json:
    account = call.account
    pending = account.clock.now() < version.modified_at + account.dice.faults.lambda_pending_seconds
    moment = datetime.fromtimestamp(version.modified_at, UTC)
    is_bare = version.version == "$LATEST" and not call.qualifier
    return {
        "Architectures": ["x86_64"],
        **version.settings,
        "Layers": [{"Arn": arn} for arn in version.settings.get("Layers", [])],
        "FunctionName": version.name,
        "FunctionArn": version.unqualified_arn if is_bare else version.arn,
        "Version": version.version,
        "CodeSha256": version.code_sha256,
        "CodeSize": version.code_bytes,
        "LastModified": moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
        "RevisionId": version.revision,
        "State": "Pending" if pending else "Active",
        "LastUpdateStatus": "InProgress" if pending else "Successful",
    }


def _error(problem: ServiceProblem) -> Response:
    kind = "Service" if problem.status >= 500 else "User"
    answer = _json(problem.status, {"Type": kind, "Message": problem.message, "message": problem.message})
    return Response(answer.status, answer.headers.with_("x-amzn-ErrorType", problem.code), answer.body)


def _json(status: int, body: Json | None) -> Response:
    headers = Headers((("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))))
    return Response(status, headers, b"" if body is None else json.dumps(body).encode())
