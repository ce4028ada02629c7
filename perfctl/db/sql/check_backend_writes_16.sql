-- Who writes dirty buffers: the sessions themselves (not for bulk loads), or the processes that are there for it.
-- PostgreSQL 16 and later.
SELECT /* perfctl */
    coalesce(sum(i.writes) FILTER (WHERE i.backend_type = 'client backend' AND i.context = 'normal'), 0)::float8
        AS by_sessions,
    coalesce(sum(i.writes) FILTER (WHERE i.backend_type IN ('checkpointer', 'background writer')), 0)::float8 AS by_others,
    coalesce(sum(i.fsyncs) FILTER (WHERE i.backend_type = 'client backend'), 0)::float8 AS fsyncs
FROM pg_catalog.pg_stat_io AS i
WHERE i.object = 'relation'
