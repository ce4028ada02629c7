-- The costliest shapes of query in this database. $1: what by, $2: how many (NULL: all). {schema}: the extension's.
-- pg_stat_statements as of PostgreSQL 17.
WITH /* perfctl */ statements AS (
    SELECT
        s.userid, s.queryid, s.query, s.calls, s.rows,
        s.total_exec_time AS total_ms, s.mean_exec_time AS mean_ms, s.min_exec_time AS min_ms,
        s.max_exec_time AS max_ms, s.stddev_exec_time AS stddev_ms,
        s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
        s.temp_blks_read + s.temp_blks_written AS temp_blks,
        s.shared_blk_read_time + s.shared_blk_write_time + s.local_blk_read_time + s.local_blk_write_time AS io_ms,
        s.wal_bytes
    FROM {schema}.pg_stat_statements AS s
    WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
      AND s.query ~* '^(\s|/\*.*?\*/|--[^\n]*\n|\()*(select|with|values|table|insert|update|delete|merge)\M'
      AND s.query NOT LIKE '%/* perfctl */%'
)
SELECT
    s.query, s.queryid::text AS queryid, pg_catalog.pg_get_userbyid(s.userid)::text AS username,
    s.calls, s.rows, s.total_ms, s.mean_ms, s.min_ms, s.max_ms, s.stddev_ms,
    s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written, s.temp_blks,
    CASE WHEN current_setting('track_io_timing') = 'on' THEN s.io_ms END AS io_ms,
    s.wal_bytes::bigint AS wal_bytes,
    count(*) OVER () AS total,
    sum(s.total_ms) OVER () AS all_ms
FROM statements AS s
ORDER BY
    CASE $1::text
        WHEN 'total' THEN s.total_ms
        WHEN 'mean' THEN s.mean_ms
        WHEN 'calls' THEN s.calls
        WHEN 'rows' THEN s.rows
        WHEN 'io' THEN s.shared_blks_read + s.shared_blks_written + s.temp_blks
    END DESC,
    s.total_ms DESC, s.queryid
LIMIT $2::bigint
