-- Tables with many dead rows, the greatest share first.
SELECT /* perfctl */
    s.relid::regclass::text AS name, s.n_dead_tup AS dead,
    s.n_dead_tup::float8 / (s.n_live_tup + s.n_dead_tup) AS share
FROM pg_catalog.pg_stat_user_tables AS s
WHERE s.n_dead_tup >= 10000
ORDER BY share DESC
