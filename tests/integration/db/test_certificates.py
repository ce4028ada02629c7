"""A server that wants our certificate, and one whose authority we do not know: Debian's PostgreSQL, with TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.errors import AuthError, ConfigError, PerfctlError
from perfctl.sandbox.place import give, server_uid
from tests.postgres_server import PostgresServer, postgres_server

pytestmark = [pytest.mark.servers, pytest.mark.debian]

HBA = """
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 trust
hostnossl all postgres 127.0.0.1/32 trust
"""


class Authority:
    """Signs certificates, and writes them as files."""

    def __init__(self, folder: Path, name: str) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = self.sign(name, self)[0]

    def sign(self, name: str, by: Authority | None = None) -> tuple[Path, Path]:
        """The files of a certificate for a name, and of its key."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1()) if by is None else self.key
        builder = x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(self.name))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=by is self, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        certificate, secret = self.folder / f"{self.name}-{name}.crt", self.folder / f"{self.name}-{name}.key"
        certificate.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        kind, cipher = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, cipher))
        secret.chmod(0o600)
        return certificate, secret


class Tls:
    """A running server with TLS, its authority, and another one."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.server = server
        self.ours, self.other = Authority(folder, "ours"), Authority(folder, "other")
        certificate, key = self.ours.sign("localhost")
        for name, file in (("server.crt", certificate), ("server.key", key), ("clients.crt", self.ours.file)):
            place = server.data / name
            place.write_bytes(file.read_bytes())
            place.chmod(0o600)
            give(place, server_uid())
        settings = {"ssl": "on", "ssl_cert_file": "'server.crt'", "ssl_key_file": "'server.key'"}
        server.sql("CREATE ROLE certified LOGIN")
        server.configure({**settings, "ssl_ca_file": "'clients.crt'"}, hba=HBA)
        server.restart()

    def config(self, **fields: object) -> DatabaseConfig:
        """How perfctl reaches it by its name."""
        return self.server.config(host="localhost", **fields)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    """The server of this module."""
    with postgres_server(tmp_path_factory.mktemp("tls"), 15) as server:
        yield Tls(tmp_path_factory.mktemp("certificates"), server)


def asked(config: DatabaseConfig) -> str:
    async def ask() -> str:
        async with DatabaseOptimizer(config) as database:
            rows = await database.execute_optimized_query(
                "SELECT coalesce(client_dn, version) AS said FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
            return str(rows[0]["said"])

    return asyncio.run(ask())


def test_our_certificate_opens_a_role_that_wants_one(tls: Tls) -> None:
    certificate, key = tls.ours.sign("certified")
    config = tls.config(
        username="certified",
        sslmode="verify-full",
        sslrootcert=str(tls.ours.file),
        sslcert=str(certificate),
        sslkey=str(key),
    )
    assert asked(config) == "/CN=certified"


def test_without_our_certificate_or_with_anothers_the_role_stays_closed(tls: Tls) -> None:
    certificate, key = tls.ours.sign("somebody")
    for fields in ({}, {"sslcert": str(certificate), "sslkey": str(key)}):
        with pytest.raises(AuthError):
            asked(tls.config(username="certified", sslmode="require", **fields))


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_a_server_of_another_authority_is_not_talked_to(tls: Tls, sslmode: str) -> None:
    with pytest.raises(AuthError, match="certificate is not trusted"):
        asked(tls.config(sslmode=sslmode, sslrootcert=str(tls.other.file)))


def test_a_key_that_does_not_belong_to_the_certificate_is_an_error_of_ours(tls: Tls) -> None:
    certificate, _ = tls.ours.sign("certified")
    _, key = tls.ours.sign("somebody")
    with pytest.raises(PerfctlError) as caught:
        asked(tls.config(sslmode="require", sslcert=str(certificate), sslkey=str(key)))
    assert caught.value.exit_code == 4


def test_allow_talks_in_the_clear_where_the_server_lets_it_and_files_are_checked(tls: Tls) -> None:
    assert asked(tls.config(sslmode="prefer")) == "TLSv1.3"
    with pytest.raises(ConfigError, match="there is no file"):
        asked(tls.config(sslmode="require", sslkey="/nowhere/client.key"))
