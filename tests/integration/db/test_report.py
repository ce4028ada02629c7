"""A report in one file, of a real server; redacted it holds no name and no literal of the user's."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

NAMES = ("customers", "portfolio", "trading", "stocks", "AAPL", "technology", "127.0.0.1")


class _Strict(HTMLParser):
    """Counts what is opened and not closed, and looks for anything that would load or run."""

    void = frozenset(("meta", "br", "img", "link", "input", "line", "rect", "path", "circle"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "link", "img"):
            self.faults.append(tag)
        self.faults += [
            f"{tag} {name}"
            for name, value in attrs
            if name.startswith("on") or (name != "xmlns" and (value or "").startswith("http"))
        ]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return None

    def handle_endtag(self, tag: str) -> None:
        if tag in self.void:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_report_has_every_section_in_one_file(seeded_sandbox: RunningSandbox, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    done = seeded_sandbox.perfctl("db", "report", "-f", str(path), "-o", "json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["sections"] == ["Checks", "Slow queries", "Plans", "Locks", "Activity", "Settings", "Doctor"]
    assert data["size_bytes"] == path.stat().st_size
    assert "orders" in path.read_text()


def test_the_page_is_well_formed_and_loads_nothing(seeded_sandbox: RunningSandbox, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert seeded_sandbox.perfctl("db", "report", "-f", str(path)).returncode == 0
    page = _Strict()
    page.feed(path.read_text())
    assert (page.faults, page.open) == ([], [])


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_redacted_report_gives_nothing_away(seeded_sandbox: RunningSandbox, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    done = seeded_sandbox.perfctl("db", "report", "-f", str(path), "--redact")
    assert done.returncode == 0, done.stderr
    text = path.read_text()
    assert [word for word in NAMES if re.search(rf"\b{re.escape(word)}", text)] == []


def test_a_file_of_another_kind_is_refused_before_anything_is_asked(
    seeded_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    done = seeded_sandbox.perfctl("db", "report", "-f", str(tmp_path / "report.pdf"))
    assert done.returncode == 2
    assert "name it .html or .md" in done.stderr


def test_a_redacted_plan_and_its_pictures_give_nothing_away(seeded_sandbox: RunningSandbox, tmp_path: Path) -> None:
    svg, html = tmp_path / "plan.svg", tmp_path / "plan.html"
    sql = "SELECT * FROM stocks WHERE symbol = 'AAPL' OR sector = 'technology'"
    pictures = ("--svg", str(svg), "--html", str(html))
    said = seeded_sandbox.perfctl("db", "analyze", sql, "--redact", "-o", "json", *pictures)
    assert said.returncode == 0, said.stderr
    for text in (said.stdout, svg.read_text(), html.read_text()):
        assert [word for word in NAMES if re.search(rf"\b{re.escape(word)}", text)] == []
