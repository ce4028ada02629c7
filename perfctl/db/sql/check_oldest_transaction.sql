-- The oldest open transactions, prepared ones included, the oldest first.
SELECT /* perfctl */ * FROM (
    SELECT
        'pid ' || a.pid || ' ' || coalesce(a.usename::text, '') AS name,
        extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
    UNION ALL
    SELECT 'prepared ' || quote_literal(p.gid), extract(epoch FROM clock_timestamp() - p.prepared)::float8
    FROM pg_catalog.pg_prepared_xacts AS p
) AS transactions
ORDER BY seconds DESC
LIMIT 10
