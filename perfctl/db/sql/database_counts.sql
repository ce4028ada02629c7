-- What the databases have counted since their statistics began. $1: the database, '': this one, NULL: all that may be
-- connected to.
SELECT /* perfctl */
    d.datname::text AS database, s.stats_reset AS since, s.numbackends AS connections,
    s.xact_commit AS commits, s.xact_rollback AS rollbacks,
    s.blks_hit, s.blks_read, s.tup_returned AS rows_scanned, s.tup_fetched AS rows_fetched,
    s.tup_inserted AS rows_inserted, s.tup_updated AS rows_updated, s.tup_deleted AS rows_deleted,
    s.temp_files, s.temp_bytes, s.deadlocks, s.conflicts,
    s.blk_read_time + s.blk_write_time AS io_ms
FROM pg_catalog.pg_stat_database AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.datid
WHERE d.datallowconn AND NOT d.datistemplate
  AND ($1::text IS NULL OR d.datname = coalesce(nullif($1::text, ''), current_database()))
ORDER BY d.datname = current_database() DESC, s.xact_commit + s.xact_rollback DESC, d.datname
