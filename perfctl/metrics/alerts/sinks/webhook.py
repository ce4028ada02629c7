"""Alerts over HTTP: to an Alertmanager as its clients send them, to anything else as an Alertmanager sends them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from perfctl.config.secret import redacted
from perfctl.errors import ConfigError, ServiceError, UnreachableError
from perfctl.metrics.alerts.model import Notice

LIMIT_SECONDS = 5.0
_API = "/api/v2/alerts"
_NO_END = "0001-01-01T00:00:00Z"
_WHERE = "metrics.alert_webhook"
_REFUSALS = (400, 413, 415, 422)
"""What will be answered to the same body every time; any other failure may pass."""


class WebhookSink:
    """Posts a change a request. A URL that ends in /api/v2/alerts is an Alertmanager: it gets its clients' list
    of alerts, and again each minute what still fires, as it forgets what it does not hear of. Any other URL gets
    what an Alertmanager's webhook receiver sends (version 4), once a change.
    """

    name: ClassVar[str] = "webhook"

    def __init__(self, url: str, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ConfigError("the webhook of alerts is no http:// or https:// URL", hint="correct it", where=_WHERE)
        self._limit_seconds = limit_seconds
        self.renews = self._url.path.rstrip("/").endswith(_API)

    def tell(self, notice: Notice) -> None:
        """UnreachableError where it may be tried again, ServiceError where it will never be taken."""
        self._post([_as_client(notice)] if self.renews else _as_receiver(notice), notice.id)

    def renew(self, notices: Sequence[Notice], until: float) -> None:
        """What fires still does, and is over then unless it is renewed before."""
        self._post([{**_as_client(notice), "endsAt": _moment(until)} for notice in notices], None)

    def _post(self, body: Any, key: str | None) -> None:
        status, said = self._answer(json.dumps(body).encode(), key)
        if 200 <= status < 300:
            return
        message = f"the webhook of alerts at {self._place} answered {status}{said}"
        if status in _REFUSALS:
            raise ServiceError(message, hint="does it take Alertmanager's form?", where=_WHERE)
        raise UnreachableError(message, hint="alerts wait, and are sent when it takes them", where=_WHERE)

    def _answer(self, body: bytes, key: str | None) -> tuple[int, str]:
        connection = self._connection()
        headers = {"Content-Type": "application/json", "User-Agent": "perfctl"}
        if key is not None:
            headers["Idempotency-Key"] = key
        is_over = threading.Event()
        try:
            connection.connect()
            with _cut_after(self._limit_seconds, connection.sock, is_over):
                connection.request("POST", self._target, body, headers | self._login())
                answer = connection.getresponse()
                said = answer.read(200).decode(errors="replace").strip().partition("\n")[0]
            if is_over.is_set():
                raise TimeoutError
            return answer.status, f": {redacted(said)}" if said else ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(
                f"the webhook of alerts at {self._place} does not answer:"
                f" {_reason(TimeoutError() if is_over.is_set() else error)}",
                hint="alerts wait, and are sent when it does",
                where=_WHERE,
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=self._limit_seconds)

    def _login(self) -> dict[str, str]:
        from base64 import b64encode
        from urllib.parse import unquote

        if self._url.username is None:
            return {}
        pair = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    @property
    def _target(self) -> str:
        return (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")

    @property
    def _place(self) -> str:
        """Host and port alone: a path may be a secret."""
        port = f":{self._url.port}" if self._url.port else ""
        return f"{self._url.scheme}://{self._url.hostname}{port}"


@contextmanager
def _cut_after(seconds: float, connected: socket.socket, is_over: threading.Event) -> Iterator[None]:
    """End the connection then: its own time-out begins anew with each byte, and a server may send one a second."""

    def cut() -> None:
        is_over.set()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _labels(notice: Notice) -> dict[str, str]:
    """What tells this alert from others; the same when it fires and when it is over."""
    return {"alertname": notice.name, "severity": notice.severity, "context": notice.context, "source": "perfctl"}


def _annotations(notice: Notice) -> dict[str, str]:
    observed = "" if notice.observed is None else f"{notice.observed:.6g}"
    said = {"summary": f"{notice.name}: {notice.reason}", "budget": notice.budget, "observed": observed}
    return {name: text for name, text in said.items() if text}


def _as_client(notice: Notice) -> dict[str, Any]:
    """An element of what is posted to /api/v2/alerts: without an end it fires until the server's own time-out."""
    made = {"labels": _labels(notice), "annotations": _annotations(notice), "startsAt": _moment(notice.starts_at)}
    return made if notice.ends_at is None else {**made, "endsAt": _moment(notice.ends_at)}


def _as_receiver(notice: Notice) -> dict[str, Any]:
    """What an Alertmanager posts to its receivers, a group of one."""
    labels, annotations = _labels(notice), _annotations(notice)
    alert = {
        "status": notice.status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _moment(notice.starts_at),
        "endsAt": _NO_END if notice.ends_at is None else _moment(notice.ends_at),
        "generatorURL": "",
        "fingerprint": _fingerprint(labels),
    }
    group = {"alertname": notice.name}
    return {
        "version": "4",
        "groupKey": "{}:{" + f"alertname={json.dumps(notice.name)}, context={json.dumps(notice.context)}" + "}",
        "truncatedAlerts": 0,
        "status": notice.status,
        "receiver": "perfctl",
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [alert],
    }


def _fingerprint(labels: dict[str, str]) -> str:
    """Sixteen digits of the labels alone: the same for every change of one alert."""
    import hashlib

    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
