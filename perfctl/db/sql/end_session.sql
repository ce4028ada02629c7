-- Cancel ($4 = false) or terminate one session, where it is still the one that was shown: $1 pid, $2 backend_start,
-- $3 query_start (NULL: whatever it runs). One whose start this role may not see is not touched.
SELECT /* perfctl */
    a.backend_start IS NULL AS is_hidden,
    CASE
        WHEN a.backend_start IS NULL THEN NULL
        WHEN a.query_start IS DISTINCT FROM coalesce($3::timestamptz, a.query_start) THEN NULL
        WHEN $4::bool THEN pg_terminate_backend(a.pid)
        ELSE pg_cancel_backend(a.pid)
    END AS is_sent
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = $1::int AND coalesce(a.backend_start, $2::timestamptz) = $2::timestamptz
