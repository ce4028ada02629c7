-- Foreign keys whose columns begin no index: each delete of a parent reads the whole child.
SELECT /* perfctl */
    k.conname::text AS name, k.conrelid::regclass::text AS table_name, c.reltuples::float8 AS table_rows,
    (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
    ) AS columns
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
        AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
  )
ORDER BY c.reltuples DESC, 2, 1
