-- When this is, and what counts; PostgreSQL 13 does not say since when.
-- {schema}: the extension's.
SELECT /* perfctl */
    clock_timestamp() AS now,
    pg_postmaster_start_time() AS started,
    NULL::timestamptz AS reset,
    NULL::bigint AS evicted,
    current_database()::text AS database,
    current_user::text AS role,
    current_setting('track_io_timing') = 'on' AS times_io,
    current_setting('pg_stat_statements.track_planning') = 'on' AS times_planning,
    current_setting('pg_stat_statements.max')::int AS most
