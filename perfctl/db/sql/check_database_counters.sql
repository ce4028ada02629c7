-- What this database counted, and for how many days (since the server's start where statistics were never reset).
SELECT /* perfctl */
    d.temp_files, d.temp_bytes::float8 AS temp_bytes, d.deadlocks, d.xact_commit AS commits, d.xact_rollback AS rollbacks,
    greatest(extract(epoch FROM clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())), 1)::float8
        / 86400 AS days,
    current_setting('work_mem') AS work_mem
FROM pg_catalog.pg_stat_database AS d
WHERE d.datname = current_database()
