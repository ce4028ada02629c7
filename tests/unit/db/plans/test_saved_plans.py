"""Plans as people save them, made by `python -m tests.make_saved_plans`: psql's drawings, CSV, logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.db.model.plans import PlanReport
from perfctl.db.plans import every_node, read_any, read_plan, read_text_plan
from perfctl.errors import UsageError

SAVED = Path(__file__).parents[3] / "fixtures" / "db" / "saved"
FILES = sorted(SAVED.glob("*.txt"))
RIM = "Seq Scan on t  (cost=0.00..1.05 rows=5 width=4)"


def read(name: str) -> PlanReport:
    return read_any((SAVED / name).read_bytes())


def kinds(report: PlanReport) -> list[tuple[str, str | None]]:
    return [(node.node_type, node.relation) for node in every_node(report.plan)]


def test_there_are_plans_of_both_versions_in_every_drawing() -> None:
    assert len(FILES) >= 44


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_saved_plan_gives_the_tree_that_the_bare_one_gives(path: Path) -> None:
    version, statement, form, _ = path.stem.split("_", 3)
    bare = f"{version}_{statement}_{form}_{'bare' if statement == 'join' else 'border_1'}.txt"
    report = read(path.name)
    assert kinds(report) == kinds(read(bare))
    assert report.analyzed
    assert all((node.actual_rows, node.loops) != (None, None) for node in every_node(report.plan))


@pytest.mark.parametrize("version", [15, 18])
@pytest.mark.parametrize("statement", ["join", "workers", "spill", "sets"])
def test_both_forms_have_the_same_nodes_with_the_same_conditions(version: int, statement: str) -> None:
    of_text, of_json = (read(f"{version}_{statement}_{form}_border_1.txt") for form in ("text", "json"))
    assert [(node.filter, node.condition, node.sort_key, node.output) for node in every_node(of_text.plan)] == [
        (node.filter, node.condition, node.sort_key, node.output) for node in every_node(of_json.plan)
    ]
    assert of_text.settings == of_json.settings


@pytest.mark.parametrize("version", [15, 18])
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_auto_explain_logged_has_its_statement(version: int, form: str) -> None:
    report = read(f"{version}_join_{form}_logged.txt")
    assert report.sql.startswith("SELECT t.name, count(*)")
    assert report.sql.rstrip(";").endswith("ORDER BY 2 DESC LIMIT 5")
    assert report.execution_ms is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_worker_is_told_apart(form: str) -> None:
    report = read(f"18_workers_{form}_border_1.txt")
    sort = next(node for node in every_node(report.plan) if node.node_type == "Sort")
    assert [worker.number for worker in sort.workers] == [0, 1]
    assert all(worker.sort_method and worker.actual_rows is not None for worker in sort.workers)
    assert all(worker.buffers is not None for worker in sort.workers)


def test_lines_that_pgadmin_quoted_are_read() -> None:
    text = "\n".join(f'"{line}"' for line in [RIM, '  Filter: (note = \'""a""\'::text)'])
    assert read_any(text).plan.filter == "(note = '\"a\"'::text)"


def test_a_fence_and_a_prompt_around_a_plan_are_no_matter() -> None:
    text = f"db=# EXPLAIN SELECT * FROM t;\n   QUERY PLAN\n-----------\n {RIM}\n(1 row)\n\nTime: 0.4 ms\ndb=# "
    assert read_any(text).plan.relation == "t"
    assert read_any(f"```\n{RIM}\n```\n").plan.relation == "t"


def test_utf_16_of_powershell_is_read() -> None:
    assert read_any(RIM.encode("utf-16")).plan.relation == "t"


def test_what_is_no_text_is_told_with_its_line() -> None:
    with pytest.raises(UsageError, match="line 2 is not UTF-8 text"):
        read_any(RIM.encode() + b"\n\xff")


def test_several_plans_of_a_log_are_refused_with_their_lines() -> None:
    logged = f"LOG:  duration: 1.2 ms  plan:\n\tQuery Text: SELECT 1;\n\t{RIM}\n"
    assert read_any(logged).sql == "SELECT 1;"
    with pytest.raises(UsageError, match="there are 2 plans, at the lines 1, 4"):
        read_any(logged * 2)


def test_the_error_of_a_json_plan_in_a_border_has_the_line_of_the_file() -> None:
    text = " QUERY PLAN \n------------\n [          +\n   {        +\n   oops     +\n ]\n(1 row)\n"
    with pytest.raises(UsageError, match="line 5 column"):
        read_any(text)


def test_each_reader_takes_its_own_form_from_the_same_wrapping() -> None:
    assert kinds(read_plan((SAVED / "15_join_json_border_2.txt").read_text())) == kinds(
        read_text_plan((SAVED / "15_join_text_border_2.txt").read_text())
    )
