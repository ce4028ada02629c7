"""`perfctl cache simulate` as a user meets it: rows, curve, targets, wrong input, an interrupt."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.policies import POLICIES
from perfctl.cache.simulate.model import Simulated, SimulatedRow, TargetSize
from perfctl.document.envelope import Output
from perfctl.render.cache_simulate import miss_ratio_chart
from perfctl.render.chart_svg import svg_of
from perfctl.render.show import show
from tests.cli.conftest import Started
from tests.cli.frame import ROOT, Outcome, invoke
from tests.cli.golden_files import golden_of

golden = golden_of("cache")

CAPACITIES = {"0.1%": 184, "1%": 1837, "10%": 18_368, "50%": 91_840}
RATIOS = {
    "default": (0.171, 0.422, 0.723, 0.831),
    "lru": (0.169, 0.398, 0.685, 0.83),
    "opt": (0.346, 0.586, 0.8, 0.856),
}
STUDY = Simulated(
    "/var/log/requests.jsonl.zst",
    requests=1_204_311,
    unique_keys=183_680,
    default_policy="adaptive",
    rows=tuple(
        SimulatedRow(policy, size, capacity, 1_204_311, round(ratio * 1_204_311), ratio)
        for policy, ratios in RATIOS.items()
        for (size, capacity), ratio in zip(CAPACITIES.items(), ratios, strict=True)
    ),
    targets=(
        TargetSize("default", 0.8, 60_120, 0.3273, 0.8, False),
        TargetSize("lru", 0.8, 71_002, 0.3866, 0.8000001, True),
        TargetSize("opt", 0.8, 18_368, 0.1, 0.8, True),
    ),
    svg="curve.svg",
)
MANY = Simulated(
    "-",
    requests=10,
    unique_keys=5,
    default_policy="lru",
    rows=tuple(
        SimulatedRow(policy, size, capacity, 10, 3, 0.3)
        for policy in ("lru", "lfu", "fifo", "arc", "2q", "sieve", "s3fifo", "opt")
        for size, capacity in (("40%", 2), ("3", 3), ("10MB", 10_000_000))
    ),
    targets=(TargetSize("lru", 0.95, None, None, 0.5, True, "no size reaches it: only 50.0 % was asked for before"),),
    sample_ratio=0.1,
    bad_lines=1,
    bad_samples=("-:3: not JSON: Expecting value",),
)


def shown(result: Any, output: Output, width: int = 80, **how: Any) -> str:
    """The result as a user sees it."""
    words = ("cache", "simulate")
    return show(result, words=words, output=output, context="prod", limit=None, took_ms=1.0, width=width, **how)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(("name", "result"), [("simulate", STUDY), ("simulate-many", MANY)])
def test_a_drawing_is_the_golden_one(name: str, result: Any, width: int) -> None:
    drawn = shown(result, "table", width)
    assert drawn == golden(f"{name}-{width}.txt", drawn)
    assert "\x1b" not in drawn
    assert max(len(line) for line in drawn.splitlines()) <= width


@pytest.mark.parametrize(("name", "result"), [("simulate", STUDY), ("simulate-many", MANY)])
def test_off_a_terminal_it_is_the_golden_table(name: str, result: Any) -> None:
    drawn = shown(result, "plain")
    assert drawn == golden(f"{name}-plain.txt", drawn)


def test_a_terminal_without_lines_gets_ascii() -> None:
    assert shown(STUDY, "table", ascii_only=True).replace("·", "").isascii()


def test_colours_tell_the_curves_apart() -> None:
    drawn = shown(STUDY, "table", colour=True)
    assert len({line.split("m")[0] for line in drawn.split("\x1b[")[1:] if "default" in line or "opt" in line}) > 1
    assert "⠒" in drawn


def test_the_svg_is_the_golden_one_and_says_its_figures() -> None:
    drawn = svg_of(miss_ratio_chart(STUDY), title="a <title> & more")
    assert drawn == golden("simulate.svg", drawn)
    root = ET.fromstring(drawn)
    texts = [element.text for element in root.iter() if element.text and element.text.strip()]
    assert {"a <title> & more", "default (adaptive)", "lru", "opt", "miss ratio", "100 %"} <= set(texts)
    assert "lru, 1,837: 60.2 %" in texts
    assert "href" not in drawn


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put bytes on stdin."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration is found, and none is needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def simulate(*words: str) -> Outcome:
    """Run the command."""
    return invoke("cache", "simulate", *words)


TRACE = b'"a"\n"b"\n"c"\n"a"\n"b"\n'


def test_there_is_one_row_for_each_policy_and_size_that_was_named(stdin: Any) -> None:
    stdin(TRACE)
    policies, sizes = ["--policy", "opt", "--policy", "lru"], ["--size", "100%", "--size", "2"]
    code, out, err = simulate("-", *policies, *sizes, *policies[:2], *sizes[2:], "-o", "json")
    assert (code, err) == (0, "")
    data = json.loads(out)["data"]
    assert data["rows"] == [
        {"policy": "opt", "size": "100%", "capacity": 3, "requests": 5, "hits": 2, "hit_ratio": 0.4},
        {"policy": "opt", "size": "2", "capacity": 2, "requests": 5, "hits": 2, "hit_ratio": 0.4},
        {"policy": "lru", "size": "100%", "capacity": 3, "requests": 5, "hits": 2, "hit_ratio": 0.4},
        {"policy": "lru", "size": "2", "capacity": 2, "requests": 5, "hits": 0, "hit_ratio": 0.0},
    ]
    assert (data["trace"], data["requests"], data["unique_keys"]) == ("stdin", 5, 3)


def test_without_names_the_default_lru_and_the_limit_make_a_curve(stdin: Any) -> None:
    stdin(struct.pack("<2000I", *range(1000), *range(1000)))
    code, out, _ = simulate("-", "-o", "csv")
    assert code == 0
    rows = [line.split(",")[:2] for line in out.splitlines()[1:]]
    sizes = ["0.2%", "0.5%", "1%", "2%", "5%", "10%", "20%", "50%"]
    assert rows == [[policy, size] for policy in ("default", "lru", "opt") for size in sizes]


@pytest.mark.parametrize("policy", ["default", *POLICIES])
def test_every_policy_of_the_table_can_be_named(stdin: Any, policy: str) -> None:
    stdin(TRACE)
    code, out, _ = simulate("-", "--policy", policy, "--size", "3", "-o", "json")
    assert (code, json.loads(out)["data"]["rows"][0]["hits"]) == (0, 2)


def test_a_target_is_answered_for_each_policy(stdin: Any) -> None:
    stdin(TRACE)
    code, out, _ = simulate("-", "--target", "40%", "--policy", "lru", "--policy", "opt", "--size", "1", "-o", "json")
    targets = json.loads(out)["data"]["targets"]
    assert (code, [(row["policy"], row["capacity"], row["target"]) for row in targets]) == (
        0,
        [("lru", 3, 0.4), ("opt", 2, 0.4)],
    )


def test_the_curve_is_drawn_into_a_file_and_the_output_says_where(stdin: Any, tmp_path: Path) -> None:
    stdin(TRACE)
    code, out, _ = simulate("-", "--svg", "curve.svg")
    assert (code, out.splitlines()[-1]) == (0, "curve drawn to curve.svg")
    assert ET.parse(tmp_path / "curve.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert [path.name for path in tmp_path.iterdir()] == ["curve.svg"]


def test_one_size_is_warned_to_make_no_curve(stdin: Any) -> None:
    stdin(TRACE)
    code, _, err = simulate("-", "--svg", "curve.svg", "--size", "2")
    assert (code, err) == (
        0,
        "warning: --size 2 alone makes points and no curve: leave --size out to draw all sizes\n",
    )


def test_bad_lines_are_told_and_leave_6(stdin: Any) -> None:
    stdin(TRACE + b"{\n")
    code, out, _ = simulate("-", "--size", "2")
    assert (code, out.splitlines()[-1]) == (
        6,
        "  stdin:6: not JSON: Expecting property name enclosed in double quotes",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent.u32",), "cannot read absent.u32: No such file or directory"),
        (("-", "--policy", "lur"), "--policy: no policy 'lur'"),
        (("-", "--size", "1kg"), "--size: '1kg' is no size"),
        (("-", "--size", "1MB"), "--size: '1MB' is in bytes, and the trace has no sizes: line 1 says no size"),
        (("-", "--target", "95"), "--target: '95' is no share above 0 and up to 1"),
        (("-", "--target", "nan"), "--target: 'nan' is no share above 0 and up to 1"),
        (("-", "--sample", "0"), "--sample: '0' is no share above 0 and up to 1"),
        (("-", "--svg", "no/folder/x.svg"), "--svg: cannot write 'no/folder/x.svg'"),
        (("-", "--svg", "."), "--svg: cannot write '.'"),
    ],
)
def test_wrong_input_leaves_2_with_a_next_step(stdin: Any, words: tuple[str, ...], message: str) -> None:
    stdin(TRACE)
    code, out, err = simulate(*words, "-o", "json")
    error = json.loads(err)["error"]
    assert (code, out, error["message"]) == (2, "", message)
    assert error["hint"]


def test_nothing_usable_leaves_2(stdin: Any) -> None:
    stdin(b"{\n[\n")
    code, out, err = simulate("-")
    assert (code, out) == (2, "")
    assert err.startswith("error: stdin: no requests: none of its 2 lines is one: stdin:1: not JSON")


def test_a_binary_file_of_another_name_is_read_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "t.bin").write_bytes(struct.pack("<3I", 1, 2, 1))
    code, _, err = simulate("t.bin", "--size", "1")
    message = "t.bin: read as key ids of four bytes, which its name does not say: .u32 or .jsonl would"
    assert (code, err) == (0, f"warning: {message}\n")


@pytest.mark.parametrize("limit", range(1, 7))
def test_a_limit_leaves_cells_out(stdin: Any, limit: int) -> None:
    stdin(TRACE)
    policies = [word for name in ("lru", "opt") for word in ("--policy", name)]
    code, out, _ = simulate("-", *policies, "--size", "1", "--size", "2", "--size", "3", "--limit", str(limit))
    assert (code, out.count(" %")) == (0, limit)


def test_a_sample_is_said_in_the_output(stdin: Any) -> None:
    stdin(struct.pack("<2000I", *range(1000), *range(1000)))
    code, out, err = simulate("-", "--sample", "0.5", "--size", "10")
    assert code == 0
    assert "\nestimated from a sample of 50.0 % of the keys (SHARDS)\n" in out
    assert err == "warning: 10: the sample leaves fewer than 20 entries, so the estimate is rough\n"


def test_an_interrupt_leaves_130_and_the_file_as_it_was(start: Started, tmp_path: Path) -> None:
    (tmp_path / "curve.svg").write_text("as it was")
    policies = [word for name in ("opt", "lfu", "lru") for word in ("--policy", name)]
    process = start("cache", "simulate", "-", "--svg", "curve.svg", *policies, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.buffer.write(struct.pack("<1000000I", *range(500_000), *range(500_000)))
    process.stdin.flush()  # it is taken, so the run is past its start
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.splitlines()[-1]) == (130, "", "error: interrupted")
    assert (tmp_path / "curve.svg").read_text() == "as it was"


def test_on_a_terminal_there_are_progress_and_a_curve(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "t.u32").write_bytes(struct.pack("<200000I", *([*range(1000)] * 200)))
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "perfctl", "cache", "simulate", "t.u32", "--policy", "lru"]
    environment = {**home, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(command, stdout=slave, stderr=slave, cwd=tmp_path, env=environment)
    os.close(slave)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    assert process.wait(30) == 0
    text = seen.decode()
    assert "replaying, requests: 65 536 of 1 600 000" in text
    assert "miss ratio:" in text
    assert "hit ratio" in text
