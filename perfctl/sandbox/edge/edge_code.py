"""Edge functions at their triggers: each is opened on its first call, and its errors become the viewer's answer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfctl.cdn.delivery.behaviours import Association, Origin
from perfctl.cdn.delivery.headers import Headers
from perfctl.errors import PerfctlError
from perfctl.sandbox.edge.fetch import Ask, OriginAnswer, OriginError
from perfctl.sandbox.edge.functions import Functions
from perfctl.sandbox.edge.header_text import as_text, on_wire
from perfctl.sandbox.edge.http import Response, reason_phrase
from perfctl.sandbox.edge.lambdas import Lambdas
from perfctl.sandbox.edge.origin_events import changed_origin, origin_event
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.visit import Visit

if TYPE_CHECKING:
    from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeRequest, EdgeResponse, Event, EventContext
    from perfctl.cdn.edge.running import Runner

LINES_KEPT = 200
MOST_OPEN = 16
"""So many functions are kept ready; those that were not called for longest end: each version has a process."""


class FunctionError(OriginError):
    """A function failed: the viewer gets `status` and the reason, and nothing is kept."""

    is_kept = False


@dataclass(frozen=True, slots=True)
class Generated:
    """A response that a function made in place of what it was asked about."""

    response: Response
    result: str


class EdgeCode:
    """Runs the functions that behaviours name; `figures` tells how often, and what they printed."""

    def __init__(self, functions: Functions, lambdas: Lambdas) -> None:
        self._functions = functions
        self._lambdas = lambdas
        self._open: dict[tuple[str, str], _Opened] = {}
        self._calls: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)

    async def at_viewer_request(self, visit: Visit) -> Visit | Generated:
        """The visit with the request as it goes on, or the response that the function gave."""
        association = visit.behaviour.function_at("viewer-request")
        if association is None:
            return visit
        from perfctl.cdn.edge.model import EdgeRequest

        request = visit.request
        asked = _edge_request(request.method, request.path, request.query, request.headers, visit)
        asked = replace(asked, body=request.body if association.includes_body else None)
        result = await self._request_result(association, visit, asked)
        if not isinstance(result, EdgeRequest):
            return Generated(_response(result), _generated(association))
        goes_on = replace(
            request, path=result.uri, query=result.querystring, headers=on_wire(result.headers, request.headers)
        )
        if association.includes_body and result.body is not None:
            goes_on = replace(goes_on, body=result.body)
        return replace(visit, request=goes_on, path=result.uri)

    async def at_origin_request(self, visit: Visit, origin: Origin, ask: Ask) -> tuple[Origin, Ask] | OriginAnswer:
        """The origin and the request as they go on, or the answer that the function gave in the origin's place."""
        association = visit.behaviour.function_at("origin-request")
        if association is None:
            return origin, ask
        from perfctl.cdn.edge.model import EdgeRequest

        asked = _edge_request(ask.method, ask.path, ask.query, ask.headers, visit)
        body = ask.body if association.includes_body else None
        asked = replace(asked, origin=origin_event(origin), body=body)
        result = await self._request_result(association, visit, asked)
        if not isinstance(result, EdgeRequest):
            made = _response(result)
            return OriginAnswer(made.status, made.headers, made.body, len(made.body), made_by=_generated(association))
        goes_on = replace(ask, path=result.uri, query=result.querystring, headers=on_wire(result.headers, ask.headers))
        if association.includes_body and result.body is not None:
            goes_on = replace(goes_on, body=result.body)
        return changed_origin(origin, result.origin), goes_on

    async def at_origin_response(self, visit: Visit, ask: Ask, answer: OriginAnswer) -> OriginAnswer:
        """The answer as it is kept and goes on."""
        association = visit.behaviour.function_at("origin-response")
        if association is None or answer.made_by is not None:
            return answer
        asked = _edge_request(ask.method, ask.path, ask.query, ask.headers, visit)
        result = await self._response_result(association, visit, asked, answer.status, answer.headers)
        length = answer.length if result.body is None else len(result.body)
        body = answer.body if result.body is None else result.body
        headers = on_wire(result.headers, answer.headers)
        return replace(answer, status=result.status, headers=headers, body=body, length=length)

    async def at_viewer_response(self, visit: Visit, response: Response) -> Response:
        """The response as the viewer gets it; not asked for errors, as CloudFront does not."""
        association = visit.behaviour.function_at("viewer-response")
        if association is None or response.status >= 400:
            return response
        request = visit.request
        asked = _edge_request(request.method, request.path, request.query, request.headers, visit)
        result = await self._response_result(association, visit, asked, response.status, response.headers)
        changed = replace(response, status=result.status, headers=on_wire(result.headers, response.headers))
        return changed if result.body is None else replace(changed, body=result.body)

    async def tested(self, function: EdgeFunction, event: Event) -> Called:
        """One call with an event of the asker's own; EdgeFunctionError as CloudFront would fail."""
        from perfctl.cdn.edge.rules import check_result
        from perfctl.cdn.edge.running import open_runner

        runner = await open_runner(function)
        try:
            called = await runner.call(event)
        finally:
            await runner.close()
        check_result(function, event, called.result)
        return called

    def figures(self) -> dict[str, object]:
        """Calls and failures by function, and the last lines that functions printed."""
        return {"calls": dict(self._calls), "errors": dict(self._errors), "lines": list(self._lines)}

    async def close(self) -> None:
        """End every worker."""
        opened, self._open = self._open, {}
        for one in opened.values():
            await one.close()

    # -- one call -----------------------------------------------------------------------------------------------

    async def _request_result(
        self, association: Association, visit: Visit, asked: EdgeRequest
    ) -> EdgeRequest | EdgeResponse:
        from perfctl.cdn.edge.events import read_result, request_event

        function = self._function(association)
        event = request_event(function, asked, _context(visit))
        return read_result(function, event, await self._result(association, function, event), asked)

    async def _response_result(
        self, association: Association, visit: Visit, asked: EdgeRequest, status: int, headers: Headers
    ) -> EdgeResponse:
        from perfctl.cdn.edge.events import read_result, response_event
        from perfctl.cdn.edge.model import EdgeResponse

        function = self._function(association)
        shown = EdgeResponse(status, reason_phrase(status), as_text(headers))
        event = response_event(function, asked, shown, _context(visit))
        result = read_result(function, event, await self._result(association, function, event), asked, shown)
        assert isinstance(result, EdgeResponse)  # noqa: S101 - `check_result` lets nothing else pass here
        return result

    async def _result(self, association: Association, function: EdgeFunction, event: Event) -> Event:
        """What the function returned, checked; FunctionError with CloudFront's status and the real reason."""
        from perfctl.cdn.edge.model import EdgeFunctionError
        from perfctl.cdn.edge.rules import check_result

        self._calls[function.name] += 1
        try:
            called = await (await self._opened(association, function)).call(event)
            self._lines.extend(f"{function.name}: {line}" for line in called.logs)
            checked: Event = check_result(function, event, called.result)
        except EdgeFunctionError as error:
            self._errors[function.name] += 1
            self._lines.extend(f"{function.name}: {line}" for line in error.logs)
            raise FunctionError(error.status, error.result_type, error.message) from error
        except PerfctlError as error:  # no Node, no QuickJS: as if the function could not be started
            self._errors[function.name] += 1
            kind = "LambdaExecutionError" if association.is_lambda else "FunctionExecutionError"
            raise FunctionError(503, kind, f"{function.name}: {error.message}") from error
        return checked

    async def _opened(self, association: Association, function: EdgeFunction) -> _Opened:
        key = (association.arn, association.trigger)
        known = self._open.pop(key, None)
        if known is not None and known.function == function:
            self._open[key] = known  # the one that was called last is the last
            return known
        version = self._lambdas.by_arn(association.arn)
        limit_ms = None if version is None else 1000.0 * float(version.settings.get("Timeout", 3))
        made = self._open[key] = _Opened(function, limit_ms)
        if known is not None:
            await known.retire()
        while len(self._open) > MOST_OPEN:
            await self._open.pop(next(iter(self._open))).retire()
        return made

    def _function(self, association: Association) -> EdgeFunction:
        """The function as it is now: the LIVE stage, or the version with its number."""
        return self._lambda(association) if association.is_lambda else self._small(association)

    def _small(self, association: Association) -> EdgeFunction:
        name = association.arn.rpartition("/")[2]
        try:
            return small_function(self._functions, name, "LIVE", association.trigger)
        except ServiceProblem as problem:
            raise FunctionError(503, "FunctionExecutionError", problem.message) from problem

    def _lambda(self, association: Association) -> EdgeFunction:
        from perfctl.cdn.edge.model import EdgeFunction

        version = self._lambdas.by_arn(association.arn)
        if version is None:
            raise FunctionError(503, "LambdaExecutionError", f"{association.arn} does not exist any more")
        runtime = "python" if str(version.settings["Runtime"]).startswith("python") else "nodejs"
        return EdgeFunction(
            name=version.name,
            runtime=runtime,  # type: ignore[arg-type]
            trigger=association.trigger,  # type: ignore[arg-type]
            source=self._lambdas.folder_of(version),
            handler=str(version.settings["Handler"]),
            memory_mb=int(version.settings.get("MemorySize", 128)),
        )


class _Opened:
    """A function with its runner, which is opened by the first call."""

    def __init__(self, function: EdgeFunction, limit_ms: float | None) -> None:
        self.function = function
        self._limit_ms = limit_ms
        self._opening = asyncio.Lock()
        self._runner: Runner | None = None
        self._calls = 0
        self._is_retired = False

    async def call(self, event: Event) -> Called:
        self._calls += 1
        try:
            return await (await self._opened()).call(event)
        finally:
            self._calls -= 1
            if self._is_retired:
                await self.retire()

    async def retire(self) -> None:
        """Another version took its place: end the runner, after the calls that it is at."""
        self._is_retired = True
        if self._runner is not None and not self._calls:
            runner, self._runner = self._runner, None
            await runner.close()

    async def close(self) -> None:
        """End the runner at once."""
        self._calls = 0
        await self.retire()

    async def _opened(self) -> Runner:
        from perfctl.cdn.edge.running import open_runner

        async with self._opening:
            if self._runner is None:
                self._runner = await open_runner(self.function, time_limit_ms=self._limit_ms)
            return self._runner


def small_function(functions: Functions, name: str, stage: str, trigger: str) -> EdgeFunction:
    """A CloudFront Function in one stage; ServiceProblem where it does not exist."""
    from perfctl.cdn.edge.model import EdgeFunction

    version = functions.get(name, stage)
    runtime = version.config_element.findtext("Runtime")
    return EdgeFunction(name, runtime, trigger, version.code)  # type: ignore[arg-type]


def _edge_request(method: str, uri: str, query: str, headers: Headers, visit: Visit) -> EdgeRequest:
    from perfctl.cdn.edge.model import EdgeRequest

    return EdgeRequest(method, uri, query, as_text(headers), visit.request.client[0])


def _context(visit: Visit) -> EventContext:
    from perfctl.cdn.edge.model import EventContext

    return EventContext(visit.delivery.hosts[0], visit.delivery.distribution_id, visit.request_id)


def _response(made: EdgeResponse) -> Response:
    return Response(made.status, on_wire(made.headers, Headers()), made.body or b"")


def _generated(association: Association) -> str:
    return "LambdaGeneratedResponse" if association.is_lambda else "FunctionGeneratedResponse"
