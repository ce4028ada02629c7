"""A home, a project and a loader that sees nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from perfctl.config import Settings, load_settings, secret
from perfctl.errors import ConfigError


class Place:
    """A machine of a user: a home with the user's file, a repository with a project file, an environment."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = root / "repository"
        (self.home / ".config" / "perfctl").mkdir(parents=True)
        (self.project / ".git").mkdir(parents=True)
        self.environ: dict[str, str] = {"HOME": str(self.home)}

    @property
    def user_file(self) -> Path:
        return self.home / ".config" / "perfctl" / "config.yaml"

    @property
    def project_file(self) -> Path:
        return self.project / "perfctl.yaml"

    def user(self, text: str) -> Place:
        self.user_file.write_text(text)
        return self

    def hostile(self, text: str) -> Place:
        self.project_file.write_text(text)
        return self

    def env(self, **variables: str) -> Place:
        self.environ |= variables
        return self

    def load(
        self,
        context: str | None = None,
        config_file: Path | None = None,
        flags: Mapping[str, str | None] | None = None,
        folder: Path | None = None,
    ) -> Settings:
        return load_settings(
            context=context,
            config_file=str(config_file) if config_file else None,
            flags=flags,
            environ=self.environ,
            folder=folder or self.project,
        )

    def error(self, context: str | None = None, **options: object) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            self.load(context, **options)  # type: ignore[arg-type]
        return caught.value


@pytest.fixture(autouse=True)
def _no_secret_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of one test is no secret in the next."""
    monkeypatch.setattr(secret, "_remembered", {})
    monkeypatch.setattr(secret, "_pattern", None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
