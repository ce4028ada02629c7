"""`perfctl cache` with options that contradict each other or would be passed over: exit 2, and the option is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.frame import invoke


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration is found, and none is needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


CASES = {
    ("clear", "api", "-n", "other"): "clear: NAMESPACE 'api' and -n 'other' name two namespaces\n",
    ("clear", "--pattern", "a*", "--raw", "-n", "api"): "--raw: a whole name has no namespace\n",
    ("clear", "--reclaim", "--raw"): "--raw: it goes with --pattern\n",
    ("clear", "api", "--rate", "5"): "--rate: it paces --pattern and --reclaim, and neither is here\n",
    ("clear", "--reclaim", "--rate", "0"): "--rate: 0 is not above 0\n",
    ("clear", "--pattern", ""): "the pattern is empty\n",
    ("clear", "--tag", ""): "the tag is empty\n",
    ("clear", ""): "the namespace is empty\n",
    ("set", "k", "NaN", "--json"): "VALUE is not JSON: NaN is not a JSON value: 'NaN'\n",
    ("set", "k", "[1e999]", "--json"): "VALUE is not JSON: 1e999 is beyond what a number holds: '[1e999]'\n",
    ("set", "k", "{'a': 1}", "--json"): "VALUE is not JSON: Expecting property name enclosed in double quotes",
    ("set", "k", "v", "--ttl", "99999d"): "--ttl: '99999d' is more than 100 years\n",
    ("touch", "k", "--ttl", "0"): "--ttl: '0' is not above 0\n",
    ("top", "--monitor", "5s", "-n", "api"): "--monitor: it counts the commands on all keys, and has no use for -n\n",
    ("top", "--monitor", "5s", "--by", "big"): "--monitor: it counts the commands on all keys",
    ("top", "--monitor", "2m"): "--monitor: '2m' is not above 0 and up to 60s\n",
    ("preload", "warm.jsonl", "--value", "name"): "--value: it goes with --query\n",
    ("preload", "--call", "a:b", "--args", "c", "-n", "api"): "-n: with --call the function says it",
    ("preload", "--call", "a:b", "--args", "c", "--ttl", "5s"): "--ttl: with --call the function says it",
}


@pytest.mark.parametrize("command", ["stats", "check", "top", "dict list"])
def test_a_namespace_that_is_left_out_means_all_where_all_are_looked_at(command: str) -> None:
    assert "Only this namespace; all when left out." in invoke("cache", *command.split(), "--help").out


def test_a_module_that_ends_the_process_when_it_is_imported_is_refused(tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    outcome = invoke("cache", "preload", "--call", "leaves:f", "--args", "calls.jsonl")
    assert (outcome.code, "cannot import 'leaves': SystemExit: 3" in outcome.err) == (2, True)


@pytest.mark.parametrize("words", CASES, ids=lambda words: " ".join(words))
def test_an_option_that_would_be_passed_over_is_refused(words: tuple[str, ...]) -> None:
    outcome = invoke("cache", *words, "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {CASES[words]}")
    assert "\n  try:    " in outcome.err
