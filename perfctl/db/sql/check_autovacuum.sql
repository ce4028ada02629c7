-- Tables that autovacuum should have come to, and did not for a week; and those that it may not touch.
SELECT /* perfctl */
    c.oid::regclass::text AS name, s.n_dead_tup AS dead,
    coalesce('autovacuum_enabled=false' = ANY (c.reloptions) OR 'autovacuum_enabled=off' = ANY (c.reloptions), false) AS is_off,
    extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 / 86400 AS days
FROM pg_catalog.pg_stat_user_tables AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.relid
WHERE s.n_dead_tup >= 10000
  AND s.n_dead_tup > current_setting('autovacuum_vacuum_threshold')::float8
      + current_setting('autovacuum_vacuum_scale_factor')::float8 * greatest(c.reltuples, 0)
  AND (
      'autovacuum_enabled=false' = ANY (c.reloptions) OR 'autovacuum_enabled=off' = ANY (c.reloptions)
      OR coalesce(greatest(s.last_vacuum, s.last_autovacuum), 'epoch') < clock_timestamp() - interval '7 days'
  )
ORDER BY s.n_dead_tup DESC
