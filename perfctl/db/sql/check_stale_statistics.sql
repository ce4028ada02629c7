-- Tables of which a good part changed since they were analyzed.
SELECT /* perfctl */
    s.relid::regclass::text AS name, s.n_mod_since_analyze AS changed,
    s.n_mod_since_analyze::float8 / greatest(s.n_live_tup, 1) AS share
FROM pg_catalog.pg_stat_user_tables AS s
WHERE s.n_mod_since_analyze >= 10000
ORDER BY share DESC
