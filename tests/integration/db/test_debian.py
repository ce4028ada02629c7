"""PostgreSQL 15 with TLS, as Debian builds it: another version's statistics, and every sslmode."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.statements import SlowQueries
from perfctl.diagnosis import Check
from perfctl.errors import AuthError, ConfigError, PerfctlError
from tests.integration.db.conftest import execute

pytestmark = [pytest.mark.servers, pytest.mark.debian]

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
shared_preload_libraries = 'pg_stat_statements'
fsync = off
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
"""


@dataclasses.dataclass(frozen=True)
class Debian:
    """A running server and the authority that signed its certificate."""

    config: DatabaseConfig
    authority: str


@pytest.fixture(scope="module")
def debian() -> Iterator[Debian]:
    """PostgreSQL 15 on a free port, its certificate for `localhost` alone."""
    if not (PROGRAMS / "pg_ctl").exists():
        pytest.skip("SKIPPED LOUDLY: postgresql-15 is not installed, so no other version and no TLS was tested")
    folder = Path(tempfile.mkdtemp(prefix="perfctl-pg15-"))
    try:
        data = folder / "data"
        data.mkdir()
        _give(folder, data)
        _run("initdb", "-D", str(data), "-U", "app", "-A", "trust", "--locale=C", "-E", "UTF8", "--no-sync")
        port = _free_port()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=port))
        authority = _certify(folder, data)
        _run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "start")
        try:
            config = DatabaseConfig(host="localhost", port=port, username="app", database="postgres")
            execute(config, "CREATE EXTENSION pg_stat_statements")
            yield Debian(config, authority)
        finally:
            _run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def test_slow_queries_of_another_version_have_the_same_fields(debian: Debian) -> None:
    async def asked() -> SlowQueries:
        async with DatabaseOptimizer(debian.config) as database:
            await database.execute_optimized_query("SELECT count(*) FROM pg_class WHERE relname <> %s", ("x",))
            return await database.slow_queries(limit=None)

    answer = asyncio.run(asked())
    (row,) = [row for row in answer.rows if "count" in row.query]
    assert row.query == "SELECT count(*) FROM pg_class WHERE relname <> $1"
    assert answer.since is not None
    assert row.io_ms is None


def test_a_plan_of_another_version_is_read(debian: Debian) -> None:
    report = asyncio.run(_analyzed(debian.config, "SELECT count(*) FROM pg_class"))
    assert (report.plan.node_type, report.plan.actual_rows) == ("Aggregate", 1)


@pytest.mark.parametrize("sql", ["SELECT * INTO copied FROM pg_class", "CREATE TABLE t (a int)", "SELECT 1; SELECT 2"])
def test_another_version_is_not_written_to_either(debian: Debian, sql: str) -> None:
    with pytest.raises(PerfctlError) as caught:
        asyncio.run(_analyzed(debian.config, sql))
    assert caught.value.exit_code == 7


def test_a_text_without_values_is_planned_by_another_version(debian: Debian) -> None:
    report = asyncio.run(_analyzed(debian.config, "SELECT * FROM pg_class WHERE oid = $1 LIMIT $2"))
    assert (report.is_generic, report.plan.children[0].relation) == (True, "pg_class")


@pytest.mark.parametrize(
    ("sslmode", "host", "trusts", "outcome"),
    [
        ("disable", "localhost", False, "not in use"),
        ("prefer", "localhost", False, "TLSv1.3"),
        ("require", "localhost", False, "TLSv1.3"),
        ("require", "localhost", True, "TLSv1.3"),
        ("verify-ca", "localhost", True, "TLSv1.3"),
        ("verify-ca", "127.0.0.1", True, "TLSv1.3"),
        ("verify-full", "localhost", True, "name and certificate verified"),
        ("verify-full", "127.0.0.1", True, AuthError),
        ("verify-full", "localhost", False, ConfigError),
    ],
)
def test_each_sslmode_does_what_libpq_says(
    debian: Debian, monkeypatch: pytest.MonkeyPatch, sslmode: str, host: str, trusts: bool, outcome: object
) -> None:
    monkeypatch.setenv("HOME", str(Path(debian.authority).parent / "nobody"))
    authority = debian.authority if trusts else None
    config = dataclasses.replace(debian.config, host=host, sslmode=sslmode, sslrootcert=authority)  # type: ignore[arg-type]
    if isinstance(outcome, str):
        assert outcome in _tls(config).observed
    else:
        with pytest.raises(outcome):  # type: ignore[call-overload]
            asyncio.run(DatabaseOptimizer(config).execute_optimized_query("SELECT 1"))


def test_a_dsn_may_say_the_sslmode_itself(debian: Debian) -> None:
    port, authority = debian.config.port, debian.authority
    dsn = f"postgresql://app@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={authority}"
    assert "verified" in _tls(DatabaseConfig(dsn=dsn)).observed


async def _analyzed(config: DatabaseConfig, sql: str) -> PlanReport:
    async with DatabaseOptimizer(config) as database:
        return await database.analyze_query_performance(sql)


def _tls(config: DatabaseConfig) -> Check:
    async def asked() -> Check:
        async with DatabaseOptimizer(config) as database:
            return next(check for check in (await database.doctor()).rows if check.check == "tls")

    return asyncio.run(asked())


def _run(program: str, *arguments: str) -> None:
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(
        [str(PROGRAMS / program), *arguments],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_nobody,  # type: ignore[call-overload]
    )


def _give(*paths: Path) -> None:
    """To the user that the server runs as: PostgreSQL refuses root."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certify(folder: Path, data: Path) -> str:
    """Write an authority and a certificate for `localhost`; the path of the authority's certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def signed(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(issuer))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "authority.crt").write_bytes(signed("authority", root, "authority", root))
    (data / "server.crt").write_bytes(signed("localhost", leaf, "authority", root))
    (data / "server.key").write_bytes(
        leaf.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (data / "server.key").chmod(0o600)
    _give(data / "server.crt", data / "server.key")
    return str(folder / "authority.crt")
