-- How the tables of this database are read: through indexes or from end to end, from memory or not.
SELECT /* perfctl */
    coalesce(sum(t.idx_scan), 0)::bigint AS index_scans,
    coalesce(sum(t.seq_scan), 0)::bigint AS sequential_scans,
    coalesce(sum(t.idx_tup_fetch), 0)::bigint AS rows_by_index,
    coalesce(sum(t.seq_tup_read), 0)::bigint AS rows_by_scan,
    coalesce(sum(b.heap_blks_hit), 0)::bigint AS table_hit, coalesce(sum(b.heap_blks_read), 0)::bigint AS table_read,
    coalesce(sum(b.idx_blks_hit), 0)::bigint AS index_hit, coalesce(sum(b.idx_blks_read), 0)::bigint AS index_read
FROM pg_catalog.pg_stat_user_tables AS t JOIN pg_catalog.pg_statio_user_tables AS b USING (relid)
