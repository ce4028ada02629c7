-- Every session but this one. PostgreSQL 13 knows no query_id.
SELECT /* perfctl */
    a.pid, a.backend_start, a.backend_type, a.datname::text AS database, a.usename::text AS username,
    a.application_name AS application, host(a.client_addr) AS client, a.state,
    CASE WHEN a.wait_event_type IS NOT NULL THEN a.wait_event_type || ': ' || a.wait_event END AS wait,
    extract(epoch FROM clock_timestamp() - CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END)
        ::float8 AS duration_seconds,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    a.query, NULL::text AS queryid, a.query_start,
    CASE
        WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid)
        -- What another's session waits for is hidden from a role without rights; whom it waits for is not.
        WHEN a.backend_type IS NULL AND a.pid IN (SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE NOT l.granted)
            THEN pg_blocking_pids(a.pid)
        ELSE '{}'::int[]
    END AS blocked_by,
    (a.backend_type IS NULL) AS is_unreadable,
    current_setting('max_connections')::int AS max_connections
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid <> pg_backend_pid()
