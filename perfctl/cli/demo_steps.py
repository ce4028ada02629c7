"""What the demo shows, step by step, and what each step must come to."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from perfctl.cli.demo_stage import CONTEXT, Stage, Step, expect
from perfctl.db.sqltext import fingerprint, statements
from perfctl.optimizer import PerformanceOptimizer
from perfctl.sandbox.seed.data import script

KEYS = 10_000
KNOWN = 12_000
"""Keys that the application asks for: more than were preloaded, so that there are misses to see."""
READS = 40_000
NAMESPACE = "demo"

READING = """
async with PerformanceOptimizer.from_file("perfctl.yaml") as performance_optimizer:
    for symbol in zipf(40_000):                       # the popular ones again and again
        await performance_optimizer.cache.get_or_set(symbol, quote, namespace="demo")
"""


def _up(stage: Stage) -> None:
    stage.show("sandbox", "up")
    services = stage.ask("sandbox", "status")["rows"]
    down = [service["service"] for service in services if service["state"] != "running"]
    expect(len(services) >= 3 and not down, f"not every server runs: {down or services}")


def _preload(stage: Stage) -> None:
    (stage.folder / "quotes.jsonl").write_text("\n".join(_quotes()) + "\n")
    stage.show("-c", CONTEXT, "cache", "preload", "quotes.jsonl", "-n", NAMESPACE)
    keys = _namespace(stage)["keys"]
    expect(keys == KEYS, f"{keys} keys are there, not {KEYS}")


def _read(stage: Stage) -> None:
    stage.code(READING, _zipf_reads)
    stage.show("-c", CONTEXT, "cache", "stats")
    ratio = _namespace(stage)["hit_ratio"]
    expect(ratio is not None and 0.8 < ratio < 1, f"a hit ratio of {ratio} after a skewed load")


def _clear(stage: Stage) -> None:
    stage.show("-c", CONTEXT, "cache", "clear", NAMESPACE, "--yes")
    expect(_namespace(stage)["keys"] == 0, "there are keys left")


def _slow(stage: Stage) -> None:
    stage.show("-c", CONTEXT, "db", "slow", "--limit", "6")
    rows = stage.ask("-c", CONTEXT, "db", "slow", "--limit", "6")["rows"]
    expect(len(rows) == 6, f"{len(rows)} shapes of slow query, not 6")
    expect(rows[0]["total_ms"] >= rows[-1]["total_ms"] > 0, "the slowest is not first")


def _analyze(stage: Stage) -> None:
    statement = _slowest_statement(stage)
    stage.show("-c", CONTEXT, "db", "analyze", statement)
    report = stage.ask("-c", CONTEXT, "db", "analyze", statement)
    expect(report["analyzed"] and report["execution_ms"] > 0, "the statement was not run")


def _invalidate(stage: Stage) -> None:
    image = ("-c", CONTEXT, "cdn", "headers", "/img/7.jpg")
    stage.ask(*image)
    before = stage.ask(*image)["cache"]
    line = ("cdn", "invalidate", "/img/*", "--wait", "--verify", "/img/7.jpg", "--yes")
    proved = stage.show("-c", CONTEXT, *line)
    expect(before == "hit", f"the edge had not cached the image: {before}")
    expect(re.search(r"^yes\s.*\bhit\b.*\bmiss\b", proved, re.MULTILINE) is not None, "the edge still had the image")


def _metrics(stage: Stage) -> None:
    stage.show("-c", CONTEXT, "metrics", "show")
    figures = stage.ask("-c", CONTEXT, "metrics", "show")
    measured = [
        name for name in ("cache_hit_rate", "database_query_time_ms", "memory_usage_mb") if figures[name] is None
    ]
    expect(not measured, f"not measured: {', '.join(measured)}")


def _health(stage: Stage) -> None:
    stage.show("-c", CONTEXT, "health")
    status = stage.ask("-c", CONTEXT, "health")["status"]
    expect(status in ("pass", "warn"), f"health is {status}")


def _down(stage: Stage) -> None:
    stage.show("sandbox", "down")
    left = [service["service"] for service in stage.ask("sandbox", "status")["rows"] if service["state"] == "running"]
    expect(not left, f"still running: {', '.join(left)}")


STEPS = (
    Step("Real servers", "Valkey, PostgreSQL 18 and a local CloudFront, from wheels, on free ports of 127.0.0.1.", _up),
    Step("Warm the cache", "10 000 quotes from a file, one JSON line each.", _preload),
    Step("Read from it", "An application reads 40 000 times; every process counts into the same figures.", _read),
    Step("Clear a namespace", "By SCAN and UNLINK in small batches. Without --yes it would ask, or refuse.", _clear),
    Step("What is slow?", "The day's load left its traces in pg_stat_statements.", _slow),
    Step("Why is it slow?", "The slowest statement, run in a transaction that is rolled back.", _analyze),
    Step("Make the edge forget", "A hit before the invalidation, a miss after it.", _invalidate),
    Step("What is measured?", "What was not measured says why; it is never 0.", _metrics),
    Step("Is it well?", "Exit code 0: pass or warn. 1: fail, and what to mend.", _health),
    Step("Everything down again", "No process, no port and no file stays.", _down),
)


def _quotes() -> Iterator[str]:
    for number in range(KEYS):
        yield json.dumps({"key": f"quote:{number}", "value": _quote(number), "ttl": 3600})


def _quote(number: int) -> dict[str, object]:
    return {"symbol": f"S{number:05}", "bid": number / 100, "ask": number / 100 + 0.01, "venue": "XNAS"}


async def _zipf_reads(performance_optimizer: PerformanceOptimizer) -> None:
    """The reads that READING shows: ranks by a Zipf law of exponent 1."""
    ranks = random.Random(11).choices(range(KNOWN), weights=[1 / (rank + 1) for rank in range(KNOWN)], k=READS)  # noqa: S311
    for rank in ranks:
        await performance_optimizer.cache.get_or_set(f"quote:{rank}", partial(_quote, rank), namespace=NAMESPACE)


def _namespace(stage: Stage) -> Any:
    rows = stage.ask("-c", CONTEXT, "cache", "stats")["rows"]
    found = [row for row in rows if row["namespace"] == NAMESPACE]
    return found[0] if found else {"keys": 0, "hit_ratio": None}


def _slowest_statement(stage: Stage) -> str:
    """The statement of the load, with its values, whose shape cost most."""
    by_shape = {fingerprint(statement): statement for statement in statements(script("load_slow.sql"))}
    rows = stage.ask("-c", CONTEXT, "db", "slow", "--by", "mean", "--limit", "0")["rows"]
    found = [by_shape[row["fingerprint"]] for row in rows if row["fingerprint"] in by_shape]
    expect(bool(found), "no statement of the load is among the slow ones")
    return " ".join(word for line in found[0].splitlines() if not line.startswith("--") for word in line.split())
