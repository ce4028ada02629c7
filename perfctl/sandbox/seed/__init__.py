"""What the sandbox's PostgreSQL holds: a stock-trading application, and the traces of a day's work on it.

The rows are made inside the server, the same in every run: `seed_data` fills an empty database with 1.2 million of
them (130 MB, about five seconds on two cores). `run_load` then sends some 800 statements, one to two seconds of work,
that leave ten shapes of slow query in pg_stat_statements among many quick ones; seeding itself leaves no trace there.

Both may be done before a data directory is kept as a template: PostgreSQL saves pg_stat_statements at a clean shutdown
(`pg_stat/pg_stat_statements.stat`) and reads it at the next start, and a copy of the directory keeps the identifiers
that its entries are counted under. A template is good as long as `SEED_VERSION` is the same. Seeded with
`max_wal_size = 64MB` the folder stops at 220 MB, with 1 GB at 300 MB: WAL is then the half of it.
"""

from __future__ import annotations

from perfctl.sandbox.seed.data import SEED_VERSION, seed_data
from perfctl.sandbox.seed.load import run_load

__all__ = ["SEED_VERSION", "run_load", "seed_data"]
