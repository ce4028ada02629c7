"""The estimate of bloat against what pgstattuple measures, on tables and indexes of many kinds, in points."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from perfctl.db.asking import ask
from perfctl.db.bloat.estimating import Bloat, index_bloat, table_bloat
from perfctl.db.bloat.measuring import measured
from perfctl.db.postgres import connected
from tests.bench.measure import Figure
from tests.postgres_server import PostgresServer, postgres_server

ROWS = 60_000
TABLES: dict[str, tuple[str, ...]] = {
    "narrow": ("CREATE TABLE narrow AS SELECT n AS id, n % 7 AS kind FROM generate_series(1, {rows}) AS n",),
    "wide": (
        "CREATE TABLE wide AS SELECT n AS id, repeat(md5(n::text), 8) AS body, now() AS at "
        "FROM generate_series(1, {rows}) AS n",
    ),
    "padded": (
        "CREATE TABLE padded (a bool, b bigint, c bool, d int, e smallint, f timestamptz, g bool)",
        "INSERT INTO padded SELECT true, n, false, n, 1, now(), true FROM generate_series(1, {rows}) AS n",
    ),
    "nulls": (
        "CREATE TABLE nulls (id int, a text, b int, c timestamptz, d numeric, e text, f int, g int, h text)",
        "INSERT INTO nulls SELECT n, CASE WHEN n % 3 = 0 THEN 'abc' || n END, CASE WHEN n % 2 = 0 THEN n END, NULL, "
        "n / 7.0, CASE WHEN n % 10 = 0 THEN repeat('x', 90) END, NULL, n, NULL FROM generate_series(1, {rows}) AS n",
    ),
    "toasted": (
        "CREATE TABLE toasted (id int, body text)",
        "ALTER TABLE toasted ALTER COLUMN body SET STORAGE EXTERNAL",
        "INSERT INTO toasted SELECT n, repeat(md5(n::text), 90) FROM generate_series(1, {rows} / 4) AS n",
    ),
    "filled": (
        "CREATE TABLE filled (id int, name text, total numeric(12, 2)) WITH (fillfactor = 70)",
        "INSERT INTO filled SELECT n, 'name ' || n, n * 1.25 FROM generate_series(1, {rows}) AS n",
    ),
    "deleted": (
        "CREATE TABLE deleted AS SELECT n AS id, md5(n::text) AS body FROM generate_series(1, {rows}) AS n",
        "DELETE FROM deleted WHERE id % 3 <> 0",
    ),
    "hollow": (
        "CREATE TABLE hollow AS SELECT n AS id, md5(n::text) AS body, n % 100 AS k "
        "FROM generate_series(1, {rows}) AS n",
        "DELETE FROM hollow WHERE id % 10 <> 0 AND id < {rows} - 10",
    ),
    "updated": (
        "CREATE TABLE updated (id int PRIMARY KEY, hits int, name text)",
        "INSERT INTO updated SELECT n, 0, 'user' || n FROM generate_series(1, {rows}) AS n",
        "UPDATE updated SET hits = hits + 1 WHERE id % 2 = 0",
        "UPDATE updated SET hits = hits + 1",
    ),
    "uuids": ("CREATE TABLE uuids AS SELECT gen_random_uuid() AS id, n AS n FROM generate_series(1, {rows}) AS n",),
    "documents": (
        "CREATE TABLE documents AS SELECT n AS id, jsonb_build_object('a', n, 'b', repeat('y', n % 50)) AS doc "
        "FROM generate_series(1, {rows}) AS n",
    ),
    "dropped": (
        "CREATE TABLE dropped AS SELECT n AS id, repeat('z', 100) AS gone, n AS kept "
        "FROM generate_series(1, {rows}) AS n",
        "ALTER TABLE dropped DROP COLUMN gone",
        "UPDATE dropped SET kept = kept + 1",
    ),
}
INDEXES = (
    "CREATE INDEX i_narrow_id ON narrow (id)",
    "CREATE INDEX i_narrow_kind ON narrow (kind)",
    "CREATE INDEX i_narrow_two ON narrow (kind, id)",
    "CREATE UNIQUE INDEX i_wide_id ON wide (id)",
    "CREATE INDEX i_wide_body ON wide (left(body, 20))",
    "CREATE INDEX i_wide_included ON wide (id) INCLUDE (at)",
    "CREATE INDEX i_nulls_a ON nulls (a)",
    "CREATE INDEX i_nulls_b ON nulls (b)",
    "CREATE INDEX i_nulls_partial ON nulls (g) WHERE b IS NOT NULL",
    "CREATE INDEX i_filled_name ON filled (name) WITH (fillfactor = 70)",
    "CREATE INDEX i_filled_total ON filled (total)",
    "CREATE INDEX i_uuids ON uuids (id)",
    "CREATE INDEX i_deleted_body ON deleted (body)",
    "CREATE INDEX i_hollow_k ON hollow (k)",
    "CREATE INDEX i_padded_f ON padded (f)",
    "CREATE INDEX i_documents ON documents (((doc ->> 'a')::int))",
)
LATER = (
    "DELETE FROM narrow WHERE id % 4 = 0",
    "DELETE FROM uuids WHERE n % 2 = 0",
    "INSERT INTO uuids SELECT gen_random_uuid(), n FROM generate_series(1, {rows} / 4) AS n",
    "DELETE FROM wide WHERE id % 5 <> 0",
)


def prepare(server: PostgresServer, *, rows: int = ROWS) -> None:
    """The tables and indexes, some of them hollow, vacuumed and analyzed."""
    for statements in TABLES.values():
        server.sql(*(text.replace("{rows}", str(rows)) for text in statements))
    server.sql(*INDEXES, *(text.replace("{rows}", str(rows)) for text in LATER))
    server.sql("VACUUM ANALYZE", "CREATE EXTENSION pgstattuple")


async def compared(server: PostgresServer) -> list[tuple[Bloat, Bloat]]:
    """What is estimated beside what is measured, for every table and B-tree that is large enough to be judged."""
    async with connected(server.config()) as session:
        pairs = []
        for is_index, name, estimate in (
            (False, "check_table_bloat", table_bloat),
            (True, "check_index_bloat", index_bloat),
        ):
            for guess in estimate(await ask(session, name)):
                (truth,) = await measured(session, [guess], is_index=is_index, timeout_seconds=60)
                assert truth.is_measured, guess
                pairs.append((guess, truth))
        return pairs


def errors(pairs: list[tuple[Bloat, Bloat]]) -> Iterator[float]:
    """How many points each estimate is off."""
    return (abs(guess.share - truth.share) * 100 for guess, truth in pairs)


def run() -> list[Figure]:
    """The median error on each version."""
    figures = []
    for version in (18, 15):
        with tempfile.TemporaryDirectory() as folder, postgres_server(Path(folder), version) as server:
            prepare(server)
            pairs = asyncio.run(compared(server))
        for guess, truth in pairs:
            print(f"  pg{version} {guess.name:30} estimated {guess.share:6.1%} measured {truth.share:6.1%}")
        figures.append(
            Figure(
                f"bloat, points off, median of {len(pairs)}, pg{version}",
                statistics.median(errors(pairs)),
                "points",
                5.0,
            )
        )
    return figures


if __name__ == "__main__":
    for figure in run():
        print(figure)
