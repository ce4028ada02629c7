-- Which of the sessions ($1 pids, $2 their backend_start) are there, and since when their statement runs.
SELECT /* perfctl */ a.pid, a.query_start, a.state
FROM pg_catalog.pg_stat_activity AS a
JOIN unnest($1::int[], $2::timestamptz[]) AS wanted (pid, backend_start)
  ON wanted.pid = a.pid AND wanted.backend_start = a.backend_start
