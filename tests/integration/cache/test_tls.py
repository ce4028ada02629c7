"""TLS on Debian's redis-server: what is trusted, and what is refused in words."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.address import Address, address_of
from perfctl.cache.store import Fetched, Store, Write
from perfctl.config import CacheConfig
from perfctl.errors import ConfigError, PerfctlError, UnreachableError

pytestmark = [
    pytest.mark.debian,
    pytest.mark.skipif(
        shutil.which("redis-server") is None,
        reason="SKIPPED LOUDLY: redis-server is not installed, so TLS was not tested: apt-get install redis-server",
    ),
]

PASSWORD = "tls-tests-own"


@dataclass(frozen=True)
class TlsServer:
    """A server that speaks TLS alone."""

    port: int
    ca: Path
    """Whom to trust to find it genuine."""
    other_ca: Path

    def config(self, host: str = "localhost", ca: Path | None = None, protocol: int = 2) -> CacheConfig:
        """How to reach it."""
        return CacheConfig(
            redis_url=f"rediss://{host}:{self.port}",
            redis_password=PASSWORD,
            tls_ca=str(ca or self.ca),
            protocol=protocol,
            timeout_seconds=5,
            patience_seconds=5,
        )


def _authority(folder: Path, name: str) -> tuple[Path, Any, Any]:
    """A certificate authority of its own: its certificate's file, its certificate, its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        _unsigned(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return file, made, key


def _unsigned(subject: Any, issuer: Any, public_key: Any) -> Any:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _certified(folder: Path, authority: Any, authority_key: Any) -> tuple[Path, Path]:
    """The server's certificate, for localhost and 127.0.0.1 alone, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        _unsigned(subject, authority.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate, private = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """The server, with clients' certificates off."""
    folder = tmp_path_factory.mktemp("tls")
    ca, authority, key = _authority(folder, "ca")
    other_ca, _, _ = _authority(folder, "other-ca")
    certificate, private = _certified(folder, authority, key)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "port": "0",
        "tls-port": str(port),
        "bind": "127.0.0.1 127.0.0.2",
        "requirepass": PASSWORD,
        "tls-cert-file": str(certificate),
        "tls-key-file": str(private),
        "tls-ca-cert-file": str(ca),
        "tls-auth-clients": "no",
        "dir": str(folder),
        "save": '""',
    }
    file = folder / "redis.conf"
    file.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    with _running(["redis-server", str(file)], port):
        yield TlsServer(port, ca, other_ca)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "redis-server ended: has it been built with TLS?"
                time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def answer_of(address: Address) -> Fetched | None:
    """What comes back of a blob that was put there."""
    from perfctl.cache.redis import RedisStore

    async def ask() -> Fetched | None:
        store: Store = RedisStore(address)
        try:
            await store.set(Write(b"tls:a", b"x" * 100_000, None))
            await store.fetch(b"tls:a")
            return await store.get(b"tls:a")
        finally:
            await store.close()

    return asyncio.run(ask())


def refusal_of(address: Address) -> PerfctlError:
    """What is raised instead."""
    with pytest.raises(PerfctlError) as failure:
        answer_of(address)
    return failure.value


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_certificate_that_is_trusted_lets_us_in(server: TlsServer, host: str, protocol: int) -> None:
    assert answer_of(address_of(server.config(host, protocol=protocol))) == Fetched(b"x" * 100_000, None)


def test_another_authority_is_refused(server: TlsServer) -> None:
    error = refusal_of(address_of(server.config(ca=server.other_ca)))
    assert type(error) is UnreachableError
    assert "certificate verify failed" in error.message.lower()


def test_the_systems_authorities_do_not_know_it(server: TlsServer) -> None:
    error = refusal_of(replace(address_of(server.config()), tls_ca=None))
    assert "certificate verify failed" in error.message.lower()


def test_a_certificate_for_another_host_is_refused(server: TlsServer) -> None:
    error = refusal_of(address_of(server.config("127.0.0.2")))
    assert type(error) is UnreachableError
    assert "certificate is not valid for '127.0.0.2'" in error.message
    assert "tls_ca" in (error.hint or "")


def test_without_tls_the_server_is_not_understood(server: TlsServer) -> None:
    error = refusal_of(replace(address_of(server.config()), tls=False, tls_ca=None))
    assert isinstance(error, UnreachableError)


def test_a_file_of_authorities_that_is_missing_is_named(server: TlsServer, tmp_path: Path) -> None:
    error = refusal_of(replace(address_of(server.config()), tls_ca=str(tmp_path / "none.pem")))
    assert type(error) is ConfigError
    assert "none.pem" in error.message


def test_the_connection_survives_a_closed_event_loop_without_a_warning(server: TlsServer) -> None:
    from perfctl.cache.redis import RedisStore

    store = RedisStore(address_of(server.config()))

    async def ask() -> bytes | None:
        await store.put(Write(b"tls:b", b"1", None))
        return await store.fetch(b"tls:b")

    assert [asyncio.run(ask()) for _ in range(3)] == [b"1"] * 3
    asyncio.run(store.close())


def test_the_whole_cache_works_over_tls(server: TlsServer) -> None:
    from perfctl.cache.engine import AdvancedCache

    async def ask() -> object:
        async with AdvancedCache(server.config()) as cache:
            await cache.set("k", {"a": 1})
            cache.local.empty()
            return await cache.get("k")

    assert asyncio.run(ask()) == {"a": 1}
