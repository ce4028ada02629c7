-- Checkpoints by time and by need.
SELECT /* perfctl */
    b.checkpoints_timed AS timed, b.checkpoints_req AS requested, current_setting('max_wal_size') AS max_wal_size
FROM pg_catalog.pg_stat_bgwriter AS b
