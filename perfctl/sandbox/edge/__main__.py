"""The local CloudFront as one process: control plane, edge and sample origin, each on its port of 127.0.0.1.

    python -m perfctl.sandbox.edge --control-port N --edge-port N --origin-port N --state-dir DIR --log-dir DIR
        --distribution-id ID --access-key K [--completion-seconds 2] [--completion-up-to-seconds S]
        [--region us-east-1] [--log-seconds 10] [--log-forms v1,v2-json,v2-w3c] [--latency none|world]
        [--regional-caches]

It prints nothing and is ready when `GET http://127.0.0.1:CONTROL/_perfctl/ready` answers 200: the control port
listens last. SIGTERM and SIGINT end it within a second with exit code 0; SIGKILL loses at most `--log-seconds` of
access log. The state folder keeps distributions, invalidations, policies and functions over a restart.

boto3 needs `endpoint_url="http://127.0.0.1:CONTROL"`, for `cloudfront`, `lambda`, `sts`, `logs` (deliveries of access
logs), `s3` (to read them) and `cloudwatch` alike, or in the environment:

    AWS_ENDPOINT_URL=http://127.0.0.1:CONTROL
    AWS_ACCESS_KEY_ID=K  AWS_SECRET_ACCESS_KEY=anything  AWS_REGION=us-east-1
    PERFCTL_EDGE_URL=http://127.0.0.1:EDGE

The access key's id is checked (AccessDenied, for STS InvalidClientTokenId), the signature is not. At the edge a Host
of 127.0.0.1 or localhost means `--distribution-id`; any other Host must be a distribution's domain name or alias.
The reserved paths for tests (faults, clock, logs, network, invalidations, cache, cost) are listed in `admin.py`, the
pages of the sample origin in `origin.py`, the operations in `control.py` and `lambda_api.py`.

What a request meets, in this order: the behaviour of its path, the viewer protocol policy (HTTPS is what says
`X-Forwarded-Proto: https`), viewer-request, the cache key, the caches, origin-request, the origin or an origin group's
second, origin-response, compression, custom error pages, the response headers policy, viewer-response. CloudFront
Functions run in QuickJS (extra `edge`), Lambda@Edge in workers of Node or Python; what fails in them is a 502 or 503
with the reason in its body. Edge locations (`X-Perfctl-Pop: FRA`, or `ID.FRA.cloudfront.net` as host) have caches of
their own, behind them regional caches (`--regional-caches`) and the Origin Shields that origins name; `--latency
world` makes the distances between them take time. An invalidation takes effect in all of them after a fifth of its
time (`--completion-seconds`, or anything up to `--completion-up-to-seconds`) and is reported `Completed` at its end.

Not here: HTTPS and HTTP/2, signed URLs, geo restriction, WAF, key value stores, real-time logs, and an object above
64 MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from perfctl.sandbox.edge.access_forms import FORMS
from perfctl.sandbox.edge.access_log import AccessLog
from perfctl.sandbox.edge.account import Account, open_account
from perfctl.sandbox.edge.admin import Admin
from perfctl.sandbox.edge.bucket import Bucket
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.cloudwatch import CloudWatch
from perfctl.sandbox.edge.control import ControlPlane
from perfctl.sandbox.edge.deliveries import Deliveries
from perfctl.sandbox.edge.edge import Edge, NetworkSettings
from perfctl.sandbox.edge.http import MAX_CONNECTIONS, HttpServer
from perfctl.sandbox.edge.invalidations import Delay
from perfctl.sandbox.edge.lambda_api import LambdaApi
from perfctl.sandbox.edge.origin import SampleOrigin
from perfctl.sandbox.edge.places import Distances, home_of
from perfctl.sandbox.edge.sample import ensure_sample
from perfctl.sandbox.edge.store import Store

MAX_PACKAGE_BYTES = 72 * 1024 * 1024
"""A zip file of 50 MiB, in base64 in JSON."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the process is started with."""

    control_port: int
    edge_port: int
    origin_port: int
    state_dir: Path
    log_dir: Path
    distribution_id: str
    access_key: str
    completion_seconds: float
    completion_up_to_seconds: float
    region: str
    log_seconds: float
    log_forms: tuple[str, ...]
    latency: str
    regional_caches: bool


def main(words: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 1 and a line on stderr when a port is taken or a folder cannot be written."""
    try:
        asyncio.run(serve(read_options(words)))
    except OSError as error:
        sys.stderr.write(f"perfctl.sandbox.edge: {error}\n")
        return 1
    return 0


def read_options(words: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m perfctl.sandbox.edge", description="A local CloudFront.")
    for name in ("control-port", "edge-port", "origin-port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("state-dir", "log-dir"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("distribution-id", "access-key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--completion-seconds", type=float, default=2.0)
    parser.add_argument("--completion-up-to-seconds", type=float, default=0.0)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--log-seconds", type=float, default=10.0)
    parser.add_argument("--log-forms", type=_log_forms, default=("v1",))
    parser.add_argument("--latency", choices=("none", "world"), default="none")
    parser.add_argument("--regional-caches", action="store_true")
    return Options(**vars(parser.parse_args(words)))


def _log_forms(text: str) -> tuple[str, ...]:
    forms = tuple(part for part in text.split(",") if part)
    if unknown := [form for form in forms if form not in FORMS]:
        raise argparse.ArgumentTypeError(f"unknown form {unknown[0]!r}; known are {', '.join(FORMS)}")
    return forms


async def serve(options: Options, *, clock: Clock | None = None) -> None:
    """Start the three servers, the control port last; on the signal end them and write what is left of the log."""
    _allow_connections()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = clock or Clock()
    for folder in (options.state_dir, options.log_dir):
        folder.mkdir(parents=True, exist_ok=True)
    store, log = Store(options.state_dir / "edge.sqlite3"), AccessLog(options.log_dir, options.log_forms)
    account = open_account(store, clock, access_key=options.access_key, completion_seconds=options.completion_seconds)
    account.invalidations.set_delay(Delay(options.completion_seconds, options.completion_up_to_seconds))
    try:
        await _serve_account(options, account, log, stop)
    finally:
        log.flush()
        store.close()


async def _serve_account(options: Options, account: Account, log: AccessLog, stop: asyncio.Event) -> None:
    edge = Edge(account, default_id=options.distribution_id, home=home_of(options.region))
    edge.settings = NetworkSettings(Distances(world=options.latency == "world"), options.regional_caches)
    watch = CloudWatch(account)
    edge.observers += (log.add, watch.observe)
    deliveries = Deliveries(account)
    log.deliveries = deliveries.forms
    bucket = Bucket(account, options.log_dir, log.flush, deliveries.buckets)
    beside = (watch, LambdaApi(account), deliveries, bucket)
    control = ControlPlane(account, Admin(account, edge, log), beside)
    servers = {
        options.origin_port: HttpServer(SampleOrigin(account.clock).handle, name="origin"),
        options.edge_port: HttpServer(edge.handle, name="edge"),
        options.control_port: HttpServer(control.handle, name="control", body_bytes=MAX_PACKAGE_BYTES),
    }
    ensure_sample(account.distributions, options.distribution_id, options.origin_port)
    try:
        for port, server in servers.items():
            await server.start(port)
        await _flush_until(stop, log, options.log_seconds)
    finally:
        for server in servers.values():
            await server.close()
        await edge.close()


async def _flush_until(stop: asyncio.Event, log: AccessLog, every_seconds: float) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_seconds)
        log.flush()


def _allow_connections() -> None:
    """Raise the soft limit of open files, so that the bound on connections is ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * MAX_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


if __name__ == "__main__":
    sys.exit(main())
