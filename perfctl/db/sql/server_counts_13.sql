-- When this is, since when the server runs, how far its WAL is; PostgreSQL 13 counts no more of that.
SELECT /* perfctl */
    clock_timestamp() AS now, pg_postmaster_start_time() AS started,
    current_setting('server_version') AS version, current_setting('track_io_timing') = 'on' AS times_io,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0'
    )::bigint AS wal_position,
    NULL::bigint AS wal_records, NULL::bigint AS wal_bytes, NULL::timestamptz AS wal_since
