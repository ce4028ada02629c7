"""What services of AWS that speak JSON have in common: an object in, an object out."""

from __future__ import annotations

import json
import uuid
from typing import Any

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.problems import ServiceProblem

Json = dict[str, Any]


def body_of(request: Request, refusal: ServiceProblem) -> Json:
    """The object that a request holds, an empty one where it holds nothing; `refusal` is raised for anything else."""
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise refusal
    return body


def json_reply(status: int, body: Json, *, version: str) -> Response:
    """An object as a service answers it that speaks this version of the protocol: `1.0` or `1.1`."""
    content_type = f"application/x-amz-json-{version}"
    headers = Headers((("Content-Type", content_type), ("x-amzn-RequestId", str(uuid.uuid4()))))
    return Response(status, headers, json.dumps(body).encode())
