-- The server's counters and what goes on; every role may ask. PostgreSQL 13 and later.
SELECT /* perfctl */
    clock_timestamp() AS at,
    current_setting('max_connections')::int AS max_connections,
    sessions.*,
    counters.*,
    CASE
        WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() - '0/0'::pg_lsn
        ELSE pg_current_wal_insert_lsn() - '0/0'::pg_lsn
    END::float8 AS wal_bytes
FROM (
    SELECT
        count(*) AS connections,
        count(*) FILTER (WHERE a.backend_type IS NULL) AS unreadable,
        count(*) FILTER (WHERE a.state = 'active' AND a.pid <> pg_backend_pid()) AS active,
        count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS waiting,
        count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_in_transaction,
        max(extract(epoch FROM clock_timestamp() - a.query_start)::float8)
            FILTER (WHERE a.state = 'active' AND a.pid <> pg_backend_pid()) AS longest_statement_seconds,
        max(extract(epoch FROM clock_timestamp() - a.xact_start)::float8)
            FILTER (WHERE a.pid <> pg_backend_pid()) AS longest_transaction_seconds
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.backend_type = 'client backend' OR a.backend_type IS NULL AND a.usename IS NOT NULL
) AS sessions,
(
    SELECT
        sum(d.xact_commit)::float8 AS commits, sum(d.xact_rollback)::float8 AS rollbacks,
        sum(d.tup_returned)::float8 AS rows_read,
        sum(d.tup_inserted + d.tup_updated + d.tup_deleted)::float8 AS rows_written,
        sum(d.blks_hit)::float8 AS blocks_hit, sum(d.blks_read)::float8 AS blocks_read,
        sum(d.temp_bytes)::float8 AS temp_bytes, sum(d.deadlocks)::float8 AS deadlocks
    FROM pg_catalog.pg_stat_database AS d
) AS counters
