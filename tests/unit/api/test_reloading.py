"""Tokens that are read again: the new ones count from then on, and the old ones where the new ones cannot be used."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perfctl.api.reloading import reload_tokens
from perfctl.config import load_settings
from perfctl.config.settings import Settings
from tests.api_client import Api

FIRST, SECOND = "the-first-token-of-the-tests", "the-second-token-of-the-tests"


def _written(folder: Path, token: str, *, more: str = "") -> None:
    (folder / "token").write_text(token + "\n")
    (folder / "perfctl.yaml").write_text(
        f"contexts:\n  here:\n    api:\n      token: {{file: {folder / 'token'}}}\n"
        f"      audit_file: {folder / 'audit'}\n{more}current: here\n"
    )


def _read(folder: Path) -> Settings:
    return load_settings(config_file=str(folder / "perfctl.yaml"), environ={"HOME": str(folder)}, folder=folder)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    _written(tmp_path, FIRST)
    with Api(_read(tmp_path)) as api:
        assert _status(api, FIRST) != 401
        yield api


def _status(api: Api, token: str) -> int:
    return api.post("/performance/optimize", {}, headers={"authorization": f"Bearer {token}"}).status_code


def _reloaded(api: Api, folder: Path, host: str = "127.0.0.1") -> bool:
    found: bool = api.run(reload_tokens(api.service, host, lambda: _read(folder)))
    return found


def test_the_token_that_is_in_the_file_now_is_the_one_that_is_taken(api: Api, tmp_path: Path) -> None:
    _written(tmp_path, SECOND)
    assert (_status(api, FIRST), _status(api, SECOND)) == (200, 401)
    assert _reloaded(api, tmp_path)
    assert (_status(api, FIRST), _status(api, SECOND)) == (401, 200)


@pytest.mark.parametrize("fault", ["no file", "no token", "no YAML", "unknown key", "another context"])
def test_what_cannot_be_used_leaves_the_tokens_as_they_were_and_is_said(
    api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    _written(tmp_path, SECOND)
    if fault == "no file":
        (tmp_path / "token").unlink()
    elif fault == "no token":
        (tmp_path / "token").write_text("")
    elif fault == "no YAML":
        (tmp_path / "perfctl.yaml").write_text("contexts: {")
    elif fault == "unknown key":
        _written(tmp_path, SECOND, more="colour: red\n")
    else:
        _written(tmp_path, SECOND, more="  there: {}\n")
        text = (tmp_path / "perfctl.yaml").read_text()
        (tmp_path / "perfctl.yaml").write_text(text.replace("current: here", "current: there"))
    with caplog.at_level(logging.WARNING, "perfctl.api.reloading"):
        assert not _reloaded(api, tmp_path)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["the tokens stay as they were"]
    assert SECOND not in caplog.text
    assert (_status(api, FIRST), _status(api, SECOND)) == (200, 401)


def test_an_address_that_others_reach_is_never_left_without_a_token(api: Api, tmp_path: Path) -> None:
    def without() -> Settings:
        settings = _read(tmp_path)
        return replace(settings, api=replace(settings.api, token=None))

    assert api.run(reload_tokens(api.service, "0.0.0.0", without)) is False
    assert _status(api, FIRST) == 200
