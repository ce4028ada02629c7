"""Whatever comes in over the wire is answered or refused; it never is a 500, a crash or a hang."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import socket
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from perfctl.sandbox.edge.control import OPERATIONS
from tests.integration.edge.process import DISTRIBUTION, KEY, EdgeProcess, ask

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

SAMPLE = 4_000 if os.environ.get("PERFCTL_SOAK") else 250
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/cloudfront/aws4_request"}
EMPTY_PACKAGE = base64.b64encode(b"PK\x05\x06" + bytes(18)).decode()


def send(port: int, text: bytes, *, half_close: bool = True) -> bytes:
    """Send bytes as they are and read until the other side ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(text)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        pieces = []
        try:
            while piece := connection.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            pass
    return b"".join(pieces)


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)]


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"

MALFORMED: dict[str, tuple[bytes, int]] = {
    "no words": (b"\r\n" * 4, 400),
    "one word": (b"GET\r\n\r\n", 400),
    "another protocol": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    "no protocol": (b"GET /\r\n\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "target without slash": (b"GET etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: b\r\n\r\n", 400),
    "folded field": (GET + b"X-A: 1\r\n 2\r\n\r\n", 400),
    "field without name": (GET + b": 1\r\n\r\n", 400),
    "space before colon": (GET + b"X-A : 1\r\n\r\n", 400),
    "null in field": (GET + b"X-A: a\x00b\r\n\r\n", 400),
    "length and chunks": (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "negative length": (GET + b"Content-Length: -1\r\n\r\n", 400),
    "length in words": (GET + b"Content-Length: ten\r\n\r\n", 400),
    "length in other digits": (GET + "Content-Length: ²\r\n\r\n".encode(), 400),
    "too much body": (GET + b"Content-Length: 99999999999\r\n\r\n", 413),
    "unknown coding": (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    "bad chunk": (GET + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    "chunk of the wrong size": (GET + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "endless head": (GET + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "long target": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
}


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("role", ["control_port", "edge_port", "origin_port"])
def test_what_is_no_request_is_refused_and_the_connection_ends(edge: EdgeProcess, what: str, role: str) -> None:
    text, status = MALFORMED[what]
    assert statuses(send(getattr(edge, role), text)) == [status]


def test_a_request_that_stops_half_way_is_dropped(edge: EdgeProcess) -> None:
    halves = [b"GET / HT", GET, GET + b"Content-Length: 10\r\n\r\nabc", b""]
    assert [send(edge.edge_port, half) for half in halves] == [b""] * 4


def test_several_requests_in_one_write_are_answered_in_order(edge: EdgeProcess) -> None:
    text = (
        b"GET /status/404 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"
        b"GET /img/1.jpg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert statuses(send(edge.edge_port, text)) == [404, 404, 200]


def test_an_old_client_without_host_is_answered_and_the_connection_ends(edge: EdgeProcess) -> None:
    assert statuses(send(edge.edge_port, b"GET /img/1.jpg HTTP/1.0\r\n\r\n", half_close=False)) == [200]


def test_an_upload_may_wait_for_its_hundred(edge: EdgeProcess) -> None:
    fields = b"Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    text = b"POST /api/x HTTP/1.1\r\nHost: localhost\r\n" + fields
    assert statuses(send(edge.edge_port, text)) == [100, 404]


def test_empty_lines_before_a_request_are_skipped(edge: EdgeProcess) -> None:
    assert statuses(send(edge.edge_port, b"\r\n\r\n" + GET + b"Connection: close\r\n\r\n")) == [200]


def test_a_url_beyond_the_limit_is_a_414(edge: EdgeProcess) -> None:
    assert edge.get("/" + "a" * 9_000).status == 414


@pytest.mark.parametrize(
    "target", [b"/%", b"/%zz", b"/\xc3\xa9", b"/..//..", b"/?%00&&=", b"http://x/img/1.jpg", b"//"]
)
def test_an_odd_target_is_answered(edge: EdgeProcess, target: bytes) -> None:
    text = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert statuses(send(edge.edge_port, text))[0] in (200, 404)


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + b"".join(
    b'<!ENTITY b%d "%s">' % (at, b"&b%d;" % (at - 1) * 10 if at else b"&b;") for at in range(9)
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"{}",
        b"\xff\xfe",
        b"<a/>",
        b"<InvalidationBatch/>",
        b"<InvalidationBatch><Paths><Quantity>x</Quantity></Paths></InvalidationBatch>",
        b"<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path/></Items></Paths></InvalidationBatch>",
        b"<a>" * 100_000,
        BOMB + b"]><a>&b8;</a>",
        b"<DistributionConfig><Enabled>maybe</Enabled></DistributionConfig>",
    ],
)
def test_a_body_that_means_nothing_is_a_400_for_every_operation(edge: EdgeProcess, body: bytes) -> None:
    for operation in OPERATIONS:
        if operation.method in ("POST", "PUT") and operation.name not in ("TestFunction", "PublishFunction"):
            path = re.sub(r"{\w+}", DISTRIBUTION, operation.path)
            query = f"?{operation.query}" if operation.query else ""
            resource = f"&Resource=arn:aws:cloudfront::000000000000:distribution/{DISTRIBUTION}" if query else ""
            reply = ask(edge.control_port, operation.method, f"/2020-05-31{path}{query}{resource}", SIGNED, body)
            assert 400 <= reply.status < 500 or operation.name.endswith(("Resource", "Subscription")), operation.name
            assert reply.status < 500


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2020-05-31/nothing"),
        ("PATCH", "/2020-05-31/distribution"),
        ("GET", "/2020-05-31/distribution/%00%FF%2F.."),
        ("GET", "/2020-05-31/distribution?Marker=nobody"),
        ("GET", "/2020-05-31/distribution?MaxItems=-1"),
        ("GET", "/2020-05-31/distribution?MaxItems=%C2%B2"),
        ("GET", "/2020-05-31/" + "a/" * 2_000),
        ("POST", "/2020-05-31/tagging?Operation=Tag&Resource=%0D%0AX:%20y"),
        ("GET", "/_perfctl/nothing"),
        ("POST", "/"),
    ],
)
def test_an_unknown_call_is_a_client_s_error(edge: EdgeProcess, method: str, path: str) -> None:
    assert 400 <= ask(edge.control_port, method, path, SIGNED, b"<a/>").status < 500


@pytest.mark.parametrize("body", [b"[]", b"{", b"[" * 100_000, b'{"throttle": NaN}', b'{"seed": 1e999}', b"\xff"])
def test_the_reserved_paths_take_json_objects(edge: EdgeProcess, body: bytes) -> None:
    assert ask(edge.control_port, "POST", "/_perfctl/faults", {}, body).status == 400


def test_paths_as_long_as_allowed_are_taken_by_the_thousand(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    items = [f"/{number:05d}" + "é%/".replace("é", "%C3%A9") + "x" * 2_000 for number in range(2_000)]
    made = cloudfront.create_invalidation(
        DistributionId=DISTRIBUTION,
        InvalidationBatch={"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": "long"},
    )
    assert made["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] == items


def test_many_clients_that_say_nothing_leave_room_for_one_that_does(edge: EdgeProcess) -> None:
    silent = [socket.create_connection(("127.0.0.1", edge.edge_port)) for _ in range(200)]
    try:
        assert edge.get("/img/1.jpg").status == 200
    finally:
        for connection in silent:
            connection.close()


def _mutations(dice: random.Random) -> Callable[[bytes], bytes]:
    def cut(text: bytes) -> bytes:
        at = dice.randrange(len(text))
        return text[:at]

    def flip(text: bytes) -> bytes:
        at = dice.randrange(len(text))
        return text[:at] + bytes([dice.randrange(256)]) + text[at + 1 :]

    def repeat(text: bytes) -> bytes:
        at = dice.randrange(len(text))
        return text[:at] + text[at : at + 20] * dice.randrange(1, 50) + text[at:]

    def insert(text: bytes) -> bytes:
        at = dice.randrange(len(text))
        odd = [b"\r\n", b"\x00", b":", b"%", b"\xf0\x9f\x92\xa9", string.printable.encode(), b"<!DOCTYPE a>", b"*"]
        return text[:at] + dice.choice(odd) + text[at:]

    return dice.choice([cut, flip, repeat, insert])


def test_mutated_requests_are_answered_or_refused_by_all_three(edge: EdgeProcess) -> None:
    dice = random.Random(20260101)
    body = (
        b"<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/a</Path></Items></Paths>"
        b"<CallerReference>r</CallerReference></InvalidationBatch>"
    )
    head = "\r\n".join(f"{name}: {value}" for name, value in SIGNED.items()).encode()
    seeds = {
        edge.control_port: b"POST /2020-05-31/distribution/%s/invalidation HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (DISTRIBUTION.encode(), head, len(body), body),
        edge.edge_port: b"GET /api/stocks/AAPL?x=1&y HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br;q=1, gzip\r\n"
        b'Cookie: a=b; c\r\nRange: bytes=0-5\r\nIf-None-Match: "a"\r\nConnection: close\r\n\r\n',
        edge.origin_port: b"GET /img/1.jpg HTTP/1.1\r\nHost: localhost\r\n"
        b"If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: close\r\n\r\n",
    }
    texts = []
    for _ in range(SAMPLE):
        port = dice.choice(list(seeds))
        text = seeds[port]
        for _ in range(dice.randrange(1, 5)):
            text = _mutations(dice)(text) or b"x"
        texts.append((port, text))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda item: statuses(send(*item)), texts))
    wrong = [(text, found) for (_, text), found in zip(texts, answers, strict=True) if {500, 501} & set(found)]
    assert wrong == []
    assert edge.get("/img/1.jpg").status == 200
    assert edge.process.poll() is None


LAMBDA_PATHS = (
    *("", "/", "/f1", "/f1/code", "/f1/versions", "/f1/configuration", "/%F0/x", "/f1/code/x", f"/{'a' * 200}"),
    *("/f1?Qualifier=$LATEST", "/f1/versions?Marker=-1&MaxItems=0", f"/f1/versions?Marker={'9' * 30}"),
)
LAMBDA_VALUES: tuple[object, ...] = (
    *(None, 1, "", [], {}, True, -1, "é", [1], "a" * 300),
    *({"Variables": 5}, {"ZipFile": "!!"}, {"ZipFile": 7}, {"ZipFile": EMPTY_PACKAGE}),
)
LAMBDA_FIELDS = (
    *("FunctionName", "Runtime", "Role", "Handler", "Code", "Publish"),
    *("Timeout", "MemorySize", "Environment", "Layers", "ZipFile", "Architectures"),
)


def test_whatever_lambda_is_asked_is_answered_or_refused(edge: EdgeProcess) -> None:
    dice = random.Random(7)
    good = {"Runtime": "nodejs20.x", "Role": "r", "Handler": "a.b", "Code": {"ZipFile": EMPTY_PACKAGE}}
    signed = {"Authorization": SIGNED["Authorization"].replace("/cloudfront/", "/lambda/")}
    for _ in range(SAMPLE):
        body = {name: dice.choice(LAMBDA_VALUES) for name in dice.sample(LAMBDA_FIELDS, dice.randrange(8))}
        body |= {"FunctionName": f"f{dice.randrange(4)}", **good} if dice.random() < 0.5 else {}
        text = json.dumps(body).encode() if dice.random() < 0.9 else dice.choice((b"[", b"[]", b"\xff"))
        method, path = dice.choice(("GET", "POST", "PUT", "DELETE")), dice.choice(LAMBDA_PATHS)
        assert ask(edge.control_port, method, f"/2015-03-31/functions{path}", signed, text).status < 500, (path, text)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/sandbox-logs", "/sandbox-logs/", "/sandbox-logs?location", f"/sandbox-logs/{'%ff' * 50}"),
        *("/sandbox-logs?list-type=2&max-keys=0", f"/sandbox-logs?max-keys={'9' * 30}"),
        *("/sandbox-logs?prefix=%00%ff&delimiter=%2F", "/sandbox-logs/%2e%2e/state/edge.sqlite3"),
    ],
)
def test_whatever_the_bucket_is_asked_is_answered_or_refused(edge: EdgeProcess, path: str) -> None:
    signed = {"Authorization": SIGNED["Authorization"].replace("/cloudfront/", "/s3/")}
    for method in ("GET", "HEAD", "PUT"):
        reply = ask(edge.control_port, method, path, signed)
        assert reply.status < 500
        assert b"SQLite" not in reply.body
