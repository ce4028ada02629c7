"""Whatever stands in a variable or a flag: settings, or an error that names the variable or the flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfctl.config import load_settings
from perfctl.config.ambient import LIBPQ
from perfctl.config.environment import ALIASES, variable_of
from perfctl.config.fields import every_field
from perfctl.config.load import FLAGS
from perfctl.errors import ConfigError, PerfctlError, UsageError

VARIABLES = (
    *ALIASES,
    *LIBPQ,
    "DATABASE_URL",
    "REDIS_URL",
    "PGSERVICE",
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PERFCTL_CONTEXT",
    *(variable_of(key) for key in every_field() if "." in key),
)
TEXTS = (
    "x",
    "0",
    "-1",
    "9" * 400,
    "1e999",
    "nan",
    "no",
    " ",
    ",",
    ",,a",
    "a b",
    "\x1b[2J",
    "\udcff",
    "ü🎉",
    "://",
    "redis://",
    "redis://[::1",
    "redis://:p@h:99999/x",
    "postgresql://u:p@h:x/y",
    "postgresql://h,i:70000/x?sslmode=%zz",
    "postgresql://%zz@[fe80::1%25eth0]:5/x",
    "http://[",
    "/dev/zero",
    "{env: X}",
    "h" * 10_000,
)


@pytest.mark.parametrize("name", VARIABLES)
def test_any_text_in_a_variable_gives_settings_or_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    for text in TEXTS:
        error = _error(environ={"HOME": str(tmp_path), "PGHOST": "h", "REDIS_HOST": "h", name: text}, folder=tmp_path)
        assert error is None or (isinstance(error, ConfigError) and name in error.message), text


@pytest.mark.parametrize("key", FLAGS)
def test_any_text_in_a_flag_gives_settings_or_a_usage_error_that_names_it(key: str, tmp_path: Path) -> None:
    for text in TEXTS:
        error = _error(environ={}, folder=tmp_path, flags={key: text})
        assert error is None or (isinstance(error, UsageError) and error.where == FLAGS[key]), text


def _error(**sources: Any) -> PerfctlError | None:
    try:
        settings = load_settings(**sources)
    except PerfctlError as error:
        return error
    assert settings.database.effective_sslmode
    assert isinstance(settings.database.is_local, bool)
    return None
