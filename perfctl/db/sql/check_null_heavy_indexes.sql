-- B-trees of one column, without a predicate, whose column is mostly NULL.
SELECT /* perfctl */
    c.oid::regclass::text AS name, a.attname::text AS column_name, p.null_frac::float8 AS share,
    c.relpages::bigint * current_setting('block_size')::int AS size_bytes
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
JOIN pg_catalog.pg_stats AS p ON p.schemaname = n.nspname AND p.tablename = t.relname AND p.attname = a.attname
WHERE i.indnkeyatts = 1 AND i.indpred IS NULL AND NOT i.indisunique AND i.indisvalid
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND p.null_frac >= 0.5
  AND c.relpages::bigint * current_setting('block_size')::int >= 1024 * 1024
ORDER BY p.null_frac * c.relpages DESC
