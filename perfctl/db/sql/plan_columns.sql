SELECT /* perfctl */ a.attrelid::bigint AS oid,
       a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       s.n_distinct::float8 AS distinct_values,
       s.null_frac::float8 AS null_share,
       s.correlation::float8 AS correlation,
       s.most_common_freqs[1]::float8 AS common_share
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stats s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
 WHERE a.attrelid = ANY ($1::bigint[]::oid[])
   AND a.attnum > 0
   AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
