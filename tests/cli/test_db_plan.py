"""`perfctl db plan` and `db plan diff` as they are run: without a server, without a configuration."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.conftest import Perfctl

SAVED = Path(__file__).parents[1] / "fixtures" / "db" / "saved"
HOSTILE = """[{"Query Text": "SELECT '</title><script>x()</script>' -- <b>",
 "Plan": {"Node Type": "Seq Scan", "Relation Name": "<script>alert(1)</script>", "Alias": "\\u001b[31m\\u0000",
  "Filter": "(a = ']]>&\\"<img src=x onerror=x>')", "Plan Rows": 1, "Total Cost": 5}}]"""


@pytest.mark.parametrize("name", ["18_join_json_border_1", "15_join_text_border_2", "18_join_text_logged"])
def test_a_saved_plan_is_a_document_with_its_tree_and_findings(perfctl: Perfctl, name: str) -> None:
    ran = perfctl("db", "plan", str(SAVED / f"{name}.txt"), "-o", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    data = json.loads(ran.stdout)["data"]
    assert data["analyzed"]
    assert data["plan"]["node_type"] == "Limit"
    assert isinstance(data["findings"], list)


def test_stdin_is_read_and_an_estimate_is_told(perfctl: Perfctl) -> None:
    ran = perfctl("db", "plan", "-", input="Seq Scan on t  (cost=0.00..1.05 rows=5 width=4)\n")
    assert ran.returncode == 0
    assert "cost 1  Seq Scan on t" in ran.stdout
    assert "these are estimates alone" in ran.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is empty"),
        ("Seq Scan on t  (cost=0.00..1.05 rows=5 width=4)\n  nonsense", "plan.txt: the plan's line 2 is not a line"),
        ('[{"Plan": {"Node Type": 7}}]', r"the plan's \$.Plan.Node Type is 7"),
        ("<explain><Query>", "the plan is not XML: .* line 1"),
        ("- Plan:\n    a: [", "the plan is not YAML: .* line 3"),
        ("<?xml version='1.0'?>\n<!DOCTYPE x><explain/>", "line 2 has a DOCTYPE"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(
    perfctl: Perfctl, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "plan.txt").write_text(content)
    ran = perfctl("db", "plan", "plan.txt")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.search(message, ran.stderr)


def test_pictures_hold_no_script_and_nothing_from_elsewhere(perfctl: Perfctl, tmp_path: Path) -> None:
    ran = perfctl("db", "plan", "-", "--svg", "p.svg", "--html", "p.html", "-q", input=HOSTILE)
    assert ran.returncode == 0, ran.stderr
    svg, html = (tmp_path / "p.svg").read_text(), (tmp_path / "p.html").read_text()
    root = ET.fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        *("svg", "title", "desc", "style", "rect", "text", "path", "g"),
    }
    for text in (svg, html):
        assert not re.search(r"<script|<img|onerror=x>|javascript:|url\(|src=|href=", text.replace("&lt;img src=", ""))
        assert "\x1b" not in text
        assert "\x00" not in text
    assert "prefers-color-scheme:dark" in svg
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_picture_that_cannot_be_written_is_told_before_anything_is_read(perfctl: Perfctl) -> None:
    ran = perfctl("db", "plan", "no-such-file", "--svg", "nowhere/p.svg")
    assert (ran.returncode, "--svg: cannot write" in ran.stderr) == (2, True)


def test_two_plans_are_compared_node_by_node(perfctl: Perfctl) -> None:
    ran = perfctl(
        "db",
        "plan",
        "diff",
        str(SAVED / "15_join_text_bare.txt"),
        str(SAVED / "18_join_json_border_1.txt"),
        "-o",
        "json",
    )
    assert ran.returncode == 0, ran.stderr
    data = json.loads(ran.stdout)["data"]
    assert len(data["nodes"]) >= 10
    assert data["before"]["nodes"] == data["after"]["nodes"] == 10
    assert {node["status"] for node in data["nodes"]} <= {"same", "changed", "added", "removed"}


def test_a_global_option_may_stand_before_the_word_below(perfctl: Perfctl) -> None:
    plan = str(SAVED / "18_join_text_bare.txt")
    ran = perfctl("db", "plan", "-o", "json", "--quiet", "diff", plan, plan)
    assert json.loads(ran.stdout)["schema"] == "perfctl.db.plan.diff/1"
    assert json.loads(ran.stdout)["data"]["is_same"]


def test_a_file_that_is_named_like_the_word_below_is_read_by_its_path(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "diff").write_bytes((SAVED / "18_join_text_bare.txt").read_bytes())
    assert perfctl("db", "plan", "./diff", "-q").returncode == 0


def test_stdin_cannot_be_both_plans(perfctl: Perfctl) -> None:
    ran = perfctl("db", "plan", "diff", "-", "-", input="x")
    assert (ran.returncode, "stdin cannot be both plans" in ran.stderr) == (2, True)


@pytest.mark.parametrize("words", [("db", "plan"), ("db", "plan", "diff")])
def test_both_have_help_and_a_schema(perfctl: Perfctl, words: tuple[str, ...]) -> None:
    assert f"perfctl {' '.join(words)} " in perfctl(*words, "--help").stdout
    assert json.loads(perfctl("schema", *words).stdout)["title"] == f"perfctl {' '.join(words)}"
