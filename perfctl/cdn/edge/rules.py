"""What CloudFront takes of what a function returns, trigger by trigger; for the rest the viewer gets a 502."""

from __future__ import annotations

from perfctl.cdn.edge.model import EdgeFunction, EdgeFunctionError, Event


def check_result(function: EdgeFunction, event: Event, result: object) -> Event:
    """The result itself where CloudFront takes it. EdgeFunctionError says why it does not, and what it answers."""
    if not isinstance(result, dict):
        wanted = "a request or a response" if function.is_for_requests else "a response"
        raise EdgeFunctionError(
            function, f"the function returned {type(result).__name__}, not {wanted}", fault="validation"
        )
    return result
