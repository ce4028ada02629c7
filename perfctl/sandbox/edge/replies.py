"""What every call of the control plane has in common: who may ask, and how documents and errors are written."""

from __future__ import annotations

import re
import uuid
from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge import xml
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.problems import ServiceProblem

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256\s+.*?Credential=([^/,\s]+)/", re.DOTALL)


def check_caller(request: Request, access_key: str, *, unknown: str) -> None:
    """The access key id must be the sandbox's; the signature is not verified."""
    match = _CREDENTIAL.match(request.headers.get("authorization") or "")
    if match is None:
        raise ServiceProblem("MissingAuthenticationToken", "Request is missing Authentication Token")
    if match[1] != access_key:
        raise ServiceProblem(unknown, "The security token included in the request is invalid.")


def error_response(problem: ServiceProblem) -> Response:
    """The service's error document."""
    kind = "Receiver" if problem.status >= 500 else "Sender"
    error = xml.element("Error", children=xml.leaves(Type=kind, Code=problem.code, Message=_plain(problem.message)))
    request_id = str(uuid.uuid4())
    root = xml.element("ErrorResponse", children=[error, *xml.leaves(RequestId=request_id)])
    return document_response(problem.status, root, (("x-amzn-RequestId", request_id),))


def document_response(status: int, root: Element, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An XML document."""
    return Response(status, Headers((("Content-Type", "text/xml"), *headers)), xml.document(root))


def _plain(message: str) -> str:
    """Text that XML can carry."""
    return "".join(letter if letter.isprintable() else "?" for letter in message)
