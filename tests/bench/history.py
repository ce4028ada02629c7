"""What `db history record` costs of 5,000 statements that all ran: CPU of the whole process, start-up included."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from itertools import islice, product
from pathlib import Path

from tests.bench.measure import Figure, bare_python, cost_of
from tests.postgres_server import PostgresServer, postgres_server

STATEMENTS = 5000
ROUNDS = int(os.environ.get("PERFCTL_BENCH_ROUNDS", "5"))
COLUMNS = (
    "relpages", "reltuples", "relallvisible", "relnatts", "relchecks", "reltype", "reloftype", "relowner", "relam",
    "relfilenode", "reltablespace", "reltoastrelid", "oid",
)  # fmt: skip


def run() -> list[Figure]:
    """The first recording (every text is new), those after it, and what of that is start-up."""
    with tempfile.TemporaryDirectory(prefix="perfctl-bench-") as name:
        folder = Path(name)
        with postgres_server(folder, 18, {"pg_stat_statements.max": "10000"}) as server:
            return _figures(server, folder)


def _figures(server: PostgresServer, folder: Path) -> list[Figure]:
    server.sql("CREATE EXTENSION pg_stat_statements")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "HOME": str(folder),
        "PERFCTL_STATE_DIR": str(folder / "state"),
        "DATABASE_URL": server.dsn,
    }
    perfctl = [sys.executable, "-m", "perfctl"]
    first, later, shown, started, bare = [], [], [], [], []
    for _ in range(ROUNDS):
        for file in (folder / "state").glob("history/*"):
            file.unlink()
        _run_all(server)
        first.append(_cpu([*perfctl, "db", "history", "record"], environment))
        _run_all(server)
        later.append(_cpu([*perfctl, "db", "history", "record"], environment))
        shown.append(_cpu([*perfctl, "db", "slow", "--since", "1h"], environment))
        started.append(_cpu([*perfctl, "db", "doctor"], environment))
        bare.append(_cpu(bare_python(), environment))
    note = f"of it start-up, connection and one question (db doctor): {statistics.median(started):.2f} s"
    return [
        Figure("recording 5,000 statements", statistics.median(later), "s", 0.5, note),
        Figure("the first recording of them", statistics.median(first), "s", 0.5),
        Figure("db slow --since 1h of them", statistics.median(shown), "s"),
        Figure("python -c pass", statistics.median(bare), "s"),
    ]


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    cost = cost_of(command, environment)
    if cost.exit_code != 0:
        raise RuntimeError(f"{' '.join(command)} left with {cost.exit_code}")
    return cost.cpu_seconds


def _run_all(server: PostgresServer) -> None:
    """Five thousand shapes of query, each once: which columns a condition names makes the shape."""
    chosen = islice(product((False, True), repeat=len(COLUMNS)), 1, STATEMENTS + 1)
    texts = (
        " AND ".join(f"{name}::text > 'a'" for name, is_in in zip(COLUMNS, some, strict=True) if is_in)
        for some in chosen
    )
    server.sql("\n".join(f"SELECT count(*) FROM pg_class WHERE {text};" for text in texts))
