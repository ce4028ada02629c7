-- What lies in pg_wal, and what it should be at most; needs pg_monitor.
SELECT /* perfctl */
    (SELECT sum(w.size) FROM pg_ls_waldir() AS w)::float8 AS wal_bytes,
    (SELECT s.setting::float8 * 1024 * 1024 FROM pg_catalog.pg_settings AS s WHERE s.name = 'max_wal_size')
        AS max_wal_bytes,
    (SELECT s.setting::float8 * 1024 * 1024 FROM pg_catalog.pg_settings AS s WHERE s.name = 'wal_keep_size')
        AS keep_bytes
