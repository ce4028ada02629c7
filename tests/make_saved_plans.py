"""`python -m tests.make_saved_plans`: save plans as people do, with what psql, a log or CSV puts around them.

The plans of `tests/fixtures/db/saved` are from it: each name says the server's version, the statement and the form.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.plan_queries import SCHEMA
from tests.postgres_server import VERSIONS, PostgresServer, postgres_server

FOLDER = Path(__file__).parent / "fixtures" / "db" / "saved"
_SETTINGS = {"auto_explain.log_analyze": "on", "auto_explain.log_buffers": "on", "auto_explain.log_triggers": "on"}
_PARALLEL = (
    "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;"
    " SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2; "
)
JOIN = (
    "SELECT t.name, count(*) FROM town t JOIN person p ON p.town = t.id JOIN sale s ON s.person_id = p.id "
    "WHERE s.note <> 'a, \"b\"\nc' GROUP BY t.name ORDER BY 2 DESC LIMIT 5"
)
_SPILL = "SET work_mem = '64kB'; SET enable_hashagg = off; "
FORMS = {
    "border_0": ["-P", "border=0"],
    "border_1": [],
    "border_2": ["-P", "border=2"],
    "unicode": ["-P", "border=2", "-P", "linestyle=unicode"],
    "unaligned": ["-A"],
    "bare": ["-A", "-t"],
    "csv": ["--csv"],
    "expanded": ["-x"],
}
STATEMENTS = {
    "join": ("", JOIN),
    "workers": (_PARALLEL, "SELECT * FROM sale WHERE amount > 50 ORDER BY note, amount"),
    "spill": (_SPILL, "SELECT note, day, count(*) FROM sale GROUP BY note, day"),
    "sets": ("", "SELECT state, day, count(*) FROM sale GROUP BY GROUPING SETS ((state, day), (state), ())"),
}


def main() -> None:
    """All of them, of every version."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for version in VERSIONS:
            with postgres_server(Path(folder), version, _SETTINGS) as server:
                server.sql(SCHEMA)
                for name, text in (*_of_psql(server), *_of_log(server)):
                    (FOLDER / f"{version}_{name}.txt").write_text(text, encoding="utf-8")


def _of_psql(server: PostgresServer) -> Iterator[tuple[str, str]]:
    for name, (before, statement) in STATEMENTS.items():
        for form in ("text", "json"):
            options = f"ANALYZE, BUFFERS, VERBOSE, SETTINGS{'' if form == 'text' else ', FORMAT JSON'}"
            drawings = FORMS if name == "join" else {"border_1": FORMS["border_1"]}
            for drawing, flags in drawings.items():
                yield f"{name}_{form}_{drawing}", _psql(server, f"{before}EXPLAIN ({options}) {statement}", flags)


def _of_log(server: PostgresServer) -> Iterator[tuple[str, str]]:
    for form in ("text", "json"):
        start = server.log.stat().st_size
        prelude = f"SET auto_explain.log_format = {form}; SET auto_explain.log_min_duration = 0; "
        _psql(server, prelude + JOIN, [])
        time.sleep(0.5)
        logged = server.log.read_bytes()[start:].decode()
        found = re.search(r"^[^\n]*duration: [\d.]+ ms  plan:\n(?:\t[^\n]*\n)+", logged, re.MULTILINE)
        assert found, logged
        yield f"join_{form}_logged", found[0]


def _psql(server: PostgresServer, statement: str, flags: list[str]) -> str:
    return server.install.run(
        *("psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-d", "postgres", "-X", "-q"),
        *flags,
        stdin=statement + ";",
    )


if __name__ == "__main__":
    main()
