"""The made-up answers as lines of access logs: v1 and v2 W3C with tabs, v2 as JSON objects.

Format: CloudFront developer guide, "Standard logging" (the legacy version, and version 2 with its output formats).
"""

from __future__ import annotations

import base64
import random as randoms
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from perfctl.cdn.generating.answers import RESULTS, Answers
from perfctl.cdn.generating.site import (
    ALIAS,
    HOST,
    KINDS,
    LOCATIONS,
    REFERERS,
    client_of,
    lone_query,
    path_of,
    shared_queries,
)
from perfctl.cdn.generating.traffic import CLIENTS, FIRST_LONE, METHODS, NO_QUERY, Traffic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Form = Literal["v1", "v2-json", "v2-w3c"]
FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
_PHRASES = {200: "", 301: "", 304: "", 404: "Error", 502: "OriginCommError", 503: "OriginConnectError"}


class Writer:
    """Writes any of the requests as lines. `begin` is the log's first second."""

    def __init__(self, traffic: Traffic, answers: Answers, *, begin: datetime, seed: int) -> None:
        self._traffic = traffic
        self._answers = answers
        self._begin = begin
        self._random = random = randoms.Random(seed)  # noqa: S311 - made-up traffic
        self._clients = [client_of(random) for _ in range(CLIENTS)]
        self._paths = [path_of(KINDS[kind], number, random) for number, kind in enumerate(traffic.kind_of_url.tolist())]
        self._shared = [shared_queries(kind) for kind in KINDS]

    def lines(self, rows: NDArray[np.int64], form: Form) -> bytes:
        """The text of a file with these requests, without compression."""
        if form == "v2-json":
            return "".join(_json_of(line) for line in self._tab_lines(rows)).encode()
        head = f"#Version: 1.0\n#Fields: {FIELDS}\n"
        return (head + "\n".join(self._tab_lines(rows)) + "\n").encode()

    def _tab_lines(self, rows: NDArray[np.int64]) -> Iterator[str]:
        """The fields of each request, with tabs between them."""
        traffic, answers = self._traffic, self._answers
        clients, paths = self._clients, self._paths
        ids, when = self._ids(len(rows)), self._moments(rows)
        columns = zip(
            when,
            ids,
            traffic.url[rows].tolist(),
            traffic.kind[rows].tolist(),
            self._queries(rows),
            traffic.location[rows].tolist(),
            traffic.client[rows].tolist(),
            traffic.method[rows].tolist(),
            answers.result[rows].tolist(),
            answers.status[rows].tolist(),
            answers.size_bytes[rows].tolist(),
            answers.took_ms[rows].tolist(),
            strict=True,
        )
        for moment, identity, url, number, query, location, viewer, method, result, status, size, took in columns:
            client, kind = clients[viewer], KINDS[number]
            told, seconds = RESULTS[result], f"{took / 1000:.3f}"
            scheme = "http" if status == 301 else "https"
            yield (
                f"{moment}\t{LOCATIONS[location][0]}\t{size}\t{client.address}\t{METHODS[method]}\t{HOST}\t{paths[url]}"
                f"\t{status}\t{REFERERS[(url + viewer) % 6]}\t{client.agent}\t{query}"
                f"\t{client.cookie if kind.has_cookies and viewer % 3 else '-'}\t{told}\t{identity}\t{ALIAS}\t{scheme}"
                f"\t{90 + viewer % 700}\t{seconds}\t-\t{client.tls}\t{told}\t{client.version}\t-\t-\t{1024 + viewer}"
                f"\t{seconds}\t{_PHRASES[status] or told}\t{kind.content_type}\t{max(size - 420, 0)}\t-\t-"
            )

    def _moments(self, rows: NDArray[np.int64]) -> Iterator[str]:
        """Date and time of each request, made once a second."""
        made: dict[int, str] = {}
        for second in (self._traffic.times_ms[rows] // 1000).tolist():
            text = made.get(second)
            if text is None:
                text = made[second] = (self._begin + timedelta(seconds=second)).strftime("%Y-%m-%d\t%H:%M:%S")
            yield text

    def _queries(self, rows: NDArray[np.int64]) -> Iterator[str]:
        kinds = self._traffic.kind[rows].tolist()
        for query, kind in zip(self._traffic.query[rows].tolist(), kinds, strict=True):
            if query == NO_QUERY:
                yield "-"
            elif query < FIRST_LONE:
                yield self._shared[kind][query]
            else:
                yield lone_query(KINDS[kind], self._random)

    def _ids(self, count: int) -> Iterator[str]:
        text = base64.urlsafe_b64encode(self._random.randbytes(count * 39)).decode()
        return (f"{text[at : at + 52]}{'Jw4='}" for at in range(0, count * 52, 52))


def _json_of(line: str) -> str:
    """Version 2's JSON: every value a string, the names those of the fields."""
    import msgspec

    return msgspec.json.encode(dict(zip(FIELDS.split(), line.split("\t"), strict=True))).decode() + "\n"


def hour_of(moment: datetime) -> str:
    """As it stands in a log file's name."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d-%H")
