"""The library's public names: all there, typed, and free until they are used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import perfctl

ROOT = Path(__file__).parents[3]


def _fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_to_import_perfctl_loads_one_module() -> None:
    loaded = _fresh("import sys; before = set(sys.modules); import perfctl; print(sorted(set(sys.modules) - before))")
    assert loaded == "['__future__', 'perfctl']"


@pytest.mark.parametrize(
    "name", ["PerformanceOptimizer", "CacheConfig", "CDNConfig", "DatabaseConfig", "PerformanceMetrics", "PerfctlError"]
)
def test_a_name_loads_no_driver(name: str) -> None:
    drivers = "{'redis', 'asyncpg', 'boto3', 'botocore', 'psutil', 'sqlglot', 'rich', 'numpy', 'yaml', 'typer'}"
    loaded = _fresh(f"import sys; from perfctl import {name}; print(sorted({drivers} & set(sys.modules)))")
    assert loaded == "[]"


@pytest.mark.parametrize("name", perfctl.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(perfctl, name) is not None
    assert name in dir(perfctl)


def test_every_public_name_is_typed() -> None:
    source = (ROOT / "perfctl" / "__init__.py").read_text()
    imported = source.split("if TYPE_CHECKING:")[1].split("__version__")[0]
    assert [name for name in perfctl.__all__ if name not in imported] == ["__version__"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Optimiser'"):
        _ = perfctl.Optimiser


def test_the_version_is_the_packages() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert perfctl.__version__ == packaged
