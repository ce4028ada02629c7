-- Whether this server follows a primary, and how far it is behind. PostgreSQL 13 and later.
SELECT /* perfctl */
    pg_is_in_recovery() AS is_replica,
    (SELECT w.status FROM pg_catalog.pg_stat_wal_receiver AS w LIMIT 1) AS receiver,
    CASE
        WHEN pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn() THEN 0
        ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())
    END::float8 AS lag_seconds,
    EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) AS is_receiving
