-- When this is, since when the server runs, how far its WAL is and what it counted of it.
SELECT /* perfctl */
    clock_timestamp() AS now, pg_postmaster_start_time() AS started,
    current_setting('server_version') AS version, current_setting('track_io_timing') = 'on' AS times_io,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0'
    )::bigint AS wal_position,
    w.wal_records, w.wal_bytes::bigint AS wal_bytes, w.stats_reset AS wal_since
FROM pg_catalog.pg_stat_wal AS w
