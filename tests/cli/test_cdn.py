"""`perfctl cdn` as a user runs it, on the local CloudFront: what it prints, and with which code it leaves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from perfctl.units import format_count
from tests.cdn_edge import DISTRIBUTION_ID, SECRET_ACCESS_KEY, LocalEdge, local_edge
from tests.conftest import Perfctl

Result = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge")) as edge:
        yield edge


@pytest.fixture
def edge(shared_edge: LocalEdge) -> LocalEdge:
    """With nothing in progress and nothing wrong."""
    shared_edge.set_faults()
    shared_edge.advance(3600)
    return shared_edge


@pytest.fixture(scope="module")
def shared_slow_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("slow"), completion_seconds=3600) as edge:
        yield edge


@pytest.fixture
def slow_edge(shared_slow_edge: LocalEdge) -> LocalEdge:
    """Whose invalidations complete when the test moves the clock; with nothing in progress."""
    shared_slow_edge.advance(7200)
    return shared_slow_edge


def _data(result: Result) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(result.stdout)["data"]
    return data


def test_invalidate_waits_and_prints_one_document_of_its_schema(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "invalidate", "/img/*", "--wait", "--yes", "-o", "json", env=edge.environment)
    assert (result.returncode, result.stderr) == (0, "")
    schema = json.loads(perfctl("schema", "cdn", "invalidate").stdout)
    jsonschema.validate(json.loads(result.stdout), schema)
    data = _data(result)
    assert (data["distribution_id"], data["status"], data["paths"]) == (DISTRIBUTION_ID, "Completed", ["/img/*"])
    assert (data["items"], data["wildcards"], data["cost_usd"], data["dry_run"]) == (1, 1, 0.005, False)
    assert str(data["invalidation_id"]).startswith("I")


def test_verify_shows_hit_and_then_miss(perfctl: Perfctl, edge: LocalEdge) -> None:
    for _ in range(2):
        seen = perfctl("cdn", "headers", "/img/logo.png", "-o", "json", env=edge.environment)
    assert (_data(seen)["cache"], _data(seen)["status"]) == ("hit", 200)
    result = perfctl(
        "cdn", "invalidate", "/img/*", "--verify", "/img/logo.png", "--yes", "-o", "json", env=edge.environment
    )
    assert result.returncode == 0, result.stderr
    (proof,) = _data(result)["verified"]
    assert (proof["before"], proof["after"], proof["is_fresh"]) == ("hit", "miss", True)


def test_a_dry_run_says_what_it_would_send_and_sends_nothing(perfctl: Perfctl, edge: LocalEdge) -> None:
    before = edge.paid()
    result = perfctl("cdn", "invalidate", "/a", "/b*", "/b/c", "--dry-run", env=edge.environment)
    assert (result.returncode, edge.paid()) == (0, before)
    left = format_count(1000 - before)
    assert result.stdout == (
        "STATUS   DISTRIBUTION    INVALIDATION  ITEMS  WILDCARDS  WAITED S\n"
        f"planned  {DISTRIBUTION_ID}  -                 2          1         -\n"
        "\n"
        "2 items, 1 left out as covered by others\n"
        f"would cost nothing: {left} free items are left this month ($0.010 without)\n"
        "1 round, complete after about 25.0 s\n"
        "\n"
        "  /b*\n"
        "  /a\n"
    )


def test_without_a_terminal_and_without_yes_it_refuses_at_once(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "invalidate", "/a", env=edge.environment)
    assert (result.returncode, result.stdout) == (7, "")
    assert "--yes" in result.stderr


def test_more_than_max_affected_is_refused(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "invalidate", "/a", "/b", "--max-affected", "1", "--yes", env=edge.environment)
    assert result.returncode == 7
    assert "over --max-affected 1" in result.stderr


def test_a_read_only_context_refuses(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\ncurrent: prod\ncontexts:\n  prod:\n    read_only: true\n")
    words = ("cdn", "invalidate", "/a", "--yes", "--config", str(file))
    assert perfctl(*words, env=edge.environment).returncode == 7
    assert perfctl(*words, "--dry-run", env=edge.environment).returncode == 0


def test_paths_come_from_files_and_stdin(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    (tmp_path / "paths.txt").write_text("# changed today\n/a\n\n/b c\n")
    words = ("cdn", "invalidate", "/x", "-", "-f", "paths.txt", "--dry-run", "-o", "json")
    result = perfctl(*words, input="/from/stdin\r\n", env=edge.environment)
    assert _data(result)["paths"] == ["/x", "/from/stdin", "/a", "/b%20c"]


def test_an_empty_list_is_nothing_to_do(perfctl: Perfctl, edge: LocalEdge) -> None:
    before = edge.paid()
    result = perfctl("cdn", "invalidate", "-f", "-", "-o", "json", input="# nothing changed\n", env=edge.environment)
    assert (result.returncode, result.stderr) == (
        0,
        "nothing to invalidate: nothing was named, or nothing that changed lies below --map\n",
    )
    assert (_data(result)["status"], _data(result)["items"], edge.paid()) == ("Completed", 0, before)


def test_a_bad_line_is_named_and_nothing_is_sent(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    before = edge.paid()
    (tmp_path / "paths.txt").write_text("/good\nbad\n/a*b\n")
    result = perfctl("cdn", "invalidate", "-f", "paths.txt", "--yes", env=edge.environment)
    assert (result.returncode, result.stdout, edge.paid()) == (2, "", before)
    assert "paths.txt:2: 'bad'" in result.stderr
    assert "paths.txt:3: '/a*b'" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is no path to invalidate"),
        (("-f", "missing.txt"), "missing.txt: No such file or directory"),
        (("/a", "--wait-timeout", "soon"), "--wait-timeout"),
        (("--tag", "a,b"), "--tag"),
        (("/a", "--distribution", "E9NONE"), "NoSuchDistribution"),
        (("/a", "--distribution", "nobody.example.com"), "nobody.example.com"),
        (("/a", "--verify", "http://169.254.169.254/"), "not a name of the distribution"),
    ],
)
def test_unusable_input_leaves_with_2(perfctl: Perfctl, edge: LocalEdge, words: tuple[str, ...], said: str) -> None:
    before = edge.paid()
    result = perfctl("cdn", "invalidate", *words, "--yes", env=edge.environment)
    assert (result.returncode, result.stdout, edge.paid()) == (2, "", before)
    assert said in result.stderr


def test_without_a_distribution_it_leaves_with_3(perfctl: Perfctl, edge: LocalEdge) -> None:
    environment = {**edge.environment, "CLOUDFRONT_DISTRIBUTION_ID": ""}
    result = perfctl("cdn", "invalidate", "/a", "--yes", env=environment)
    assert result.returncode == 3
    assert "CLOUDFRONT_DISTRIBUTION_ID" in result.stderr


def test_a_distribution_named_on_the_line_needs_no_configuration(perfctl: Perfctl, edge: LocalEdge) -> None:
    environment = {name: value for name, value in edge.environment.items() if name.startswith("AWS_")}
    words = ("cdn", "invalidate", "/a", "--yes", "--distribution", "cdn.sandbox.test", "-o", "json")
    result = perfctl(*words, env=environment)
    assert result.returncode == 0, result.stderr
    assert _data(result)["distribution_id"] == DISTRIBUTION_ID


def test_unknown_keys_leave_with_4(perfctl: Perfctl, edge: LocalEdge) -> None:
    environment = {**edge.environment, "AWS_ACCESS_KEY_ID": "AKIDNOBODY"}
    assert perfctl("cdn", "invalidate", "/a", "--yes", env=environment).returncode == 4
    nobody = {**edge.environment, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert perfctl("cdn", "invalidate", "/a", "--yes", env=nobody).returncode == 4


@pytest.mark.parametrize("words", [("invalidate", "/a", "--wait", "--yes"), ("status",), ("headers", "/a")])
def test_what_is_stopped_leaves_with_5(perfctl: Perfctl, edge: LocalEdge, words: tuple[str, ...]) -> None:
    gone = "http://127.0.0.1:1"
    environment = {**edge.environment, "AWS_ENDPOINT_URL_CLOUDFRONT": gone, "PERFCTL_EDGE_URL": gone}
    result = perfctl("cdn", *words, "-o", "json", env=environment)
    assert (result.returncode, result.stdout) == (5, "")
    assert json.loads(result.stderr)["error"]["kind"] == "unreachable"


def test_what_takes_longer_than_the_wait_leaves_with_5_and_the_line_to_ask_again(
    perfctl: Perfctl, slow_edge: LocalEdge
) -> None:
    words = ("cdn", "invalidate", "/a", "--wait", "--wait-timeout", "500ms", "--yes", "-o", "json")
    result = perfctl(*words, env=slow_edge.environment)
    assert (result.returncode, result.stdout) == (5, "")
    hint = json.loads(result.stderr)["error"]["hint"]
    assert hint.startswith("perfctl cdn status I")
    slow_edge.advance(7200)
    found = perfctl(*hint.split()[1:], "-o", "json", env=slow_edge.environment)
    assert found.returncode == 0, found.stderr
    assert [row["status"] for row in _data(found)["rows"]] == ["Completed"]


def test_what_its_deadline_ends_while_it_waits_says_how_to_ask_again(perfctl: Perfctl, slow_edge: LocalEdge) -> None:
    words = ("cdn", "invalidate", "/a", "--wait", "--deadline", "4s", "--yes")
    result = perfctl(*words, env=slow_edge.environment)
    assert (result.returncode, result.stdout) == (5, "")
    sent, *error = result.stderr.splitlines()
    assert sent.startswith("it was sent, and goes on: perfctl cdn status I")
    assert error[0] == "error: the run took longer than --deadline 4s"
    assert slow_edge.paid() >= 1


def test_a_full_quota_leaves_with_9_and_says_what_is_in_progress(perfctl: Perfctl, slow_edge: LocalEdge) -> None:
    wildcards = [f"/{number}/*" for number in range(15)]
    assert perfctl("cdn", "invalidate", *wildcards, "--yes", env=slow_edge.environment).returncode == 0
    refused = perfctl("cdn", "invalidate", "/x/*", "--yes", env=slow_edge.environment)
    assert (refused.returncode, refused.stdout) == (9, "")
    assert "1 batch with 0 paths and 15 wildcards" in refused.stderr
    listed = perfctl("cdn", "status", "-o", "json", env=slow_edge.environment)
    assert [(row["status"], row["wildcards"]) for row in _data(listed)["rows"]] == [("InProgress", 15)]


def test_throttling_and_failures_lose_nothing_and_pay_nothing_twice(perfctl: Perfctl, edge: LocalEdge) -> None:
    before = edge.paid()
    edge.set_faults(throttle=0.3, error_5xx=0.2, seed=7)
    result = perfctl("cdn", "invalidate", "/a", "/b", "--wait", "--yes", env=edge.environment)
    edge.set_faults()
    assert result.returncode == 0, result.stderr
    assert edge.paid() == before + 2


def test_an_answer_that_is_lost_is_asked_for_again_and_paid_once(perfctl: Perfctl, edge: LocalEdge) -> None:
    before = edge.paid()
    edge.set_faults(lose_answer=0.4, seed=3)
    result = perfctl("cdn", "invalidate", "/a", "--yes", "--timeout", "2s", env=edge.environment)
    edge.set_faults()
    assert result.returncode == 0, result.stderr
    assert edge.paid() == before + 1


def test_status_lists_what_is_in_progress(perfctl: Perfctl, edge: LocalEdge) -> None:
    assert perfctl("cdn", "status", env=edge.environment).stdout == (
        f"no invalidation is in progress at {DISTRIBUTION_ID}\n"
    )
    result = perfctl("cdn", "status", "I9NONE", env=edge.environment)
    assert result.returncode == 2


def test_doctor_finds_the_local_cloudfront_well(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "doctor", "-o", "json", env=edge.environment)
    assert result.returncode == 0, result.stdout
    jsonschema.validate(json.loads(result.stdout), json.loads(perfctl("schema", "cdn", "doctor").stdout))
    data = _data(result)
    assert (data["status"], data["missing_permissions"]) == ("pass", [])
    assert str(data["caller"]).startswith("arn:aws:iam::")


def test_doctor_names_the_missing_permission_and_leaves_with_1(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.set_faults(deny=["cloudfront:ListInvalidations", "cloudfront:GetInvalidation"])
    result = perfctl("cdn", "doctor", "-o", "json", env=edge.environment)
    assert result.returncode == 1
    assert _data(result)["missing_permissions"] == ["cloudfront:GetInvalidation", "cloudfront:ListInvalidations"]


def test_a_denied_right_leaves_with_4(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.set_faults(deny=["cloudfront:CreateInvalidation"])
    result = perfctl("cdn", "invalidate", "/a", "--yes", env=edge.environment)
    assert result.returncode == 4
    assert "perfctl cdn doctor" in result.stderr


@pytest.mark.parametrize("output", ["json", "table"])
def test_no_output_holds_the_secret(perfctl: Perfctl, edge: LocalEdge, output: str) -> None:
    for words in (("doctor",), ("status", "I9NONE", "--debug")):
        result = perfctl("cdn", *words, "-o", output, env=edge.environment)
        assert SECRET_ACCESS_KEY not in result.stdout + result.stderr


def test_a_file_that_is_not_utf8_is_sent_byte_by_byte(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    (tmp_path / "paths.txt").write_bytes(b"/caf\xe9\n")
    result = perfctl("cdn", "invalidate", "-f", "paths.txt", "--dry-run", "-o", "json", env=edge.environment)
    assert _data(result)["paths"] == ["/caf%E9"]


def test_the_cheapest_cover_is_sent_proved_and_warmed_again(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    known = tmp_path / "urls.jsonl"
    known.write_text('{"path": "/img/logo.png", "weight": 3}\n{"path": "/index.html", "weight": 3}\n')
    words = ("--strategy", "cheapest", "--inventory", str(known), "--verify", "/img/logo.png", "--preload", "--yes")
    before = edge.paid()
    result = perfctl("cdn", "invalidate", "/img/logo.png", "/index.html", *words, "-o", "json", env=edge.environment)
    assert result.returncode == 0, result.stderr
    data = _data(result)
    assert (data["paths"], data["objects"], data["collateral_weight"], data["strategy"]) == (
        ["/i*"],
        2,
        0.0,
        "cheapest",
    )
    assert edge.paid() - before == 1
    assert all(proof["is_fresh"] for proof in data["verified"])
    assert {row["url"] for row in data["preloaded"]["rows"] if row["is_warm"]} == {"/img/logo.png", "/index.html"}


def test_exact_is_the_default_and_what_is_cheaper_is_a_hint(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    known = tmp_path / "urls.jsonl"
    known.write_text("".join(f'{{"path": "/img/{number}.png", "weight": 1}}\n' for number in range(9)))
    words = ("/img/1.png", "/img/2.png", "/zz", "--inventory", str(known), "--only-cached", "--dry-run", "-o", "json")
    result = perfctl("cdn", "invalidate", *words, env=edge.environment)
    data = _data(result)
    assert (data["paths"], data["skipped"], data["collateral_weight"]) == (["/img/1.png", "/img/2.png"], 1, 0.0)
    assert "cheaper: 1 item for $0.005 instead of $0.010" in result.stderr
    assert "--strategy cheapest" in result.stderr
    assert "no viewer fetched them: 1 paths" in result.stderr


def test_over_the_limit_of_cost_nothing_is_sent(perfctl: Perfctl, edge: LocalEdge) -> None:
    before = edge.paid()
    result = perfctl("cdn", "invalidate", "/a", "/b", "--max-cost", "0.005", "--yes", env=edge.environment)
    assert (result.returncode, result.stdout, edge.paid()) == (7, "", before)
    assert "2 items cost $0.01, over --max-cost 0.005" in result.stderr


def test_what_differs_between_manifests_is_sent_with_its_index(
    perfctl: Perfctl, edge: LocalEdge, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.sums", tmp_path / "new.sums"
    old.write_text(f"{'a' * 64}  dist/x/index.html\n{'a' * 64}  dist/b.css\n")
    new.write_text(f"{'b' * 64}  dist/x/index.html\n{'a' * 64}  dist/b.css\n")
    words = ("--from-manifest", str(old), str(new), "--map", "dist/:/", "--index", "index.html", "--dry-run")
    result = perfctl("cdn", "invalidate", *words, "-o", "json", env=edge.environment)
    assert _data(result)["paths"] == ["/x/index.html", "/x/"]


@pytest.mark.parametrize(
    "words", [(), ("--strategy", "cheapest", "/a"), ("--only-cached", "/a"), ("--map", "a:/", "/a"), ("/a*b",)], ids=str
)
def test_what_cannot_be_planned_is_refused_before_anything_is_sent(
    perfctl: Perfctl, edge: LocalEdge, words: tuple[str, ...]
) -> None:
    before = edge.paid()
    assert perfctl("cdn", "invalidate", *words, "--yes", env=edge.environment).returncode == 2
    assert edge.paid() == before


def test_a_plan_needs_no_distribution(perfctl: Perfctl, tmp_path: Path) -> None:
    known, changed = tmp_path / "urls.jsonl", tmp_path / "changed"
    known.write_text("".join(f'{{"path": "/p/{number}", "weight": {number}}}\n' for number in range(20)))
    changed.write_text("".join(f"/p/{number}\n" for number in range(19)) + "/new\n")
    words = ("-f", str(changed), "--inventory", str(known), "--item-price", "1", "--miss-price", "0.1")
    data = _data(perfctl("cdn", "plan", *words, "--wildcards", "2", "-o", "json"))
    assert (data["items"], data["cost_usd"], data["collateral_weight"]) == (["/*"], 2.9, 19.0)
    data = _data(perfctl("cdn", "plan", *words, "--max-collateral", "0%", "-o", "json"))
    assert (data["collateral_weight"], data["exact"]) == (0.0, 20)
    assert perfctl("cdn", "plan", *words, "--max-cost", "2").returncode == 7


def test_a_plan_without_an_inventory_has_no_wildcard(perfctl: Perfctl) -> None:
    result = perfctl("cdn", "plan", "/a b", "/c*", "-o", "json", "--wildcards", "1")
    assert _data(result)["items"] == ["/*"]
    result = perfctl("cdn", "plan", "/a b", "/b", "-o", "json")
    assert (_data(result)["items"], _data(result)["cost_usd"]) == (["/a%20b", "/b"], 0.01)
    assert "no inventory" in result.stderr
