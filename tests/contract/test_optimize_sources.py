"""Every source of findings is a file with a row; what it finds says what it rests on, and names commands that exist."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlglot

import perfctl.operations.optimizing.sources
from perfctl.cache.model.servers import NodeStats
from perfctl.cache.model.shared import NamespaceStats, SharedStats
from perfctl.cdn.model.logs import LogMisses, MissReason
from perfctl.cdn.model.spending import CostLeader, InvalidationSpending, MonthSpent, RepeatedItem
from perfctl.cli.root import command_line
from perfctl.config import Settings, load_settings
from perfctl.diagnosis import Check, diagnose
from perfctl.operations.optimizing.asked import Asked, Found, Skipped
from perfctl.operations.optimizing.commands import sql_in
from perfctl.operations.optimizing.model import CommandKind, Finding
from perfctl.operations.optimizing.ranking import ranked
from perfctl.operations.optimizing.sources import SOURCES, look_of

FULL = NodeStats(
    "127.0.0.1:6379",
    used_memory_bytes=99_000_000,
    max_memory_bytes=100_000_000,
    maxmemory_policy="noeviction",
    evicted_keys=5_000,
    hits=50_000,
    misses=50_000,
    hit_ratio=0.5,
)
SHORT_LIVED = NamespaceStats("user's api", 100, 9_000, 400, 1600, 0.2, 100, 300, 1600, evictions=900)
READ_ONCE = NamespaceStats("once", 1600, 9_000, 100, 1600, 0.06, 0, 100, 1600)
WELL = NamespaceStats("well", 1000, 9_000, 9_900, 100, 0.99, 9_000, 900, 1000)
SPENT = InvalidationSpending(
    since="2026-11-01T00:00:00+00:00",
    distributions=("E1",),
    is_whole_account=True,
    invalidations=90,
    items=2000,
    wildcards=1500,
    tags=0,
    free_items=1000,
    item_price_usd=0.005,
    months=(MonthSpent("2026-11", 2000, 0, 5.0),),
    folders=(CostLeader("E1", "/img/", 1500, 0.75, 7.5),),
    repeated=(RepeatedItem("E1", "/it's new/*", 1400, 7.0), RepeatedItem("E1", "tag:stocks", 60, 0.3)),
    rows=(),
)
MISSES = LogMisses(
    requests=10_000,
    malformed=0,
    left_out=0,
    files=1,
    truncated_files=0,
    bytes_read=1,
    first_at=None,
    last_at=None,
    misses=4_000,
    miss_ratio=0.4,
    sampled_ratio=1.0,
    parameters=(),
    rows=(
        MissReason("short TTL", 3_000, 0.75, "/api/a", "a longer s-maxage"),
        MissReason("rare", 100, 0.02, None, "-"),
    ),
)
CDN_CHECKS = (
    Check("cdn.compression", "switch", "warn", "Compress is false", "Compress: true: perfctl cdn apply FILE",
          objects=("/it's/*", "default")),
    Check("cdn.compression", "text uncompressed", "warn", "text comes uncompressed",
          "perfctl cdn headers URL names the condition that fails", objects=("/css/a b.css: 12 kB",)),
    Check("cdn.viewer", "ipv6", "warn", "IPv6 is off", "IsIPV6Enabled: true with perfctl cdn apply FILE"),
    Check("cdn.ttl", "stale", "fail", "no stale-while-revalidate", "Cache-Control: ..., stale-while-revalidate=60"),
)  # fmt: skip
CACHE_CHECKS = (
    Check("cache user's api", "keys without a TTL", "fail", "60 % never expire", "perfctl cache top --by no-ttl"),
    Check("cache user's api", "value size", "warn", "the biggest takes 2 MB", "perfctl cache top --by big"),
    Check("redis 127.0.0.1:6379", "fragmentation", "warn", "1.80", "CONFIG SET activedefrag yes"),
)
DATABASE_CHECKS = (
    Check("indexes", "unused_indexes", "warn", "2 were never read, 9 MB", "DROP INDEX CONCURRENTLY public.a_idx;",
          value=2.0, unit="count", threshold=1.0, objects=("public.a_idx (9 MB)",)),
    Check("bloat", "table_bloat", "warn", "t", "VACUUM FULL public.t; locks it for the while; pg_repack does not",
          value=0.5, unit="ratio", threshold=0.3),
    Check("vacuum", "dead_tuples", "fail", "t",
          "VACUUM (ANALYZE) public.t; and find what keeps autovacuum from it: perfctl db check transactions"),
    Check("settings", "settings_planner", "warn", "random_page_cost is 4",
          "ALTER SYSTEM SET random_page_cost = 1.1; SELECT pg_reload_conf();"),
    Check("settings", "settings_memory", "warn", "shared_buffers is 128 MB",
          "ALTER SYSTEM SET shared_buffers = a quarter of the machine's memory; and a restart"),
    Check("checkpoints", "checkpoints", "warn", "80 % were asked for",
          "ALTER SYSTEM SET max_wal_size = ...; twice of now; SELECT pg_reload_conf();"),
    Check("connections", "connections", "warn", "90 of 100", "close idle ones (perfctl db activity --all)"),
    Check("foreign_keys", "foreign_keys", "warn", "1", "CREATE INDEX CONCURRENTLY ON public.t (a);"),
)  # fmt: skip


def answering(value: Any) -> Any:
    async def answer(*_: object, **__: object) -> Any:
        return value

    return answer


def planted() -> Asked:
    """Engines that answer with faults, so that each finding is made without a server."""
    settings = Settings()
    settings = replace(
        settings,
        cache=replace(settings.cache, redis_url="redis://127.0.0.1:1"),
        cdn=replace(settings.cdn, distribution_id="E1", logs=("logs/",)),
        database=replace(settings.database, host="127.0.0.1"),
    )
    rows = (SHORT_LIVED, READ_ONCE, WELL)
    stats = SharedStats(rows, 0, 0, 0, 0, None, None, nodes=(FULL,))
    operator = SimpleNamespace(stats=answering(stats), check=answering(list(CACHE_CHECKS)))
    statistics = SimpleNamespace(waits=900, wait_ms=90_000.0, in_use=0, idle=0)
    optimizer = SimpleNamespace(
        settings=settings,
        cache=SimpleNamespace(operator=operator),
        cdn=SimpleNamespace(
            check_distribution=answering(diagnose(CDN_CHECKS)),
            invalidation_spending=answering(SPENT),
            logs=SimpleNamespace(misses=answering(MISSES)),
        ),
        database=SimpleNamespace(
            check=answering(diagnose(DATABASE_CHECKS)), pool=SimpleNamespace(statistics=lambda: statistics)
        ),
    )
    return Asked(cast("Any", optimizer), limit_seconds=5.0)


ALONE = ("redis", "cache_tier", "ttls", "cdn_checks", "invalidations", "cdn_logs", "database_checks", "pool")
"""Sources that can be asked without a server; the others are tried on real ones, in the tests of integration."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))


def looked(source: str) -> list[Found]:
    async def look() -> list[Found]:
        asked = planted()
        try:
            return list(await look_of(source).look(asked))
        finally:
            await asked.close()

    return asyncio.run(look())


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    folder = Path(perfctl.operations.optimizing.sources.__file__).parent
    files = {file.stem for file in folder.glob("*.py") if "\nasync def look(" in file.read_text(encoding="utf-8")}
    assert files == set(SOURCES)
    assert files | {"__init__"} == {file.stem for file in folder.glob("*.py")}


@pytest.mark.parametrize("source", ALONE)
def test_every_finding_says_what_it_rests_on_and_what_to_run(source: str, tmp_path: Path) -> None:
    found = looked(source)
    assert found
    for each in found:
        assert each.finding.source == source
        judge(each.finding, tmp_path)
    assert len({each.finding.id for each in found}) == len(found)


def judge(finding: Finding, folder: Path) -> None:
    """What holds of every finding, whoever found it."""
    assert finding.evidence
    assert all(each.name and each.observed for each in finding.evidence)
    assert finding.gain.text == "unknown" if finding.gain.value is None else finding.gain.unit
    assert finding.gain.how
    assert finding.risk_why
    exists(finding.command, finding.command_kind, folder)
    if finding.reverse:
        exists(finding.reverse, "perfctl" if finding.reverse.startswith("perfctl") else finding.command_kind, folder)


def exists(command: str, kind: CommandKind, folder: Path) -> None:
    """Whether whoever would run it could read it."""
    if kind == "sql":
        assert all(sqlglot.parse(command, dialect="postgres"))
    elif kind == "perfctl":
        parsed(command)
    elif kind == "yaml":
        file = folder / "perfctl.yaml"
        file.write_text(command + "\n", encoding="utf-8")
        load_settings(config_file=str(file), environ={})
    else:
        words = command.split()
        assert words[:2] == ["CONFIG", "SET"]
        assert len(words) == 4


def parsed(line: str) -> None:
    """Read by the command line's own parser; a word or an option that is not there raises."""
    words = shlex.split(line.rpartition(" | ")[2])
    assert words[0] == "perfctl"
    command: Any = command_line()
    context, arguments, name = None, words[1:], "perfctl"
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, list(arguments), parent=context)
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, list(arguments), parent=context)


def test_the_worst_stands_first_and_an_index_that_two_want_stands_once() -> None:
    found = [each for source in ALONE for each in looked(source)]
    rows = [each.finding for each in ranked([*found, *found])]
    assert len(rows) == len({row.id for row in rows})
    grave = ["critical", "warning", "info"]
    assert [row.severity for row in rows] == sorted((row.severity for row in rows), key=grave.index)
    assert rows[0].severity == "critical"


def test_nothing_that_destroys_or_restarts_is_ever_applied() -> None:
    for source in ALONE:
        assert not any(each.step or each.finding.is_safe for each in looked(source))


@pytest.mark.parametrize(
    ("advice", "statement"),
    [
        ("VACUUM FULL public.t; locks it for the while; pg_repack does not", "VACUUM FULL public.t;"),
        ("ALTER SYSTEM SET a = 1; SELECT pg_reload_conf();", "ALTER SYSTEM SET a = 1; SELECT pg_reload_conf();"),
        ("REINDEX INDEX CONCURRENTLY public.a; or DROP INDEX CONCURRENTLY public.a;",
         "REINDEX INDEX CONCURRENTLY public.a;"),
        ("ALTER SYSTEM SET shared_buffers = a quarter of the machine's memory; and a restart", None),
        ("CREATE INDEX CONCURRENTLY ON ... (a text_pattern_ops)", None),
        ("close idle ones (perfctl db activity --all)", None),
        ("ALTER TABLE ... ALTER COLUMN ... TYPE bigint for a: it rewrites the table, so plan it", None),
    ],
)  # fmt: skip
def test_only_a_statement_without_a_gap_is_taken_from_advice(advice: str, statement: str | None) -> None:
    assert sql_in(advice) == statement


def test_what_is_not_configured_is_skipped_with_its_reason() -> None:
    asked = planted()
    asked.optimizer.settings = Settings()
    for source in ("redis", "cache_tier", "dictionaries", "ttls", "invalidations", "cdn_logs"):
        with pytest.raises(Skipped, match="configured"):
            asyncio.run(look_of(source).look(asked))
