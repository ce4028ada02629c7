"""A name's address is asked for once, judged, and held to."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from perfctl.cdn.addresses import Pins, is_public
from perfctl.cdn.connecting import Session, Target
from perfctl.cdn.viewer import Viewer
from perfctl.errors import RefusedError, UnreachableError

NAME = "www.example.com"
VIEWER = Viewer("https://d111.cloudfront.net", ("d111.cloudfront.net", NAME), is_edge_given=False, timeout_seconds=2)


class Resolver:
    """Says another thing each time, as a name that is rebound does."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


@pytest.mark.parametrize("address", ["18.66.1.2", "2600:9000:2000::1", "8.8.8.8"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.88.99.1"),
        *("::1", "::", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:18.66.1.2", "::127.0.0.1", "2002:7f00:1::", "2002:1242:102::1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:7f00:1::"),
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", ""),
    ],
)
def test_an_address_of_another_kind_is_none(address: str) -> None:
    assert not is_public(address)


def test_a_name_is_asked_for_once_and_what_it_becomes_later_is_not_heard() -> None:
    resolver = Resolver(["18.66.1.2"], ["127.0.0.1"])
    pins = Pins(resolver)
    assert pins.of(NAME, 443, public_only=True) == pins.of(NAME, 443, public_only=True) == ("18.66.1.2",)
    assert resolver.asked == [NAME]


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["18.66.1.2", "169.254.169.254"], ["::ffff:10.0.0.1"], ["nonsense"]])
def test_a_name_with_an_address_that_is_not_public_is_refused(answer: list[str]) -> None:
    with pytest.raises(RefusedError, match="not a public one"):
        Pins(Resolver(answer)).of(NAME, 443, public_only=True)


def test_a_name_without_an_address_is_unreachable() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(UnreachableError, match="no address"):
        Pins(unknown).of(NAME, 443, public_only=False)
    with pytest.raises(UnreachableError, match="no address"):
        Pins(Resolver([])).of(NAME, 443, public_only=False)


def test_a_distribution_s_name_that_leads_inwards_is_not_spoken_to() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    viewer = Viewer(VIEWER.edge_url, VIEWER.names, is_edge_given=False, pins=Pins(lambda *_: ["127.0.0.1"]))
    for url in ("/", f"https://{NAME}/", f"http://{NAME}/"):
        with pytest.raises(RefusedError):
            asyncio.run(viewer.look(url))
    with listening, pytest.raises(BlockingIOError):
        listening.accept()


def test_the_edge_that_was_configured_may_be_anywhere() -> None:
    target = Viewer("http://127.0.0.1:8080", (NAME,), stands_in=True).target(f"https://{NAME}/a")
    assert not target.is_public
    assert VIEWER.target("/a").is_public
    assert VIEWER.target(f"https://{NAME}/a").is_public


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For www.example.com, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure_port(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server of TLS whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who hangs up is no news
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_tls_is_checked_for_the_name_whatever_the_address(secure_port: int) -> None:
    session = Session(Pins(lambda *_: ["127.0.0.1"]), 5)
    got = session.get(Target("https", NAME, secure_port, None, "/"), {}, keep_bytes=100)
    session.close()
    assert got.kept == f"{NAME}:{secure_port}".encode()
    with pytest.raises(UnreachableError, match="TLS"):
        session.get(Target("https", "other.example.com", secure_port, None, "/"), {})


def test_an_address_that_does_not_answer_gives_way_to_the_next(secure_port: int) -> None:
    session = Session(Pins(lambda *_: ["127.0.0.2", "127.0.0.1"]), 5)
    assert session.get(Target("https", NAME, secure_port, None, "/"), {}).status == 200
    session.close()


def test_an_edge_location_is_spoken_to_in_the_name_that_is_asked_for() -> None:
    target = VIEWER.at("FRA56-P3").target(f"https://{NAME}/a")
    assert (target.host, target.host_header, target.path) == ("d111.FRA56-P3.cloudfront.net", NAME, "/a")
    assert target.connects_to == ("https", "d111.FRA56-P3.cloudfront.net", 443, NAME)
    assert target.url == f"https://{NAME}/a"
