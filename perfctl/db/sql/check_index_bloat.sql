-- A row for each key of each B-tree of size: how wide, how often NULL, how many different; and how much the index
-- holds. Indexes of tables that somebody has locked are left out.
SELECT /* perfctl */
    c.oid::regclass::text AS name, c.oid::bigint AS oid, a.attnum, t.typlen::int AS length, t.typalign::text AS alignment,
    coalesce(x.avg_width, s.avg_width)::float8 AS average_bytes, coalesce(x.null_frac, s.null_frac)::float8 AS null_share,
    coalesce(x.n_distinct, s.n_distinct)::float8 AS n_distinct,
    coalesce(x.most_common_freqs, s.most_common_freqs)::float8[] AS common,
    CASE WHEN i.indpred IS NULL AND c.reltuples > 0 THEN c.reltuples ELSE greatest(c.reltuples, 0) END::float8 AS counted_rows,
    r.reltuples::float8 AS table_rows,
    i.indisunique AS is_unique, i.indnkeyatts < i.indnatts AS has_included, i.indpred IS NOT NULL AS is_partial,
    coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'deduplicate_items=(\w+)'), 'on') IN ('on', 'true') AS may_deduplicate,
    t.typname IN ('numeric', 'float4', 'float8', 'jsonb', 'record') OR t.typtype IN ('r', 'm', 'c') OR t.typcategory = 'A'
        AS is_unequal,
    pg_relation_size(c.oid)::float8 AS size_bytes, current_setting('block_size')::int AS page_bytes,
    coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::int, 90) AS fillfactor
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
JOIN pg_catalog.pg_class AS r ON r.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attribute AS o ON o.attrelid = r.oid AND o.attnum = i.indkey[a.attnum - 1] AND o.attnum > 0
LEFT JOIN pg_catalog.pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = r.relname AND s.attname = o.attname AND NOT s.inherited
LEFT JOIN pg_catalog.pg_stats AS x
    ON o.attnum IS NULL AND x.schemaname = n.nspname AND x.tablename = c.relname AND x.attname = a.attname
WHERE c.relkind = 'i' AND i.indisvalid AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
  AND c.relpages >= 128
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_locks AS l
      WHERE l.relation IN (c.oid, r.oid) AND l.mode = 'AccessExclusiveLock' AND l.granted
  )
ORDER BY c.oid, a.attnum
