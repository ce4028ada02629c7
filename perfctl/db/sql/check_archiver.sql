-- Whether WAL is archived.
SELECT /* perfctl */
    current_setting('archive_mode') AS mode, a.archived_count AS archived, a.failed_count AS failed,
    a.last_failed_wal::text AS last_failed,
    a.last_failed_time > coalesce(a.last_archived_time, '-infinity') AS is_failing,
    extract(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS failed_seconds
FROM pg_catalog.pg_stat_archiver AS a
