-- Blocks of indexes found in the buffer cache and read from below it, those that were read most first.
SELECT /* perfctl */
    s.indexrelid::regclass::text AS name, s.idx_blks_read AS blocks_read,
    sum(s.idx_blks_read) OVER ()::float8 AS all_read, sum(s.idx_blks_hit) OVER ()::float8 AS all_hit
FROM pg_catalog.pg_statio_user_indexes AS s
ORDER BY s.idx_blks_read DESC NULLS LAST
LIMIT 10
