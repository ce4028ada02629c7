"""Each change is told once, in order, and waits where it cannot be told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from perfctl.errors import UnreachableError
from perfctl.metrics.alerts.engine import AlertEngine, moments_since
from perfctl.metrics.alerts.model import Notice
from perfctl.metrics.alerts.sinks import Sink
from perfctl.metrics.alerts.sinks.file import FileSink
from perfctl.metrics.alerts.sinks.webhook import WebhookSink
from perfctl.metrics.alerts.store import Store
from perfctl.metrics.budgets import Budgets, budgets_of
from tests.unit.metrics.alerts.replays import BEGAN, STEP, Memory, frame_of

ERRORS = budgets_of('checks: [{expr: "http.error_ratio < 0.1", for: 30s, name: errors}]', "budgets.yaml")


class Receiver:
    """A web server that remembers what was posted, and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[Any] = []


@contextmanager
def receiver() -> Iterator[tuple[Receiver, str]]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if kept.status == 200:
                kept.bodies.append(body)
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Application:
    """Fails or not, ten seconds after ten seconds; a new engine each time, as a cron job has."""

    def __init__(self, folder: Path, *sinks: Sink, budgets: Budgets = ERRORS) -> None:
        self.now, self.memory, self.file = BEGAN, Memory(), folder / "alerts.sqlite"
        self.sinks, self.budgets = sinks, budgets

    def run(self, seconds: float, *, bad: int | None) -> str:
        """The state of the first alert after so long; None: nothing is measured."""
        state = ""
        for _ in range(int(seconds / STEP)):
            self.now += STEP
            if bad is not None:
                self.memory.kept.append(frame_of(self.now, good=200 - bad, bad=bad))
            engine = AlertEngine(self.budgets, self.memory, self.sinks, self.file, context="prod")
            state = next((alert.state for alert in engine.evaluate_here(self.now)), "")
        return state


def test_broken_for_as_long_as_for_says_it_fires_and_well_for_two_minutes_it_is_over(tmp_path: Path) -> None:
    app = Application(tmp_path)
    states = [app.run(120, bad=0), app.run(20, bad=100), app.run(40, bad=100), app.run(120, bad=0), app.run(120, bad=0)]
    assert states == ["inactive", "pending", "firing", "firing", "resolved"]


def test_where_nothing_is_measured_it_stays_as_it_was(tmp_path: Path) -> None:
    app = Application(tmp_path)
    app.run(120, bad=100)
    assert app.run(1200, bad=None) == "firing"
    assert not AlertEngine(ERRORS, app.memory, (), app.file).alerts().rows[0].has_data


def test_what_is_watched_no_more_is_over(tmp_path: Path) -> None:
    lines = tmp_path / "alerts.jsonl"
    app = Application(tmp_path, FileSink(lines))
    app.run(120, bad=100)
    app.budgets = Budgets()
    app.run(20, bad=100)
    told = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(each["status"], each["severity"]) for each in told] == [("firing", "page"), ("resolved", "page")]


def test_a_webhook_gets_what_an_alertmanager_sends_its_receivers(tmp_path: Path) -> None:
    with receiver() as (kept, url):
        app = Application(tmp_path, WebhookSink(f"{url}/hook"))
        app.run(60, bad=100)
        app.run(300, bad=0)
    assert [body["status"] for body in kept.bodies] == ["firing", "resolved"]
    first, last = (body["alerts"][0] for body in kept.bodies)
    assert (kept.bodies[0]["version"], first["endsAt"]) == ("4", "0001-01-01T00:00:00Z")
    assert (first["fingerprint"], first["startsAt"]) == (last["fingerprint"], last["startsAt"])
    assert first["labels"] == {"alertname": "errors", "severity": "page", "context": "prod", "source": "perfctl"}


def test_an_alertmanager_is_told_again_each_minute_while_it_fires(tmp_path: Path) -> None:
    with receiver() as (kept, url):
        app = Application(tmp_path, WebhookSink(f"{url}/api/v2/alerts"))
        app.run(240, bad=100)
        app.run(300, bad=0)
    alerts = [alert for body in kept.bodies for alert in body]
    assert len(alerts) >= 5
    assert "endsAt" not in alerts[0]
    assert alerts[-1]["endsAt"] <= "2027-01-15T08:10"
    assert len({json.dumps(alert["labels"]) for alert in alerts}) == 1


def test_what_a_webhook_that_is_down_missed_it_gets_later_in_order_and_once(tmp_path: Path) -> None:
    with receiver() as (kept, url):
        kept.status = 503
        app = Application(tmp_path, WebhookSink(url))
        app.run(40, bad=100)
        state = AlertEngine(ERRORS, app.memory, app.sinks, app.file).alerts().sinks[0]
        assert (state.waiting, state.retry_at is not None) == (1, True)
        kept.status = 200
        app.run(600, bad=0)
    assert [body["status"] for body in kept.bodies] == ["firing", "resolved"]


def test_what_a_webhook_refuses_for_good_keeps_nothing_else_back(tmp_path: Path) -> None:
    with receiver() as (kept, url):
        kept.status = 422
        app = Application(tmp_path, WebhookSink(url))
        app.run(60, bad=100)
        kept.status = 200
        app.run(300, bad=0)
        state = AlertEngine(ERRORS, app.memory, app.sinks, app.file).alerts().sinks[0]
    assert [body["status"] for body in kept.bodies] == ["resolved"]
    assert (state.waiting, state.refused) == (0, 1)


def test_many_who_evaluate_at_once_tell_each_change_once(tmp_path: Path) -> None:
    lines = tmp_path / "alerts.jsonl"
    app = Application(tmp_path, FileSink(lines))
    app.run(10, bad=100)
    app.memory.kept += [frame_of(app.now + STEP * number, good=100, bad=100) for number in range(1, 7)]
    engines = [AlertEngine(ERRORS, app.memory, app.sinks, app.file) for _ in range(6)]
    threads = [threading.Thread(target=engine.evaluate_here, args=(app.now + 60,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines.read_text().splitlines()) == 1


def test_a_line_that_was_written_before_a_crash_is_not_written_again(tmp_path: Path) -> None:
    lines = tmp_path / "alerts.jsonl"
    app = Application(tmp_path, FileSink(lines))
    app.run(60, bad=100)
    told = json.loads(lines.read_text())
    with Store(app.file).writing() as sheet:
        fields = {name: told[name] for name in ("id", "status", "name", "severity", "budget", "context", "observed")}
        sheet.tell("file", [Notice(**fields, limit=0.1, unit="ratio", reason="", starts_at=BEGAN)])
    app.run(10, bad=100)
    assert len(lines.read_text().splitlines()) == 1
    with Store(app.file).reading() as sheet:
        assert sheet.sink("file").waiting == 0


@pytest.mark.parametrize(
    ("first", "then"),
    [(b"HTTP/1.1 200 OK\r\nX: ", b"a"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"HTTP/1.1 200 OK\r\n\r\n", b"a")],
)
def test_a_webhook_that_answers_a_byte_at_a_time_is_left(first: bytes, then: bytes) -> None:
    is_over = threading.Event()

    def answer(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        with caller, suppress(OSError):
            caller.recv(65_536)
            caller.sendall(first)
            while not is_over.wait(0.02):
                caller.sendall(then)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer, args=(listening,), daemon=True)
        answering.start()
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="takes too long"):
            WebhookSink(f"http://127.0.0.1:{listening.getsockname()[1]}/", limit_seconds=0.2).tell(_NOTICE)
        assert time.monotonic() - started < 30
        is_over.set()
        answering.join(10)


_NOTICE = Notice(
    id="1",
    status="firing",
    name="errors",
    severity="page",
    budget="",
    context="default",
    observed=1.0,
    limit=0.1,
    unit="ratio",
    reason="",
    starts_at=BEGAN,
    ends_at=None,
)


def test_a_clock_that_was_set_back_stops_no_alert() -> None:
    assert moments_since(BEGAN + 1500, BEGAN) == [(BEGAN, 0.0)]
    assert moments_since(BEGAN + 5, BEGAN) == []
