-- Foreign keys whose columns begin no index, with the size of the child and what happened to the parent's rows.
SELECT /* perfctl */
    k.conname::text AS name, quote_ident(n.nspname) AS schema_name, c.relname::text AS table_name,
    c.oid::regclass::text AS child, k.confrelid::regclass::text AS parent,
    c.reltuples::float8 AS table_rows, pg_relation_size(c.oid) AS size_bytes,
    c.relkind = 'p' AS is_partitioned,
    pg_has_role(c.relowner, 'USAGE') AS is_ours,
    coalesce(s.n_tup_del, 0) + coalesce(s.n_tup_upd, 0) AS parent_changes,
    (
        SELECT array_agg(a.attname::text ORDER BY u.place)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
    ) AS columns
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence <> 't'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
        AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
        AND (
            i.indisvalid
            OR EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
        )
  )
ORDER BY c.reltuples DESC, 4, 1
