"""`python -m tests.plans_corpus FOLDER [CODE ...] [--fixtures] [--pg18]`: run the cases on real servers."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from perfctl.errors import ServiceError
from tests.plans_corpus.case import Case
from tests.plans_corpus.healthy import healthy, twins
from tests.plans_corpus.planted import planted
from tests.plans_corpus.seeds import SEEDS, VACUUMED
from tests.postgres_server import PostgresServer, postgres_server

FIXTURES = Path(__file__).parent.parent / "fixtures" / "plans"
_SERVER = {
    "shared_buffers": "768MB",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "synchronous_commit": "off",
    "track_io_timing": "off",
    "max_parallel_workers": "4",
}
_SESSION = {
    "random_page_cost": "1.1",
    "effective_cache_size": "'4GB'",
    "work_mem": "'32MB'",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
_EXPLAIN = "explain (analyze, buffers, settings, format json)"


def main(arguments: list[str]) -> None:
    """Make the plans of all cases, or of those codes, in the folder."""
    only_fixtures = "--fixtures" in arguments
    words = [word for word in arguments if not word.startswith("--")]
    folder = FIXTURES if only_fixtures else Path(words.pop(0))
    versions = [int(word.removeprefix("--pg")) for word in arguments if word.startswith("--pg")] or [15, 18]
    for version in versions:
        bad, good = list(_chosen(planted(), words, version)), list(_chosen(healthy(), words, version))
        if only_fixtures:
            bad, good = list(_first_of_each(bad)), list(_chosen(twins(), words, version))
        settings = {**_SERVER, "track_io_timing": "on" if version == 15 else "off"}
        with (
            tempfile.TemporaryDirectory(prefix="plans", dir="/tmp") as place,
            postgres_server(Path(place), version, settings) as server,
        ):
            _seed(server)
            _make(server, folder / f"pg{version}" / "bad", bad, only_fixtures)
            _make(server, folder / f"pg{version}" / "good", good, only_fixtures)


def _chosen(cases: Iterable[Case], codes: list[str], version: int) -> Iterator[Case]:
    return (case for case in cases if version in case.versions and (not codes or case.code in codes))


def _first_of_each(cases: Iterable[Case]) -> Iterator[Case]:
    seen: set[str] = set()
    for case in cases:
        if case.code not in seen:
            seen.add(case.code)
            yield case


def _seed(server: PostgresServer) -> None:
    for script in SEEDS:
        server.sql(script)
    listed = ", ".join(f"'{schema}'" for schema in VACUUMED)
    tables = server.sql(
        f"select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ({listed})"
        " or tablename in ('compact', 'settled')"
    )
    server.sql("".join(f"vacuum (analyze) {name};" for (name,) in tables))


def _make(server: PostgresServer, folder: Path, cases: list[Case], only_fixtures: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in sorted(cases, key=lambda one: one.is_cold):  # the cold ones last: each restarts the server
        if case.is_cold:
            server.restart()
        try:
            plan = _plan_of(server, case)
        except ServiceError as error:
            print(f"{case.code} {case.name}: {error.message}", file=sys.stderr)
            continue
        name = case.code if only_fixtures else f"{case.code}__{case.name}"
        (folder / f"{name}.json").write_text(json.dumps(plan, separators=(",", ":")) + "\n", encoding="utf-8")


def _plan_of(server: PostgresServer, case: Case) -> object:
    """Run it once for the caches, unless it is to be cold, and once to be measured, in a transaction rolled back."""
    settings = "".join(f"set {name} = {value};" for name, value in {**_SESSION, **case.settings}.items())
    before = "".join(f"{statement};" for statement in case.before)
    run = f"{_EXPLAIN} {case.sql};"
    warm = "" if case.is_cold else f"savepoint warm; {run} rollback to warm; select 'CUT';"
    script = f"{settings} begin; {before} {warm} {run} rollback;"
    lines = ["\x1f".join(row) for row in server.sql(script)]
    if "CUT" in lines:
        lines = lines[lines.index("CUT") + 1 :]
    return json.loads("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
