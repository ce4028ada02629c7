"""Fixtures that every test may use: an isolated home, and perfctl as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Perfctl = Callable[..., subprocess.CompletedProcess[str]]

KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "UV_CACHE_DIR", "PIP_CACHE_DIR")


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
        options: dict[str, object] = {"cwd": tmp_path, "timeout": 60, "stdin": subprocess.DEVNULL, **settings}
        if "input" in options:
            del options["stdin"]
        return subprocess.run(
            [sys.executable, "-m", "perfctl", *words],
            env={**home, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            **options,  # type: ignore[call-overload]
        )

    return run
