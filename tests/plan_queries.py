"""Statements whose plans have every kind of node: a schema, and a seeded generator of queries over it."""

# ruff: noqa: E501 - a statement is easier to read on one line

from __future__ import annotations

import random
from dataclasses import dataclass

SCHEMA = '''
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, town int, born date, tags text[], extra jsonb)
  WITH (autovacuum_enabled = off);
CREATE TABLE sale (id int PRIMARY KEY, person_id int NOT NULL REFERENCES person, day date NOT NULL, amount numeric,
  state text, note text) WITH (autovacuum_enabled = off);
CREATE TABLE town (id int PRIMARY KEY, name text COLLATE "C", region int) WITH (autovacuum_enabled = off);
CREATE TABLE target (id int PRIMARY KEY, n int, said text) WITH (autovacuum_enabled = off);
CREATE TABLE detail (target_id int REFERENCES target ON DELETE CASCADE, n int) WITH (autovacuum_enabled = off);
CREATE TABLE "Odd, Table" ("a b" int, "on ""x""" text, using_it int) WITH (autovacuum_enabled = off);
CREATE TABLE event (id int, at date NOT NULL, kind int, person_id int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2024-05-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2024-05-01') TO ('2024-09-01');
CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM ('2024-09-01') TO ('2025-01-01');
INSERT INTO town SELECT i, 'town ' || i, i % 7 FROM generate_series(1, 60) i;
INSERT INTO person SELECT i, 'name ' || i, i % 60 + 1, date '1950-01-01' + i, ARRAY['t' || i % 9, 'u' || i % 4],
  jsonb_build_object('k', i % 13) FROM generate_series(1, 2000) i;
INSERT INTO sale SELECT i, (i * 7919) % 2000 + 1, date '2024-01-01' + (i % 366), (i * 37 % 1000) / 10.0,
  CASE WHEN i % 10 = 0 THEN 'open' ELSE 'done' END, repeat('x', i % 40) FROM generate_series(1, 12000) i;
INSERT INTO target SELECT i, i % 10, 'said ' || i FROM generate_series(1, 300) i;
INSERT INTO detail SELECT i % 300 + 1, i FROM generate_series(1, 600) i;
INSERT INTO "Odd, Table" SELECT i, 'x' || i, i % 5 FROM generate_series(1, 500) i;
INSERT INTO event SELECT i, date '2024-01-01' + (i % 366), i % 5, i % 2000 + 1 FROM generate_series(1, 6000) i;
CREATE INDEX sale_person ON sale (person_id);
CREATE INDEX sale_day ON sale (day, state);
CREATE INDEX sale_amount ON sale (amount) INCLUDE (state);
CREATE INDEX "odd on it" ON "Odd, Table" ("a b", using_it);
CREATE INDEX person_town ON person (town);
CREATE INDEX person_name ON person (name);
CREATE INDEX person_tags ON person USING gin (tags);
CREATE INDEX event_person ON event (person_id);
CREATE FUNCTION noted(n int) RETURNS TABLE (v int) LANGUAGE plpgsql AS
  $$ BEGIN RETURN QUERY SELECT g FROM generate_series(1, n) g; END $$;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER "touch it" AFTER UPDATE OR INSERT ON target FOR EACH ROW EXECUTE FUNCTION touched();
CREATE VIEW open_sale AS SELECT * FROM sale WHERE state = 'open';
ANALYZE;
'''

FOREIGN = """
CREATE EXTENSION postgres_fdw;
CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname '{database}',
  async_capable 'true');
CREATE USER MAPPING FOR CURRENT_USER SERVER itself OPTIONS (user 'postgres');
CREATE FOREIGN TABLE far_town (id int, name text, region int) SERVER itself OPTIONS (table_name 'town');
CREATE FOREIGN TABLE far_sale (id int, person_id int, amount numeric) SERVER itself OPTIONS (table_name 'sale');
CREATE TABLE near (id int PRIMARY KEY, n int, said text) WITH (autovacuum_enabled = off);
INSERT INTO near SELECT i, i % 10, 'said ' || i FROM generate_series(1, 149) i;
CREATE TABLE spread (id int, n int, said text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE spread_1 PARTITION OF spread FOR VALUES FROM (0) TO (150) SERVER itself
  OPTIONS (table_name 'near');
CREATE FOREIGN TABLE spread_2 PARTITION OF spread FOR VALUES FROM (150) TO (300) SERVER itself
  OPTIONS (table_name 'near');
CREATE TABLE spread_3 PARTITION OF spread FOR VALUES FROM (300) TO (1000);
INSERT INTO spread SELECT i, 1, 'x' FROM generate_series(300, 400) i;
ANALYZE near, spread_3;
"""

_SWITCHES = (
    *("hashjoin", "mergejoin", "nestloop", "seqscan", "indexscan", "bitmapscan", "sort", "hashagg", "memoize"),
    *("material", "incremental_sort", "indexonlyscan", "tidscan"),
)
_PARALLEL = {
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "min_parallel_table_scan_size": "0",
    "min_parallel_index_scan_size": "0",
    "max_parallel_workers_per_gather": "2",
}
_SHAPES = (
    *("scan", "join", "join", "three", "subplan", "exists", "cte", "recursive", "aggregate", "sets", "window", "union"),
    *("partitions", "lateral", "sorted", "distinct", "function", "values", "odd", "tid", "sample", "insert", "update"),
    *(
        "delete",
        "upsert",
        "merge",
        "writing_cte",
        "generic",
        "array",
        "rows",
        "view",
        "result",
        "lock",
        "foreign",
        "xml",
    ),
)


REFILLS = {
    "target": "TRUNCATE target, detail; INSERT INTO target SELECT i, i % 10, 'said ' || i FROM generate_series(1, 300) i;"
    " INSERT INTO detail SELECT i % 300 + 1, i FROM generate_series(1, 600) i",
    "event": "TRUNCATE event; INSERT INTO event SELECT i, date '2024-01-01' + (i % 366), i % 5, i % 2000 + 1"
    " FROM generate_series(1, 6000) i",
}
"""By table: what makes its files new in a transaction, so that what was written before does not sway the planner."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement, how to explain it, and what the session is set to before."""

    sql: str
    settings: dict[str, str]
    options: tuple[str, ...]
    writes: bool
    is_parallel: bool
    prepared: str | None = None
    """What `PREPARE q AS` is followed by, where `sql` executes it."""


def query(seed: int) -> Query:
    """The statement of that number, always the same."""
    chance = random.Random(seed)
    shape = _SHAPES[seed % len(_SHAPES)]
    made = getattr(_Maker(chance), shape)()
    writes = shape in ("insert", "update", "delete", "upsert", "merge", "writing_cte", "lock", "foreign")
    settings = _settings(chance, is_parallel=not writes and chance.random() < 0.3)
    options = ["VERBOSE", "BUFFERS", "SETTINGS"]
    options = [option for option in options if chance.random() < 0.6]
    if chance.random() < 0.7:
        options += ["ANALYZE", "TIMING OFF"] + (["WAL"] if writes or chance.random() < 0.3 else [])
    if shape == "generic":
        settings["plan_cache_mode"] = "force_generic_plan"
        return Query("EXECUTE q(25)", settings, tuple(options), False, "min_parallel_table_scan_size" in settings, made)
    return Query(made, settings, tuple(options), writes, "min_parallel_table_scan_size" in settings)


def _settings(chance: random.Random, *, is_parallel: bool) -> dict[str, str]:
    off = [switch for switch in _SWITCHES if chance.random() < 0.15]
    settings = {f"enable_{switch}": "off" for switch in off}
    if chance.random() < 0.4:
        settings["work_mem"] = "64kB"
    if chance.random() < 0.3:
        settings |= {"enable_partitionwise_join": "on", "enable_partitionwise_aggregate": "on"}
    if chance.random() < 0.06:
        settings["jit_above_cost"] = "0"
    if is_parallel:
        settings |= _PARALLEL
        if chance.random() < 0.4:
            settings["parallel_leader_participation"] = "off"
    return settings


class _Maker:
    """One statement of each shape, with choices of its own."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def one(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def number(self, low: int, high: int) -> int:
        return self.chance.randint(low, high)

    def where(self, alias: str) -> str:
        return self.one(
            f"{alias}.amount > {self.number(1, 99)}",
            f"{alias}.state = 'open'",
            f"{alias}.day BETWEEN '2024-02-01' AND '2024-0{self.number(3, 9)}-01' AND {alias}.state <> 'it''s, \"odd\"'",
            f"{alias}.person_id = ANY (ARRAY[{self.number(1, 50)}, 7, 9])",
            f"lower({alias}.note) LIKE '%xx(%' OR {alias}.id < {self.number(2, 900)}",
            f"{alias}.note = E'two\\nlines: 1\\n  ->  Seq Scan'",
            f"({alias}.person_id = {self.number(1, 2000)} OR {alias}.day = '2024-03-0{self.number(1, 9)}')",
        )

    def tail(self, keys: str) -> str:
        order = f" ORDER BY {keys}" if self.chance.random() < 0.6 else ""
        return order + (f" LIMIT {self.number(1, 300)}" if self.chance.random() < 0.4 else "")

    def scan(self) -> str:
        return f"SELECT * FROM sale s WHERE {self.where('s')}{self.tail('s.amount DESC, s.id')}"

    def join(self) -> str:
        kind = self.one("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN")
        extra = self.one("", " AND s.amount > p.town") if kind != "FULL JOIN" else ""
        where = f" WHERE {self.where('s')}" if self.chance.random() < 0.6 else ""
        return f"SELECT p.name, s.amount FROM person p {kind} sale s ON s.person_id = p.id{extra}{where}{self.tail('1, 2')}"

    def three(self) -> str:
        return (
            f"SELECT t.name, count(*) FROM town t JOIN person p ON p.town = t.id JOIN sale s ON s.person_id = p.id "
            f"WHERE {self.where('s')} AND t.region {self.one('=', '<')} 3 GROUP BY t.name{self.tail('2 DESC, 1')}"
        )

    def subplan(self) -> str:
        return self.one(
            f"SELECT p.id, (SELECT max(amount) FROM sale s WHERE s.person_id = p.id) FROM person p WHERE p.id < {self.number(3, 60)}",
            f"SELECT * FROM person WHERE id NOT IN (SELECT person_id FROM sale s WHERE {self.where('s')})",
            f"SELECT * FROM sale WHERE amount > (SELECT avg(amount) FROM sale s WHERE {self.where('s')}) AND day > (SELECT min(at) FROM event)",
            "SELECT ARRAY(SELECT id FROM town t WHERE t.id = p.town ORDER BY 1) FROM person p WHERE id < 20",
            f"SELECT CASE WHEN false THEN (SELECT 1 FROM sale LIMIT 1) ELSE p.id END FROM person p WHERE id = {self.number(1, 9)}",
        )

    def exists(self) -> str:
        return (
            f"SELECT p.id FROM person p WHERE {self.one('', 'NOT ')}EXISTS (SELECT FROM sale s WHERE s.person_id = p.id "
            f"AND {self.where('s')}){self.tail('1')}"
        )

    def cte(self) -> str:
        return (
            f'WITH "big, one" AS {self.one("MATERIALIZED", "NOT MATERIALIZED")} (SELECT * FROM sale s WHERE {self.where("s")}), '
            f'b AS MATERIALIZED (SELECT id FROM person WHERE town = 3) SELECT count(*) FROM "big, one" x JOIN "big, one" y '
            f"ON x.id = y.id + 1 WHERE x.person_id IN (SELECT id FROM b)"
        )

    def recursive(self) -> str:
        return f"WITH RECURSIVE r(n) AS (SELECT 1 UNION {self.one('', 'ALL ')}SELECT n + 1 FROM r WHERE n < {self.number(3, 50)}) SELECT * FROM r JOIN town ON town.id = r.n"

    def aggregate(self) -> str:
        having = self.one("", " HAVING count(*) > 3")
        return (
            f"SELECT {self.one('state', 'person_id, state', 'day')}, count(*), sum(amount) FROM sale s GROUP BY "
            f"{self.one('state, person_id, day', 'person_id, state, day')}{having}{self.tail('2 DESC, 3')}"
        )

    def sets(self) -> str:
        return (
            f"SELECT state, day, person_id % 3, count(*) FROM sale s WHERE {self.where('s')} GROUP BY "
            f"{self.one('GROUPING SETS ((state, day), (state), ())', 'CUBE (state, day, person_id % 3)', 'ROLLUP (state, day, 3)', 'GROUPING SETS ((state, day, 3))', 'GROUPING SETS ((state), (day))')}".replace(
                "person_id % 3, count", "1, count"
            )
        )

    def window(self) -> str:
        inner = "SELECT id, state, rank() OVER (PARTITION BY state ORDER BY amount DESC, id) AS r, sum(amount) OVER w FROM sale WINDOW w AS (PARTITION BY person_id ORDER BY day ROWS 3 PRECEDING)"
        return self.one(
            inner,
            f"SELECT * FROM ({inner}) x WHERE r <= {self.number(1, 9)}",
            "SELECT ntile(4) OVER (ORDER BY id) FROM town",
        )

    def union(self) -> str:
        kind = self.one("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
        return f"SELECT id, town FROM person WHERE id < {self.number(5, 900)} {kind} SELECT person_id, 1 FROM sale s WHERE {self.where('s')}{self.one('', ' ORDER BY 1')}"

    def partitions(self) -> str:
        return self.one(
            f"SELECT count(*) FROM event WHERE at >= '2024-0{self.number(1, 9)}-15'",
            "SELECT kind, count(*) FROM event GROUP BY kind",
            f"SELECT * FROM event e JOIN person p ON p.id = e.person_id WHERE e.at < '2024-02-01' AND p.town = {self.number(1, 60)}",
            f"SELECT * FROM event ORDER BY at, id LIMIT {self.number(1, 40)}",
            "SELECT * FROM event WHERE at = (SELECT date '2024-06-03')",
            "SELECT * FROM event e WHERE at = now()::date - 400",
        )

    def lateral(self) -> str:
        return (
            f"SELECT p.id, x.amount FROM person p LEFT JOIN LATERAL (SELECT amount FROM sale s WHERE "
            f"s.person_id = p.{self.one('id', 'town')} ORDER BY day DESC LIMIT {self.number(1, 3)}) x ON true "
            f"WHERE p.id < 200"
        )

    def sorted(self) -> str:
        return f"SELECT * FROM sale ORDER BY {self.one('day, amount', 'note DESC NULLS LAST, lower(state)', 'day, state, id', 'day')} {self.one('', 'LIMIT 50')}"

    def distinct(self) -> str:
        return self.one(
            "SELECT DISTINCT state, day FROM sale",
            "SELECT DISTINCT ON (person_id) * FROM sale ORDER BY person_id, amount",
            "SELECT count(DISTINCT day) FROM sale",
        )

    def function(self) -> str:
        return self.one(
            f"SELECT * FROM noted({self.number(1, 90)}) WHERE v > 3",
            "SELECT * FROM generate_series(1, 9) WITH ORDINALITY AS g(a, b) JOIN town ON town.id = g.a",
            "SELECT generate_series(1, town.id) FROM town",
            "SELECT * FROM unnest(ARRAY[1, 2]) u, pg_catalog.jsonb_each('{\"a\": 1}') j",
        )

    def values(self) -> str:
        return "SELECT * FROM (VALUES (1, 'a, b'), (2, 'c')) v(a, b) JOIN town ON town.id = v.a"

    def odd(self) -> str:
        return f'SELECT "on ""x""", using_it FROM "Odd, Table" {self.one("", "o", chr(34) + "al ias" + chr(34))} WHERE "a b" {self.one("=", "<")} {self.number(1, 100)}{self.tail("1")}'

    def tid(self) -> str:
        return self.one(
            "SELECT * FROM town WHERE ctid = '(0,1)'",
            "SELECT * FROM sale WHERE ctid < '(3,1)'",
            "SELECT * FROM town WHERE ctid = ANY (ARRAY['(0,1)', '(0,2)']::tid[])",
        )

    def sample(self) -> str:
        return f"SELECT count(*) FROM sale TABLESAMPLE {self.one('system', 'bernoulli')} ({self.number(1, 90)})REPEATABLE ({self.number(1, 9)})"

    def insert(self) -> str:
        return self.one(
            "INSERT INTO target SELECT i, i, 'x' FROM generate_series(1001, 1020) i RETURNING id",
            "INSERT INTO event SELECT 1, '2024-03-01', 2, 3",
            "INSERT INTO target VALUES (2000, 1, NULL)",
        )

    def update(self) -> str:
        return self.one(
            f"UPDATE target SET n = n + 1 WHERE id < {self.number(2, 40)}",
            "UPDATE target t SET n = d.n FROM detail d WHERE d.target_id = t.id AND t.n = 3",
            "UPDATE event SET kind = 9 WHERE at < '2024-06-01' AND id = 7",
            "UPDATE target t SET (n, said) = (SELECT p.town, p.name FROM person p WHERE p.id = t.id) WHERE id < 20",
        )

    def delete(self) -> str:
        return self.one(
            f"DELETE FROM target WHERE id < {self.number(2, 40)}",
            "DELETE FROM event e USING person p WHERE p.id = e.person_id AND p.town = 1",
            "DELETE FROM target WHERE id IN (SELECT target_id FROM detail WHERE n < 9)",
        )

    def upsert(self) -> str:
        return self.one(
            f"INSERT INTO target SELECT i, 0, 'y' FROM generate_series(290, {self.number(295, 320)}) i ON CONFLICT (id) DO UPDATE SET n = excluded.n WHERE target.n > 3",
            "INSERT INTO target VALUES (5, 5, 'z') ON CONFLICT DO NOTHING",
        )

    def merge(self) -> str:
        return (
            "MERGE INTO target t USING detail d ON d.target_id = t.id AND d.n < 100 WHEN MATCHED AND t.n > 5 THEN DELETE "
            "WHEN MATCHED AND t.n = 1 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (d.n + 5000, 0, 'm')"
            if self.chance.random() < 0.5
            else "MERGE INTO target t USING (SELECT i FROM generate_series(250, 310) i) s ON t.id = s.i WHEN MATCHED THEN "
            "UPDATE SET n = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.i, 1, 'm')"
        )

    def writing_cte(self) -> str:
        return f"WITH gone AS (DELETE FROM detail WHERE n < {self.number(5, 90)} RETURNING *), more AS (INSERT INTO detail SELECT target_id, n FROM gone RETURNING n) SELECT count(*) FROM more"

    def generic(self) -> str:
        return self.one(
            "SELECT * FROM event WHERE person_id = $1 AND at > date '2024-01-01' + $1::int",
            "SELECT * FROM sale WHERE person_id = $1 ORDER BY amount LIMIT 3",
            "SELECT count(*) FROM event e JOIN person p ON p.id = e.person_id WHERE e.at = date '2024-01-01' + $1::int",
        )

    def array(self) -> str:
        return f"SELECT * FROM person WHERE tags @> ARRAY['t{self.number(0, 8)}'] {self.one('AND', 'OR')} town = {self.number(1, 60)}"

    def rows(self) -> str:
        return "SELECT * FROM person p JOIN LATERAL (SELECT count(*) AS n FROM sale WHERE person_id = p.town) x ON x.n > 2 WHERE p.id < 300"

    def view(self) -> str:
        return f"SELECT v.id FROM open_sale v WHERE v.amount > {self.number(1, 90)} AND v.id IN (SELECT person_id FROM event){self.tail('1')}"

    def result(self) -> str:
        return self.one(
            "SELECT 1",
            "SELECT * FROM sale WHERE false",
            "SELECT * FROM sale WHERE now() < '2000-01-01' AND id = 4",
            "SELECT max(id), min(day) FROM sale",
        )

    def lock(self) -> str:
        return f"SELECT * FROM target WHERE n = {self.number(1, 9)} FOR {self.one('UPDATE', 'SHARE')}{self.one('', ' SKIP LOCKED')}"

    def foreign(self) -> str:
        return self.one(
            f"SELECT * FROM far_town t JOIN far_sale s ON s.person_id = t.id WHERE s.amount > {self.number(1, 99)}",
            "SELECT count(*) FROM far_sale GROUP BY person_id % 3",
            f"SELECT * FROM spread WHERE n < {self.number(1, 9)}",
            f"SELECT t.name FROM far_town t JOIN town u ON u.id = t.region WHERE u.name <> 'it''s, {self.number(1, 9)}'",
            "UPDATE spread SET n = n + 1 WHERE id < 200 AND said <> 'a'",
            "DELETE FROM spread WHERE n = 3 RETURNING said",
        )

    def xml(self) -> str:
        return "SELECT * FROM XMLTABLE('/r/a' PASSING (xmlparse(document '<r><a>1</a><a>2</a></r>')) COLUMNS n int PATH '.') x WHERE n > 0"
