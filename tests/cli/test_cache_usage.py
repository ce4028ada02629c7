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
    ("preload", "warm.jsonl", "--value", "name"): "--value: it goes with --query\n",
    ("preload", "--call", "a:b", "--args", "c", "-n", "api"): "-n: with --call the function says it",
    ("preload", "--call", "a:b", "--args", "c", "--ttl", "5s"): "--ttl: with --call the function says it",
}


@pytest.mark.parametrize("words", CASES, ids=lambda words: " ".join(words))
def test_an_option_that_would_be_passed_over_is_refused(words: tuple[str, ...]) -> None:
    outcome = invoke("cache", *words, "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {CASES[words]}")
    assert "\n  try:    " in outcome.err
