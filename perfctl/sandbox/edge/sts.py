"""STS, as far as perfctl asks it: who is calling."""

from __future__ import annotations

import re
import uuid
from urllib.parse import parse_qs

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.identity import ACCOUNT
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller, error_response

_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{account}:user/sandbox</Arn>
    <UserId>{user}</UserId>
    <Account>{account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>
"""


def is_asked(request: Request) -> bool:
    """STS takes its calls as forms at the root; those that name a target there are for another service."""
    return request.method == "POST" and request.path == "/" and "x-amz-target" not in request.headers


def handle(request: Request, account: Account) -> Response:
    """GetCallerIdentity; any other action is an error."""
    try:
        form = parse_qs(request.body.decode("latin-1"), max_num_fields=50)
        action = form.get("Action", [""])[0]
        if action != "GetCallerIdentity":
            raise ServiceProblem("UnknownOperationException", f"The local STS does not know {action[:80]!r}.")
        check_caller(request, account.access_key, unknown="InvalidClientTokenId")
        account.dice.strike(f"sts:{action}", changes=False)
    except ServiceProblem as problem:
        return error_response(problem)
    except ValueError:
        return error_response(ServiceProblem("InvalidArgument", "The form has too many fields."))
    user = re.sub(r"[^A-Za-z0-9]", "", account.access_key)
    text = _IDENTITY.format(account=ACCOUNT, user=user, request=uuid.uuid4())
    return Response(200, Headers((("Content-Type", "text/xml"),)), text.encode())
