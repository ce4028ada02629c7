"""Where perfctl keeps things, for everybody: with a home, with XDG variables, with neither."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from perfctl.errors import ConfigError
from perfctl.folders import cache_home, config_home, state_home


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"perfctl-{os.getuid()}"


def test_they_lie_below_the_home(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert (state_home(home), cache_home(home), config_home(home)) == (
        tmp_path / ".local/state/perfctl",
        tmp_path / ".cache/perfctl",
        tmp_path / ".config/perfctl",
    )


def test_xdg_variables_go_before_the_home(tmp_path: Path) -> None:
    named = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("STATE", "CACHE", "CONFIG")}
    assert [of({"HOME": "/home/app", **named}) for of in (state_home, cache_home, config_home)] == [
        tmp_path / kind / "perfctl" for kind in ("STATE", "CACHE", "CONFIG")
    ]


def test_a_relative_xdg_variable_is_ignored(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config"}
    assert state_home(environ) == tmp_path / ".local/state/perfctl"
    assert config_home(environ) == tmp_path / ".config/perfctl"


def test_the_state_folder_that_is_named_holds_the_cache_as_well(tmp_path: Path) -> None:
    environ = {"HOME": "/home/app", "PERFCTL_STATE_DIR": str(tmp_path)}
    assert (state_home(environ), cache_home(environ)) == (tmp_path, tmp_path / "cache")


def test_without_a_home_state_lies_in_a_temporary_folder_of_the_users_own(temporary: Path) -> None:
    assert (state_home({}), cache_home({}), config_home({})) == (temporary / "state", temporary / "cache", None)
    assert temporary.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_that_is_a_link_is_refused(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    temporary.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        state_home({})


def test_a_temporary_folder_that_cannot_be_made_names_the_variable_to_set(temporary: Path) -> None:
    temporary.write_text("in the way")
    with pytest.raises(ConfigError) as failure:
        state_home({})
    assert failure.value.hint == "set PERFCTL_STATE_DIR to a folder of yours"


def test_without_any_folder_that_can_be_written_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(ConfigError, match="No usable temporary directory") as caught:
        state_home({})
    assert "PERFCTL_STATE_DIR" in str(caught.value.hint)
