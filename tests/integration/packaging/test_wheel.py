"""The wheel in an empty environment outside the clone: what a user installs works without the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UV = Path(sys.executable).with_name("uv")

pytestmark = [
    pytest.mark.skipif(not UV.exists(), reason="uv is not in this environment: make venv puts it there"),
    pytest.mark.xdist_group("packaging"),
    pytest.mark.timeout(300),
]


class Installed:
    """perfctl in a virtual environment of its own, with an empty HOME."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        client = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
        self.environment = {
            **client,
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
            "VIRTUAL_ENV": str(self.venv),
        }
        (folder / "home").mkdir()
        self.uv("venv", "--python", sys.executable, str(self.venv))

    def uv(self, *words: str) -> None:
        """Run uv; what it said is in the failure."""
        done = subprocess.run(
            [UV, "--quiet", *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def perfctl(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the installed console script, with some variables changed."""
        command: Sequence[str | Path] = [self.venv / "bin" / "perfctl", *words]
        return subprocess.run(
            command,
            env=self.environment | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what belongs to it, so that the clone stays clean."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "perfctl", source / "perfctl", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [UV, "build", "--quiet", "--wheel", "--out-dir", source / "dist", source], check=True, env=os.environ
    )
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """perfctl without extras."""
    installed = Installed(tmp_path_factory.mktemp("base"))
    installed.uv("pip", "install", "--compile-bytecode", str(wheel))
    return installed


def test_the_wheel_writes_a_configuration_that_it_accepts(base: Installed) -> None:
    assert base.perfctl("config", "init").returncode == 0
    validated = base.perfctl("config", "validate")
    assert (validated.returncode, validated.stderr) == (0, "")


def test_the_wheel_says_that_nothing_is_configured_and_all_is_well(base: Installed) -> None:
    health = base.perfctl("health", "-o", "json")
    assert health.returncode == 0, health.stderr
    assert json.loads(health.stdout)["data"]["status"] in ("pass", "warn")


def test_a_missing_extra_is_one_line_that_names_it(base: Installed) -> None:
    up = base.perfctl("sandbox", "up", PATH=str(base.venv / "bin"))  # a server of the system's would do
    assert up.returncode == 2
    assert up.stderr.count("error:") == 1
    assert "'sandbox'" in up.stderr
    assert "perfctl[sandbox]" in up.stderr


def test_the_wheel_holds_its_types_its_queries_and_its_licence(wheel: Path) -> None:
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    assert "perfctl/py.typed" in names
    assert any(name.endswith(".sql") for name in names)
    assert any(name.endswith("LICENSE") for name in names)
    assert {"index.html", "dashboard.js", "uplot/uPlot.iife.min.js", "uplot/LICENSE"} <= {
        name.removeprefix("perfctl/api/dashboard/static/") for name in names
    }
    assert not any(name.startswith(("tests/", "docs/")) for name in names)


@pytest.mark.servers
def test_the_wheel_with_its_extra_starts_a_sandbox(wheel: Path, tmp_path: Path) -> None:
    installed = Installed(tmp_path)
    installed.uv("pip", "install", "--compile-bytecode", f"{wheel}[sandbox]")
    try:
        up = installed.perfctl("sandbox", "up", "--no-seed")
        assert up.returncode == 0, up.stderr
        assert installed.perfctl("-c", "sandbox", "health").returncode == 0
    finally:
        assert installed.perfctl("sandbox", "down").returncode == 0


@pytest.mark.newest
@pytest.mark.soak
@pytest.mark.xfail(reason="Typer's newest release is outside of our range; this tells when it would do", strict=False)
def test_the_newest_typer_would_do(wheel: Path, tmp_path: Path) -> None:
    installed = Installed(tmp_path)
    installed.uv("pip", "install", "--compile-bytecode", str(wheel))
    installed.uv("pip", "install", "--upgrade", "--no-deps", "typer")
    installed.uv("pip", "install", "pydantic")
    for words in (["--help"], ["cache", "--help"], ["config", "init"], ["health"]):
        assert installed.perfctl(*words).returncode == 0, words
