-- How many rows of a table changed since it was analyzed, and its size; no row where there is no such table.
SELECT /* perfctl */
    s.n_mod_since_analyze AS changed, s.n_live_tup AS live, pg_relation_size(s.relid) AS size_bytes
FROM pg_catalog.pg_stat_all_tables AS s
WHERE s.relid = to_regclass($1)
