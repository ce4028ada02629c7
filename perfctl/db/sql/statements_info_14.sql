-- When this is, since when pg_stat_statements counts, how often its table was full.
-- {schema}: the extension's.
SELECT /* perfctl */
    clock_timestamp() AS now,
    pg_postmaster_start_time() AS started,
    (SELECT i.stats_reset FROM {schema}.pg_stat_statements_info AS i) AS reset,
    (SELECT i.dealloc FROM {schema}.pg_stat_statements_info AS i) AS evicted,
    current_database()::text AS database,
    current_user::text AS role,
    current_setting('track_io_timing') = 'on' AS times_io,
    current_setting('pg_stat_statements.track_planning') = 'on' AS times_planning,
    current_setting('pg_stat_statements.max')::int AS most
