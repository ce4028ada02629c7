-- What pg_stat_statements holds, as of PostgreSQL 15: names, what adds up, what does not; statements of roles that
-- this one may not see have no queryid. $1: with texts? $2: the database, '': this one, NULL: all. {schema}: where it is.
SELECT /* perfctl */
    s.dbid::bigint AS dbid, s.userid::bigint AS userid, s.toplevel AS toplevel, s.queryid,
    d.datname::text AS database, pg_get_userbyid(s.userid)::text AS username, s.query, NULL::timestamptz AS counted_since,
    s.calls, s.rows, s.total_exec_time AS total_ms,
    s.calls * (s.stddev_exec_time * s.stddev_exec_time + s.mean_exec_time * s.mean_exec_time) AS squares,
    s.total_plan_time AS plan_ms,
    s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
    s.temp_blks_read + s.temp_blks_written AS temp_blks,
    s.blk_read_time + s.blk_write_time + s.temp_blk_read_time + s.temp_blk_write_time AS io_ms,
    s.wal_bytes::bigint AS wal_bytes,
    s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time AS jit_ms,
    s.min_exec_time AS min_ms, s.max_exec_time AS max_ms
FROM {schema}.pg_stat_statements($1::boolean) AS s LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE s.calls > 0 AND ($2::text IS NULL OR d.datname = coalesce(nullif($2::text, ''), current_database()))
