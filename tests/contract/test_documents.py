"""Every command prints one JSON document that its schema describes. A command without a row fails the suite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from perfctl.cli.schema import every_command
from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers


@dataclass(frozen=True, slots=True)
class Row:
    """How a command is run, and the exit codes at which it prints its document."""

    line: str
    """What follows the command's own words, separated by blanks; `|` stands for a blank within a word."""
    exits: tuple[int, ...] = (0,)
    stdin: str | None = None


PLAN = "Seq Scan on t  (cost=0.00..1.05 rows=5 width=4) (actual time=0.010..0.020 rows=5.00 loops=1)\n"
PLANS = str(Path(__file__).parents[1] / "fixtures" / "db").replace(" ", "|")
EDGE = str(Path(__file__).parents[1] / "fixtures" / "edge").replace(" ", "|")
LOG = "#Fields: date time x-edge-location sc-bytes cs-method cs-uri-stem sc-status x-edge-result-type\n" + "".join(
    f"2026-05-01\t10:00:0{second}\tFRA56-P3\t900\tGET\t/a.css\t200\t{result}\n"
    for second, result in enumerate(("Miss", "Hit", "Hit", "Error"))
)
LOG_WORDS = ("report", "top", "misses", "errors", "pops", "latency")

ROWS: Mapping[str, Row] = {
    "sandbox up": Row("--no-seed"),
    "sandbox status": Row(""),
    "sandbox env": Row(""),
    "sandbox logs": Row("--lines 1"),
    "sandbox reset": Row("--dry-run"),
    "sandbox down": Row("--name never-was"),
    "health": Row("--deep", exits=(0, 1)),
    "db slow": Row("", exits=(0,)),
    "db stats": Row("--by query"),
    "db history record": Row(""),
    "db history list": Row(""),
    "db history prune": Row("--keep 1d --dry-run"),
    "db query": Row("SELECT|1|AS|a"),
    "db analyze": Row("SELECT|1"),
    "db activity": Row("--all"),
    "db locks": Row(""),
    "db watch": Row("--count 1"),
    "db report": Row("-f made.html --redact", exits=(0, 6)),
    "db baseline record": Row("made.json --force -f -", stdin="SELECT 1; SELECT 2, 3"),
    "db check": Row("--all-databases", exits=(0, 1)),
    "db doctor": Row("", exits=(0, 1)),
    "db plan": Row("-", stdin=PLAN),
    "db plan diff": Row(f"- {PLANS}/plan_parallel_15.json", stdin=PLAN),
    "cache get": Row("absent -n contract", exits=(1,)),
    "cache set": Row("a 1 -n contract"),
    "cache delete": Row("a -n contract", exits=(0, 1)),
    "cache exists": Row("absent -n contract", exits=(1,)),
    "cache ttl": Row("absent -n contract", exits=(1,)),
    "cache touch": Row("absent -n contract", exits=(1,)),
    "cache top": Row("--by big"),
    "cache inspect": Row("absent -n contract", exits=(1,)),
    "cache dict train": Row("contract --dry-run", exits=(1,)),
    "cache dict list": Row(""),
    "cache check": Row("", exits=(0, 1)),
    "cache clear": Row("contract --yes"),
    "cache preload": Row("- -n contract", stdin='{"key": "a", "value": 1}\n{"key": "b", "value": [2]}\n'),
    "cache stats": Row(""),
    "cache simulate": Row("- --size 2 --target 0.5", stdin='"a"\n"b"\n"a"\n"c"\n"b"\n'),
    "cache doctor": Row("", exits=(0, 1)),
    "cdn invalidate": Row("/img/* --yes"),
    "cdn plan": Row("/a /b"),
    "cdn status": Row(""),
    "cdn queue status": Row(""),
    "cdn queue run": Row(""),
    "cdn queue drain": Row(""),
    "cdn queue cancel": Row("--all --dry-run"),
    "cdn invalidations": Row("--cost"),
    "cdn preload": Row("/ --encoding gzip"),
    "cdn optimize": Row(f"{PLANS}/plan_parallel_15.json --dry-run"),
    "cdn logs generate": Row("made-logs --lines 200 --urls 20"),
    "cdn simulate": Row("- --ttl 1h --shield auto", stdin=LOG),
    **{f"cdn {words}": Row("-", stdin=LOG) for words in ("stats", *(f"logs {word}" for word in LOG_WORDS))},
    "cdn edge lint": Row(f"{EDGE}/rewrite.js"),
    "cdn edge run": Row(f"{EDGE}/rewrite.js --url /"),
    "cdn edge test": Row(EDGE),
    "cdn edge package": Row(f"{EDGE}/rewrite.js"),
    "cdn edge deploy": Row("normalize-url --dry-run"),
    "cdn metrics": Row("--since 1h"),
    "cdn headers": Row("/"),
    "cdn check": Row("", exits=(0, 1)),
    "cdn diff": Row("-", stdin="IsIPV6Enabled: true\n", exits=(0, 1)),
    "cdn apply": Row("- --dry-run", stdin="IsIPV6Enabled: true\n"),
    "cdn doctor": Row("", exits=(0, 1)),
    "metrics alerts": Row("--evaluate"),
    "metrics show": Row(""),
    "metrics watch": Row("--count 1 --interval 100ms --by route"),
    "metrics report": Row("--since 1h -f measured.html"),
    "metrics check": Row("host.memory.used|>|0 cpu_usage_percent|<=|101%", exits=(0,)),
    "metrics compare": Row("--a true --b true --pairs 5", exits=(0, 1)),
    "metrics record": Row("--once --every 100ms"),
    "metrics export": Row("--format openmetrics"),
    "optimize": Row("", exits=(0, 6)),
    "config init": Row("--path made.yaml --force"),
    "config show": Row(""),
    "config validate": Row(""),
    "schema": Row(""),
    "completion": Row("bash"),
}

ELSEWHERE: Mapping[str, str] = {
    "serve": "it ends when it is told to: tests/integration/test_serve.py",
    "demo": "it starts a sandbox of its own: `make demo`",
    "cdn edge rollback": "it needs a function with a version before: the tests of deploying, at the edge",
    "config schema": "what it prints is itself a schema: the tests of the configuration",
}
"""Commands that this suite cannot run, and where they are tried instead."""


def test_every_command_has_a_row() -> None:
    known = {" ".join(command.words) for command in every_command()}
    assert known == set(ROWS) | set(ELSEWHERE)


@pytest.mark.parametrize("words", ROWS)
def test_a_command_prints_one_document_that_its_schema_describes(sandbox: RunningSandbox, words: str) -> None:
    row = ROWS[words]
    arguments = [word.replace("|", " ") for word in row.line.split()]
    ran = sandbox.perfctl(*words.split(), *arguments, "-o", "json", input=row.stdin)
    assert ran.returncode in row.exits, ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr
    document = json.loads(ran.stdout)
    schema = json.loads(sandbox.perfctl("schema", *words.split()).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())
    assert ran.stdout.count("\n") == 1
