"""What CloudFront takes of what a function returns, trigger by trigger; for the rest the viewer gets a 502.

The rules are those of the developer guide: "Restrictions on edge functions", "CloudFront Functions event structure",
"Lambda@Edge event structure" and "Work with requests and responses".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfctl.cdn.edge.events import is_response
from perfctl.cdn.edge.model import EdgeFunction, EdgeFunctionError, Event


def check_result(function: EdgeFunction, event: Event, result: object) -> Event:
    """The result where CloudFront takes it, a body that it would cut cut.

    EdgeFunctionError says why it does not take it, and what it answers; `reasons` has every rule that is broken.
    """
    reasons = tuple(violations(function, event, result))
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise EdgeFunctionError(function, reasons[0] + more, fault="validation", reasons=reasons)
    assert isinstance(result, dict)  # noqa: S101 - otherwise there is a violation
    if function.is_lambda:
        from perfctl.cdn.edge.rules.lambda_results import cut

        return cut(function, result)
    return result


def violations(function: EdgeFunction, event: Event, result: Any) -> Iterator[str]:
    """Each rule that a result breaks, as a sentence."""
    wanted = "a request or a response" if function.is_for_requests else "a response"
    if result is None:
        yield f"the function returned nothing, where CloudFront wants {wanted}"
    elif not isinstance(result, dict):
        yield f"the function returned {_kind(result)}, where CloudFront wants {wanted}"
    elif "Records" in result or ("request" in result and "context" in result):
        yield f"the function returned the whole event, where CloudFront wants {wanted}"
    else:
        yield from _of_object(function, event, result)


def _of_object(function: EdgeFunction, event: Event, result: Event) -> Iterator[str]:
    if function.is_lambda:
        from perfctl.cdn.edge.rules import lambda_results as rules
    else:
        from perfctl.cdn.edge.rules import function_results as rules  # type: ignore[no-redef]
    status = "status" if function.is_lambda else "statusCode"
    if not is_response(function, result):
        yield from rules.of_request(function, event, result)
    elif status not in result and "uri" in result:
        yield f"the function returned a request: at {function.trigger} it returns the response"
    else:
        yield from rules.of_response(function, event, result)


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), type(value).__name__)
