"""`perfctl optimize` on the seeded sandbox: the planner asks, partly done is told, a rollback is one more plan."""

from __future__ import annotations

import json

import pytest

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"


def test_applying_asks_first_and_a_rollback_restores_what_was_there(seeded_sandbox: RunningSandbox) -> None:
    words = ("optimize", "--only", "foreign_keys")
    before = seeded_sandbox.perfctl("db", "query", INDEXES, "-o", "csv").stdout
    looked = seeded_sandbox.perfctl(*words, "--apply", "--dry-run", "-o", "json")
    assert looked.returncode == 0, looked.stderr
    rows = json.loads(looked.stdout)["data"]["rows"]
    assert {row["subject"] for row in rows} >= {"public.orders", "public.holdings"}
    refused = seeded_sandbox.perfctl(*words, "--apply")
    assert refused.returncode == 7, refused.stderr
    assert "--yes" in refused.stderr
    assert seeded_sandbox.perfctl("db", "query", INDEXES, "-o", "csv").stdout == before

    applied = seeded_sandbox.perfctl(*words, "--apply", "--yes", "-o", "json")
    assert applied.returncode == 0, applied.stderr
    data = json.loads(applied.stdout)["data"]
    assert data["applied"] == len([row for row in rows if row["is_safe"]])
    costs = [each for row in data["rows"] for each in row["measured"] if each["name"] == "look-up: cost"]
    assert costs
    assert all(each["after"] < each["before"] for each in costs)
    back = ("optimize", "--rollback", data["run_id"])
    assert seeded_sandbox.perfctl(*back).returncode == 7
    shown = seeded_sandbox.perfctl(*back, "--dry-run")
    assert f"{data['applied']} of its steps would be undone" in shown.stdout
    undone = seeded_sandbox.perfctl(*back, "--yes")
    assert undone.returncode == 0, undone.stderr
    assert seeded_sandbox.perfctl("db", "query", INDEXES, "-o", "csv").stdout == before
    again = seeded_sandbox.perfctl(*back, "-o", "json")
    assert (again.returncode, json.loads(again.stdout)["data"]["undone"]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--apply", "--history"), "do not go together"),
        (("--only", "foreign_kys"), "did you mean 'foreign_keys'"),
        (("--rollback", "../../etc/passwd"), "there is no run"),
        (
            ("--rollback", "--yes"),
            "the ID of a run is missing before --yes\n  set by: --rollback\n  try:    perfctl optimize --history",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    seeded_sandbox: RunningSandbox, words: tuple[str, ...], said: str
) -> None:
    ran = seeded_sandbox.perfctl("optimize", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert ran.stdout == ""
