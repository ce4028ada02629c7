-- Checkpoints by time and by need. PostgreSQL 17 and later.
SELECT /* perfctl */
    c.num_timed AS timed, c.num_requested AS requested, current_setting('max_wal_size') AS max_wal_size
FROM pg_catalog.pg_stat_checkpointer AS c
