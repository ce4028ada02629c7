-- How far each replica is behind; asked on a replica: how far it is itself.
SELECT /* perfctl */ * FROM (
    SELECT
        coalesce(nullif(r.application_name, ''), 'replica') || ' ' || coalesce(host(r.client_addr), 'local') AS name,
        r.state, (pg_current_wal_lsn() - r.replay_lsn)::float8 AS bytes,
        extract(epoch FROM r.replay_lag)::float8 AS seconds
    FROM pg_catalog.pg_stat_replication AS r
    WHERE NOT pg_is_in_recovery()
    UNION ALL
    SELECT
        'this replica', 'recovery', (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::float8,
        CASE
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
        END
    WHERE pg_is_in_recovery()
) AS lags
ORDER BY bytes DESC NULLS LAST
