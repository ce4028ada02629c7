-- Tables of which a good part changed since they were analyzed; none that was never filled.
SELECT /* perfctl */
    s.relid::regclass::text AS name, s.n_mod_since_analyze AS changed, s.n_live_tup AS live,
    least(s.n_mod_since_analyze::float8 / greatest(s.n_live_tup, 1), 1) AS share,
    greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at,
    pg_relation_size(s.relid) AS size_bytes,
    pg_has_role(c.relowner, 'USAGE') AS is_ours
FROM pg_catalog.pg_stat_user_tables AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.relid
WHERE s.n_mod_since_analyze >= 10000 AND s.n_mod_since_analyze >= 0.2 * s.n_live_tup
  AND c.relpersistence <> 't'
ORDER BY share DESC, changed DESC
