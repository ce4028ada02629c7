"""Wrong lines of `perfctl db`: told before any server is asked, with the exit code that scripts know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.frame import invoke

CASES: dict[str, tuple[int, str]] = {
    "activity --cancel --terminate --pid 1": (2, "choose one: --terminate ends the session"),
    "locks --cancel --terminate": (2, "choose one: --terminate ends the session"),
    "activity --terminate": (2, "say --pid, --longer-than, --idle-in-transaction"),
    "activity --cancel --all": (2, "--cancel without anything that says whose"),
    "activity --terminate --longer-than 0s": (2, "--terminate without anything that says whose"),
    "activity --longer-than soon": (2, "--longer-than: 'soon' is not a duration"),
    "locks --longer-than -3": (2, "--longer-than"),
    "activity --pid one": (2, "--pid"),
    "watch --interval 1ms": (2, "100ms at least"),
    "watch --interval often": (2, "--interval: 'often' is not a duration"),
    "watch --count 0": (2, "--count"),
    "watch -o json": (2, "say --count N, or -o ndjson"),
    "watch -o csv": (2, "say --count N, or -o ndjson"),
    "check indxes": (2, "did you mean 'indexes'?"),
    "check elsewhere": (2, "areas: rights, statistics"),
    "check --fail-on never": (2, "--fail-on"),
    "check --baseline missing.json": (2, "missing.json"),
    "check --baseline broken.json": (2, "is no baseline"),
    "baseline record": (2, "FILE"),
    "baseline record there.json": (2, "--force replaces it"),
    "baseline record new.json -f missing.sql": (2, "missing.sql"),
    "baseline record new.json -f empty.sql": (2, "there is no statement"),
    "baseline record nowhere/new.json -f select.sql": (2, "nowhere"),
    "report": (2, "--file"),
    "report -f report.pdf": (2, "name it .html or .md"),
    "report -f nowhere/report.html": (2, "nowhere"),
    "report -f report.html --since lately": (2, "--since: 'lately' is not a duration"),
    "activity": (5, "connection refused"),
    "locks": (5, "connection refused"),
    "watch --count 1": (5, "connection refused"),
    "check": (5, "connection refused"),
    "report -f report.html": (5, "connection refused"),
    "baseline record new.json -f select.sql": (5, "connection refused"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and a database that is not there."""
    for name, value in {"HOME": str(tmp_path), "DB_HOST": "127.0.0.1", "DB_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("kept")
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "empty.sql").write_text("-- nothing\n")
    (tmp_path / "select.sql").write_text("SELECT 1;\n")


@pytest.mark.parametrize("line", CASES)
def test_a_wrong_line_is_told_before_anything_is_done(line: str, tmp_path: Path) -> None:
    code, said = CASES[line]
    outcome = invoke("db", *line.split())
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"there.json", "broken.json", "empty.sql", "select.sql"}
    assert (tmp_path / "there.json").read_text() == "kept"


def test_an_error_is_a_document_where_one_is_asked_for() -> None:
    outcome = invoke("db", "activity", "--terminate", "-o", "json")
    assert json.loads(outcome.err)["error"]["kind"] == "usage"


def test_the_doctor_says_no_where_nothing_answers() -> None:
    outcome = invoke("db", "doctor", "-o", "json")
    (row,) = json.loads(outcome.out)["data"]["rows"]
    assert (outcome.code, row["check"], row["status"]) == (1, "connect", "fail")
