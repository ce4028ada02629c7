-- What the planner thinks a random page costs, and what pages really cost since statistics were reset.
SELECT /* perfctl */
    (SELECT s.reset_val::float8 FROM pg_catalog.pg_settings AS s WHERE s.name = 'random_page_cost') AS random_page_cost,
    (SELECT s.reset_val::float8 FROM pg_catalog.pg_settings AS s WHERE s.name = 'seq_page_cost') AS seq_page_cost,
    current_setting('track_io_timing') = 'on' AS is_timed,
    sum(d.blks_read)::float8 AS blocks_read, sum(d.blk_read_time)::float8 AS read_ms
FROM pg_catalog.pg_stat_database AS d
