-- Client connections, and how many the server allows those that are no superuser.
SELECT /* perfctl */
    count(*) AS used,
    count(*) FILTER (WHERE a.state = 'idle') AS idle,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS available
FROM pg_catalog.pg_stat_activity AS a
WHERE a.backend_type = 'client backend' OR a.backend_type IS NULL
