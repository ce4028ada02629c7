-- Memory settings beside what this database holds.
SELECT /* perfctl */
    (SELECT s.setting::bigint * 8192 FROM pg_catalog.pg_settings AS s WHERE s.name = 'shared_buffers') AS shared_buffers_bytes,
    (SELECT s.setting::bigint * 8192 FROM pg_catalog.pg_settings AS s WHERE s.name = 'effective_cache_size')
        AS effective_cache_bytes,
    sum(c.relpages::bigint) * current_setting('block_size')::int AS database_bytes
FROM pg_catalog.pg_class AS c
WHERE c.relkind IN ('r', 'm', 'i', 't')
