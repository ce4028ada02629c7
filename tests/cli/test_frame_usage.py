"""Wrong command lines: exit 2, three lines that name the flag or word and what may have been meant."""

from __future__ import annotations

import json

import pytest

from perfctl.cli.options import glimpse
from tests.cli.frame import invoke

CASES = {
    ("frmae",): "error: perfctl: no command 'frmae'\n  try:    did you mean perfctl frame?\n",
    ("help",): "error: perfctl: no command 'help'\n  try:    perfctl --help, or perfctl COMMAND --help\n",
    ("slow",): "error: perfctl: no command 'slow'\n  try:    did you mean perfctl db slow?\n",
    ("frame", "rosw"): "error: perfctl frame: no command 'rosw'\n  try:    did you mean perfctl frame rows?\n",
    ("frame", "rows", "1", "--foo"): (
        "error: perfctl frame rows: no option '--foo'\n  set by: --foo\n  try:    perfctl frame rows --help lists the"
    ),
    ("frame", "rows", "1", "--limt", "3"): (
        "error: perfctl frame rows: no option '--limt'\n  set by: --limt\n  try:    did you mean --limit?\n"
    ),
    ("frame", "rows"): "error: perfctl frame rows: COUNT is missing\n  try:    such as: perfctl frame rows 3\n",
    ("frame", "rows", "three"): "error: COUNT: 'three' is not a whole number\n",
    ("frame", "rows", "-1"): (
        "error: perfctl frame rows: no option '-1'\n  set by: -1\n"
        "  try:    a value that begins with - stands after --: perfctl frame rows ... -- -1\n"
    ),
    ("frame", "rows", "1", "2"): "error: perfctl frame rows: got unexpected extra argument(s) (2)\n",
    ("frame", "rows", "1", "--limit"): "error: option '--limit' requires an argument\n",
    ("frame", "rows", "1", "--limit", "-1"): "error: --limit: '-1' is not a number of rows\n",
    ("frame", "rows", "1", "--limit", "9" * 5000): "error: --limit: '9999",
    ("frame", "rows", "9" * 5000): "error: COUNT: '9999",
    ("frame", "rows", "1", "--limit", "٣"): "error: --limit: '٣' is not a number of rows\n",
    ("frame", "rows", "1", "-o", "jsn"): "error: --output: 'jsn' is not one of auto, table, plain, json, ndjson, csv\n",
    ("frame", "rows", "1", "-c", ""): "error: --context: the value is empty\n",
    ("frame", "rows", "1", "-c", "a\nb"): "error: --context: 'a\\nb' has a character that is not printable\n",
    ("frame", "rows", "1", "--lock", "redis:"): "error: --lock: a name has 1 to 200 characters\n",
    ("frame", "rows", "1", "--timeout", "0"): "error: --timeout: '0' is out of range\n",
    ("frame", "rows", "1", "--timeout", "soon"): "error: --timeout: 'soon' is not a duration",
    ("frame", "rows", "1", "--deadline", "9" * 400): "error: --deadline: '9999",
    ("frame", "rows", "1", "--ci", "gitlab"): "error: --ci: 'gitlab' is no report\n",
    ("frame", "rows", "1", "--ci", "github"): "error: --ci: perfctl frame rows makes no checks\n",
    ("frame", "rows", "1", "--quiet=yes"): "error: option '--quiet' does not take a value\n",
    ("frame", "destroy", "--max-affected", "-1"): "error: --max-affected: -1 is not in the range x>=0\n",
    ("frame", "rows", "caf\udce9"): "error: argument 3: 'caf\\udce9' is not text in UTF-8\n",
    ("frame", "rows", "a\0b"): "error: argument 3: 'a\\x00b' holds a NUL\n",
    ("frame", "--", "--rows"): "error: perfctl frame: no command '--rows'\n",
    ("schema", "cache", "stat"): "error: no command 'cache stat'\n  try:    did you mean 'cache stats'?\n",
    ("-q",): "error: perfctl: a command is missing\n",
    ("",): "error: perfctl: no command ''\n",
}  # fmt: skip


@pytest.mark.parametrize("words", CASES, ids=lambda words: " ".join(words)[:40].encode("ascii", "replace").decode())
def test_a_wrong_line_is_explained(words: tuple[str, ...]) -> None:
    outcome = invoke(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(CASES[words])
    assert outcome.err.count("\n") <= 3


@pytest.mark.parametrize(
    "asking",
    [("-o", "json"), ("-ojson",), ("--output", "json"), ("--output=json",), ("-qojson",), ("-yo", "json")],
    ids=" ".join,
)
@pytest.mark.parametrize("wrong", [("frame", "rosw"), ("frame", "rows", "--limt"), ("nonsense",)], ids=" ".join)
def test_an_error_is_json_where_json_is_asked_for_anywhere(asking: tuple[str, ...], wrong: tuple[str, ...]) -> None:
    for line in ((*asking, *wrong), (*wrong, *asking)):
        outcome = invoke(*line)
        error = json.loads(outcome.err)["error"]
        assert (outcome.code, outcome.out, error["code"], error["kind"]) == (2, "", 2, "usage")
        assert list(error) == ["code", "kind", "message", "hint", "where"]


@pytest.mark.parametrize(
    "line",
    [
        ("-o", "json", "frame", "rows", "1"),
        ("frame", "-o", "json", "rows", "1"),
        ("frame", "rows", "-o", "json", "1"),
        ("frame", "rows", "1", "--output=json"),
        ("frame", "rows", "1", "-qojson"),
        ("-ocsv", "frame", "rows", "1", "-ojson"),
    ],
    ids=" ".join,
)
def test_global_options_stand_anywhere_and_the_last_one_counts(line: tuple[str, ...]) -> None:
    assert json.loads(invoke(*line).out)["meta"]["shown"] == 1


def test_nothing_after_two_dashes_is_an_option() -> None:
    outcome = invoke("frame", "fail", "--", "-ojson")
    assert (outcome.code, outcome.err.partition(":")[0]) == (70, "error")


def test_counted_options_add_up_on_both_sides_of_the_words() -> None:
    assert "looked twice" in invoke("-v", "frame", "warn").err
    assert "looked twice" not in invoke("frame", "warn").err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["cache", "get", "k", "-qojson", "--context=prod"], {"quiet": "", "output": "json", "context": "prod"}),
        (["--", "-ojson"], {}),
        (["-c", "-o", "json"], {"context": "-o"}),
        (["-o"], {}),
        (["--unknown", "-x", "-o=json"], {"output": "=json"}),
    ],
)
def test_a_line_is_glimpsed_without_the_parser(line: list[str], expected: dict[str, str]) -> None:
    assert glimpse(line) == expected


@pytest.mark.parametrize(
    ("flag", "url"),
    [
        ("--dsn", "postgresql://app:canary@db/app"),
        ("--dsn", "host=db password=canary"),
        ("--redis-url", "redis://:canary@cache:6379"),
        ("--redis-url", "rediss://app:canary@cache:6379/0"),
    ],
)
def test_a_password_on_the_line_is_refused_and_not_repeated(flag: str, url: str) -> None:
    outcome = invoke("frame", "rows", "1", flag, url)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {flag}: a password on the command line")
    assert "canary" not in outcome.err
