"""Generated command lines: an exit code of the table, no traceback, no hang, and an exit 2 that names what is wrong."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from perfctl.cli.entries import ENTRIES, every_line
from perfctl.cli.options import OPTIONS, glimpse
from tests.cli.frame import ROOT, invoke

IS_SOAK = bool(os.environ.get("PERFCTL_SOAK"))
LINES = 2500 if IS_SOAK else 200
PROCESSES = 200 if IS_SOAK else 12

TABLE = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

STARTS_SERVERS = {("sandbox", "up"), ("sandbox", "reset"), ("demo",)}

DEAD = {
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PORT": "1",
    "DB_HOST": "127.0.0.1",
    "DB_PORT": "1",
    "DB_NAME": "app",
    "DB_USER": "app",
    "CLOUDFRONT_DISTRIBUTION_ID": "E1FUZZ",
    "AWS_ENDPOINT_URL_CLOUDFRONT": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "PERFCTL_EDGE_URL": "http://127.0.0.1:1",
}
"""Every address is one where nobody listens, so that no line can harm anything."""

LIMITS = ("--timeout", "200ms", "--deadline", "5s")

flags = sorted(flag for option in OPTIONS.values() for flag in option.flags if flag not in ("--deadline", "--jitter"))
own_flags = """
    -n --namespace --dry-run --wait --ttl --by --allow-write --max-affected --name --with --help -h --version
""".split()  # noqa: SIM905 - a list of words
values = [
    *"""
    - -- -1 0 1 7 json csv table prod x * /img/* 1e309 nan redis://u:pw@h ../../etc file.jsonl é東🎉 true 200ms = %s{}
    """.split(),  # noqa: SIM905 - a list of words
    *("", "a b", "9" * 5000, "SELECT 1", "SELECT 1; SELECT 2", "\udc80", "a\0b", "\x1b[2J", "\n"),
]

word = st.sampled_from([*ENTRIES, *(command for entry in ENTRIES.values() for command in entry.commands)])
junk = st.one_of(
    st.sampled_from(values),
    st.sampled_from(flags),
    st.sampled_from(own_flags),
    word,
    st.text(max_size=12),
    st.builds("{}={}".format, st.sampled_from(flags + own_flags), st.sampled_from(values)),
    st.builds("{}{}".format, st.sampled_from(["-o", "-c", "-q", "-y", "-v"]), st.text(max_size=4)),
)
start = st.one_of(st.sampled_from(every_line()).map(list), st.lists(word, max_size=3), st.lists(junk, max_size=2))
line = st.tuples(st.lists(junk, max_size=2), start, st.lists(junk, max_size=6)).map(
    lambda parts: [*parts[0], *parts[1], *parts[2]]
)


def is_harmless(words: list[str]) -> bool:
    """Whether a line can start no server, whatever else it says."""
    return not any(set(dangerous) <= set(words) for dangerous in STARTS_SERVERS)


@pytest.fixture(scope="module", autouse=True)
def dead_world() -> Iterator[None]:
    """An empty home, an empty folder, and nobody at any address."""
    before, here, stdin = dict(os.environ), Path.cwd(), sys.stdin
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({**DEAD, "HOME": folder, "PERFCTL_STATE_DIR": f"{folder}/state"})
        os.chdir(folder)
        sys.stdin = io.TextIOWrapper(io.BytesIO(b""))
        try:
            yield
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
            sys.stdin = stdin


@settings(
    max_examples=LINES,
    derandomize=not IS_SOAK,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(words=line)
def test_a_generated_line_ends_as_the_contract_says(words: list[str]) -> None:
    assume(is_harmless(words))
    outcome = invoke(*LIMITS, *words)
    assert outcome.code in TABLE, outcome.err
    assert "Traceback" not in outcome.err or "debug" in glimpse(words)
    assert outcome.out == "" or outcome.code in (0, 1, 6)
    if outcome.code == 2:
        assert names_what_is_wrong(outcome.err, words), outcome.err


def names_what_is_wrong(err: str, words: list[str]) -> bool:
    """Whether an error repeats a word of its line, says which argument it was, or what is missing."""
    forms = {form for word in words for form in (word.partition("=")[0], repr(word)[1:-1][:20], word[:20])}
    forms |= {f"-{repr(letter)[1:-1]}" for word in words if word.startswith("-") for letter in word[1:]}
    shown = {form for form in forms if form.strip()} | {
        "''",
        "***",
        "cannot read .",
        "is empty",
        "missing",
        "argument ",
    }
    return any(form in err for form in shown)


@settings(
    max_examples=PROCESSES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(words=line)
def test_a_generated_line_ends_so_in_a_process_of_its_own(words: list[str]) -> None:
    assume(is_harmless(words) and not any("\0" in word for word in words))
    with contextlib.suppress(UnicodeEncodeError):
        run = subprocess.run(
            [sys.executable, "-m", "perfctl", *LIMITS, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
        assert run.returncode in TABLE, run.stderr
        assert b"Traceback" not in run.stderr or "debug" in glimpse(words)
        assert run.stdout == b"" or run.returncode in (0, 1, 6)
