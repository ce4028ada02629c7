-- A row for each column of each table of size: how wide, how often NULL; and how much its table holds. Tables that
-- somebody has locked are left out: to ask for their size would wait.
SELECT /* perfctl */
    c.oid::regclass::text AS name, c.oid::bigint AS oid, a.attnum, t.typlen::int AS length, t.typalign::text AS alignment,
    s.avg_width::float8 AS average_bytes, s.null_frac::float8 AS null_share, a.attisdropped AS is_dropped,
    coalesce(u.n_live_tup, c.reltuples)::float8 AS live_rows, c.reltuples::float8 AS counted_rows,
    pg_relation_size(c.oid)::float8 AS size_bytes, current_setting('block_size')::int AS page_bytes,
    coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::int, 100) AS fillfactor
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
LEFT JOIN pg_catalog.pg_stat_user_tables AS u ON u.relid = c.oid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
  AND c.relpages >= 128
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_locks AS l
      WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock' AND l.granted
  )
ORDER BY c.oid, a.attnum
