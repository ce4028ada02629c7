-- Who writes dirty buffers: the sessions themselves, or the processes that are there for it.
SELECT /* perfctl */
    b.buffers_backend::float8 AS by_sessions, (b.buffers_checkpoint + b.buffers_clean)::float8 AS by_others,
    b.buffers_backend_fsync::float8 AS fsyncs
FROM pg_catalog.pg_stat_bgwriter AS b
