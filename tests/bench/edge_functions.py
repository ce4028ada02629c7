"""What a call of an edge function costs here: each shipped CloudFront Function, and Lambda@Edge's way to its worker.

A call goes from the event as a dict to the result as a dict, through the worker's process; functions are called in
turn, fifty calls each, and the median is told. Lambda@Edge is measured by a function that does nothing, against a
process a call, which is what a runner without a worker does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping

from perfctl.cdn.edge.events import request_event, response_event
from perfctl.cdn.edge.model import EdgeFunction, EdgeRequest, EdgeResponse, Event
from perfctl.cdn.edge.naming import find_function, shipped_names
from perfctl.cdn.edge.running import Runner, open_runner
from tests.bench.measure import Figure

ROUNDS = int(os.environ.get("PERFCTL_BENCH_ROUNDS", "30"))
CALLS = 50
"""In a row, of one function in a round."""
SPAWNS = 5

REQUEST = EdgeRequest(
    uri="/img/a.jpg",
    querystring="utm_source=mail&w=640&id=7",
    headers=(
        ("Host", "www.example.com"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0"),
        ("Accept", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Cookie", "theme=dark; _ga=GA1.2"),
    ),
)
RESPONSE = EdgeResponse(headers=(("Content-Type", "text/html"), ("Cache-Control", "max-age=60"), ("ETag", '"a"')))
NOTHING = {
    "python": b"def lambda_handler(event, context): return event['Records'][0]['cf']['request']",
    "nodejs": b"exports.handler = async (event) => event.Records[0].cf.request",
}
_SPAWNED = "const e = JSON.parse(require('fs').readFileSync(0)); console.log(JSON.stringify(e.Records[0].cf.request))"


def run() -> list[Figure]:
    """The slowest shipped CloudFront Function, and what the way to a Lambda@Edge worker costs."""
    shipped = [find_function(name) for name in shipped_names()]
    of_cloudfront = {one.name: one for one in shipped if not one.is_lambda}
    of_lambda = {
        runtime: EdgeFunction(runtime, runtime, "origin-request", source)
        for runtime, source in NOTHING.items()
        if runtime == "python" or shutil.which("node")
    }
    took = asyncio.run(_medians({**of_cloudfront, **of_lambda}))
    slowest = max(of_cloudfront, key=lambda name: took[name])
    each = ", ".join(f"{name} {took[name]:.0f}" for name in of_cloudfront)
    figures = [Figure("a call of a CloudFront Function", took[slowest], "us", 150, f"the slowest shipped one: {each}")]
    figures += [Figure(f"the way to Lambda@Edge, {name}", took[name] / 1000, "ms", 1, "warm") for name in of_lambda]
    if "nodejs" in of_lambda:
        spawned = _spawned_ms()
        figures.append(Figure("a node process a call", spawned, "ms", note="what a runner without a worker does"))
        figures.append(Figure("the worker against that", took["nodejs"] / 1000 / spawned, "x", 0.1))
    return figures


async def _medians(functions: Mapping[str, EdgeFunction]) -> dict[str, float]:
    """Microseconds a call, the functions in turn."""
    runners = {name: await open_runner(function) for name, function in functions.items()}
    events = {name: _event(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, runner in runners.items():
            times[name] += [await _timed(runner, events[name]) for _ in range(CALLS)]
    for runner in runners.values():
        await runner.close()
    return {name: statistics.median(values) for name, values in times.items()}


async def _timed(runner: Runner, event: Event) -> float:
    started = time.perf_counter()
    await runner.call(event)
    return (time.perf_counter() - started) * 1e6


def _event(function: EdgeFunction) -> Event:
    if function.is_for_requests:
        return request_event(function, REQUEST)
    return response_event(function, REQUEST, RESPONSE)


def _spawned_ms() -> float:
    event = json.dumps(_event(EdgeFunction("nodejs", "nodejs", "origin-request", b""))).encode()
    times = []
    for _ in range(SPAWNS):
        started = time.perf_counter()
        subprocess.run(["node", "-e", _SPAWNED], input=event, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)
