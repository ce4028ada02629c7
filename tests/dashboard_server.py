"""The dashboard on a real server in this process, with parts that a test sets: no Redis, no PostgreSQL."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from perfctl.api.app import application
from perfctl.api.snapshot import Part, Snapshot
from perfctl.cache.model.shared import NamespaceStats, SharedStats
from perfctl.cdn.model.invalidations import Invalidation, Invalidations
from perfctl.config.settings import ApiConfig, MetricsConfig, Settings
from perfctl.db.model.plans import Finding, PlanReport
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.plans.json_form import read_document
from perfctl.diagnosis import Check, diagnose
from perfctl.errors import PerfctlError
from perfctl.metrics.alerts.model import Alert, Alerts
from perfctl.metrics.history import History
from perfctl.metrics.model import PerformanceMetrics, snapshot_of
from perfctl.recording.registry import Registry

REFRESH_SECONDS = 0.2
HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>'\"&{{7*7}}" + "x" * 300
"""A text that would run if it were read as HTML, and that nothing breaks at the end of a line."""


def metrics(**figures: float) -> Any:
    """The ten figures; those that are not given were not measured."""
    names = ("api_response_time_ms", "requests_per_second", "error_rate", "database_query_time_ms", "cpu_usage_percent")
    missing = {name: f"no source of {name} {HOSTILE}" for name in names if name not in figures}
    return snapshot_of(PerformanceMetrics(**figures, unmeasured=missing, sources=dict.fromkeys(figures, "this test")))


def slow(*texts: str) -> SlowQueries:
    """Statements with these texts, the costliest first."""
    rows = tuple(
        SlowQuery(query=text, fingerprint=f"f{place}", calls=10, total_ms=100.0, mean_ms=10.0, share=0.5)
        for place, text in enumerate(texts)
    )
    return SlowQueries(
        rows=rows, total=len(rows), by="total", database="shop", source="pg_stat_statements", total_ms=100.0
    )


def answers() -> dict[str, Any]:
    """What each part answers at first."""
    namespace = NamespaceStats(HOSTILE, 10, 2048, 90, 10, 0.9, 60, 30, 10)
    alert = Alert("slow", "firing", "page", None, 0.3, 0.2, HOSTILE, HOSTILE)
    return {
        "metrics": metrics(cache_hit_rate=0.25),
        "health": diagnose(
            [Check("redis", "connect", "fail", HOSTILE, HOSTILE), Check("disk", "free", "pass", "much")]
        ),
        "alerts": Alerts(firing=1, pending=0, no_data=0, evaluated_at=None, rows=(alert,)),
        "cache": SharedStats((namespace,), 10, 2048, 90, 10, 0.9, None),
        "slow-queries": slow("SELECT * FROM orders WHERE user_id = $1", HOSTILE),
        "invalidations": Invalidations("E1", (Invalidation("E1", HOSTILE, "InProgress", "2026-01-01T00:00:00+00:00"),)),
    }


class _Database:
    """Plans every statement as a scan under a sort."""

    async def analyze_query_performance(self, sql: str, **options: object) -> PlanReport:
        assert options["run"] is False
        scan = {"Node Type": "Seq Scan", "Relation Name": HOSTILE, "Alias": "o", "Filter": "(user_id = $1)"}
        costs = {"Startup Cost": 0.0, "Total Cost": 9.5, "Plan Rows": 40, "Plan Width": 8}
        tree = {"Node Type": "Sort", "Sort Key": ["placed_at"], **costs, "Plans": [{**scan, **costs}]}
        finding = Finding("seq_scan", "warning", "Seq Scan on orders", HOSTILE, "no index fits", "CREATE INDEX ...")
        return replace(read_document([{"Plan": tree}], sql=sql, is_generic=True), findings=(finding,))


class _Optimizer:
    """What the routes under test ask of the engines."""

    database = _Database()

    async def close(self) -> None:
        """Nothing is open."""


class DashboardServer:
    """A server whose parts answer what stands in `answers`; an error there is raised."""

    def __init__(self, folder: Path, **api: Any) -> None:
        history = folder / "history.sqlite"
        _record(History(history))
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]
        self.answers = answers()
        self._settings = Settings(
            context="test",
            api=ApiConfig(port=self.port, refresh_seconds=REFRESH_SECONDS, requests_per_minute=0, **api),
            metrics=MetricsConfig(history_file=str(history)),
        )
        self.start()

    @property
    def url(self) -> str:
        """The page."""
        return f"http://127.0.0.1:{self.port}/performance/"

    def start(self) -> None:
        """Serve, and return when requests are answered."""
        app = application(self._settings, optimizer=_Optimizer())  # type: ignore[arg-type]
        parts = [Part(name, self._asking(name)) for name in self.answers]
        app.state.service.snapshot = Snapshot(parts, refresh_seconds=REFRESH_SECONDS)
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error")
        self._server = _Server(config, app.state.service)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Drain, and return when nothing is served any more."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "a feed that is open holds the server up"

    def _asking(self, name: str) -> Any:
        async def ask() -> object:
            answer = self.answers[name]
            if isinstance(answer, PerfctlError):
                raise answer
            return answer

        return ask


class _Server(uvicorn.Server):
    """Ends the feeds before it waits for replies, as `perfctl serve` does."""

    def __init__(self, config: uvicorn.Config, service: Any) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: Any = None) -> None:
        await self._service.snapshot.close()
        await super().shutdown(sockets)


@contextmanager
def dashboard_server(folder: Path, **api: Any) -> Iterator[DashboardServer]:
    """A running server, stopped at the end."""
    server = DashboardServer(folder, **api)
    try:
        yield server
    finally:
        server.stop()


def _record(history: History) -> None:
    """Half an hour of an application's requests, look-ups and queries."""
    registry, now = Registry(), time.time()
    for step in range(30):
        for place in range(20):
            seconds = 0.002 * (1 + place % 5)
            registry.histogram("http.request.duration", method="GET", route=HOSTILE, status="200").record(seconds)
            registry.histogram("db.query.duration", fingerprint="f0").record(seconds)
        registry.counter("cache.requests", namespace="api", tier="l1", result="hit").add(9)
        registry.counter("cache.requests", namespace="api", tier="none", result="miss").add(1)
        frame = registry.take()
        frame.at, frame.seconds = now - 60 * (29 - step), 60.0
        history.append(frame, source="app")
    history.close()
