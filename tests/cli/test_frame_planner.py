"""Confirmation at a real terminal (a pty) and without one."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from pathlib import Path

import pytest

from perfctl.config.settings import Settings
from tests.cli.conftest import Started
from tests.cli.frame import invoke

PROTECTED = {"protected": True, "context": "prod"}


class Typist:
    """Somebody at a terminal: sees what is shown, and types."""

    def __init__(self, start: Started, *words: str, **settings: object) -> None:
        self._master, slave = pty.openpty()
        self.process = start(*words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, **settings)
        os.close(slave)
        self.seen = ""

    def sees(self, text: str) -> None:
        """Read until the text has been shown."""
        deadline = time.monotonic() + 30
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read()

    def types(self, text: str) -> None:
        os.write(self._master, text.encode())

    def ends(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(30)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 30)
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:
            data = b""
        self.seen += data.decode()
        return bool(data)


@pytest.mark.parametrize(
    ("typed", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 7), ("\n", 7), ("maybe\n", 7), ("\x04", 7)]
)
def test_a_terminal_is_asked_and_only_yes_is_yes(typed: str, code: int, start: Started) -> None:
    typist = Typist(start, "frame", "destroy")
    typist.sees("clear 'demo'? [y/N] ")
    typist.types(typed)
    assert typist.ends() == code
    assert ("destroyed" in typist.seen) is (code == 0)


def test_the_plan_is_shown_before_the_question_and_its_samples_cannot_move_the_cursor(start: Started) -> None:
    typist = Typist(start, "frame", "destroy")
    typist.sees("[y/N] ")
    assert "clear 'demo': 3 keys, 2.05 kB in context default" in typist.seen
    assert "  demo:0\\x1b[2J\r\n" in typist.seen
    typist.types("n\n")
    assert typist.ends() == 7


def test_ctrl_c_at_the_question_is_130(start: Started) -> None:
    typist = Typist(start, "frame", "destroy")
    typist.sees("[y/N] ")
    typist.process.send_signal(signal.SIGINT)
    assert typist.ends() == 130
    assert "destroyed" not in typist.seen


@pytest.mark.parametrize("flags", [("--yes",), ("-qy",), ("-y", "--no-input")], ids=" ".join)
def test_yes_asks_nothing(flags: tuple[str, ...], start: Started) -> None:
    typist = Typist(start, "frame", "destroy", *flags)
    assert typist.ends() == 0
    assert "[y/N]" not in typist.seen


@pytest.mark.parametrize("flag", ["--no-input", "--cron"])
def test_a_terminal_is_not_asked_when_there_shall_be_no_input(flag: str, start: Started) -> None:
    typist = Typist(start, "frame", "destroy", flag)
    assert typist.ends() == 7
    assert "[y/N]" not in typist.seen
    assert "--yes" in typist.seen or flag == "--cron"


def test_without_a_terminal_it_is_refused_at_once_naming_the_flag() -> None:
    assert invoke("frame", "destroy") == (
        7,
        "",
        "error: clear 'demo': not confirmed, and there is nobody to ask\n"
        "  try:    add --yes, or look first with --dry-run\n",
    )


def test_a_dry_run_and_yes_need_no_terminal() -> None:
    assert invoke("frame", "destroy", "--dry-run").code == 0
    assert invoke("frame", "destroy", "--yes").code == 0


def test_more_than_the_limit_is_refused_even_with_yes() -> None:
    outcome = invoke("frame", "destroy", "--yes", "--max-affected", "2")
    assert (outcome.code, outcome.err.splitlines()[0]) == (
        7,
        "error: clear 'demo': 3 keys would be affected, over --max-affected 2",
    )
    assert invoke("frame", "destroy", "--yes", "--max-affected", "3").code == 0


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Settings:
    settings = Settings(**request.param)
    monkeypatch.setattr("perfctl.config.load_settings", lambda **_: settings)
    return settings


@pytest.mark.parametrize("context", [PROTECTED], indirect=True)
@pytest.mark.parametrize(("flags", "code"), [(("--yes",), 7), (("-c", "prod"), 7), (("-c", "prod", "--yes"), 0)])
def test_a_protected_context_needs_yes_and_its_name_off_a_terminal(
    flags: tuple[str, ...], code: int, context: Settings
) -> None:
    outcome = invoke("frame", "destroy", *flags)
    assert outcome.code == code
    assert code == 0 or "say both: -c prod --yes" in outcome.err


@pytest.mark.parametrize("context", [{"read_only": True, "context": "replica"}], indirect=True)
def test_a_read_only_context_refuses_every_effect(context: Settings) -> None:
    outcome = invoke("frame", "destroy", "--yes", "-c", "replica")
    assert (outcome.code, outcome.err.splitlines()[0]) == (7, "error: clear 'demo': context 'replica' is read_only")
    assert invoke("frame", "destroy", "--dry-run").code == 0


@pytest.mark.parametrize(("typed", "code"), [("prod\n", 0), ("y\n", 7), ("PROD\n", 7), ("\x04", 7)])
def test_a_protected_context_is_typed_at_a_terminal_whatever_yes_says(
    typed: str, code: int, start: Started, tmp_path: Path
) -> None:
    file = tmp_path / "user.yaml"
    file.write_text("contexts:\n  prod:\n    protected: true\n")
    typist = Typist(start, "frame", "destroy", "--yes", "-c", "prod", "--config", str(file))
    typist.sees("type its name to clear 'demo': ")
    typist.types(typed)
    assert typist.ends() == code
