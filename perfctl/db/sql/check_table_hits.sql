-- Blocks of tables found in the buffer cache and read from below it, those that were read most first.
SELECT /* perfctl */
    s.relid::regclass::text AS name, s.heap_blks_read AS blocks_read,
    sum(s.heap_blks_read) OVER ()::float8 AS all_read, sum(s.heap_blks_hit) OVER ()::float8 AS all_hit
FROM pg_catalog.pg_statio_user_tables AS s
ORDER BY s.heap_blks_read DESC NULLS LAST
LIMIT 10
