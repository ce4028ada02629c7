-- What this server is, what this role may see, and what is there to see. Every role may ask; PostgreSQL 13 and later.
SELECT /* perfctl */
    current_setting('server_version') AS version,
    current_user::text AS role,
    (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) AS superuser,
    pg_has_role(current_user, 'pg_monitor', 'USAGE') AS reads_statistics,
    CASE
        WHEN to_regrole('pg_read_all_data') IS NULL THEN false
        ELSE pg_has_role(current_user, to_regrole('pg_read_all_data')::oid, 'USAGE')
    END AS reads_tables,
    (SELECT s.ssl FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_backend_pid()) AS tls,
    (SELECT s.version FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_backend_pid()) AS tls_version,
    EXISTS (SELECT FROM pg_catalog.pg_settings AS s WHERE s.name = 'pg_stat_statements.max') AS preloaded,
    EXISTS (SELECT FROM pg_catalog.pg_available_extensions AS a WHERE a.name = 'pg_stat_statements') AS available,
    (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'pg_stat_statements') AS extension_version,
    (
        SELECT n.nspname::text
        FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'
    ) AS extension_schema,
    (
        SELECT has_schema_privilege(e.extnamespace, 'USAGE')
        FROM pg_catalog.pg_extension AS e
        WHERE e.extname = 'pg_stat_statements'
    ) AS extension_schema_usable,
    (
        SELECT bool_or(has_table_privilege(c.oid, 'SELECT'))
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = e.extnamespace AND c.relname = 'pg_stat_statements'
        WHERE e.extname = 'pg_stat_statements'
    ) AS extension_readable,
    current_setting('track_io_timing') = 'on' AS track_io_timing,
    current_setting('track_activities') = 'on' AS track_activities,
    current_setting('track_counts') = 'on' AS track_counts,
    (SELECT s.setting::bigint FROM pg_catalog.pg_settings AS s WHERE s.name = 'track_activity_query_size')
        AS query_size_bytes,
    pg_is_in_recovery() AS is_replica,
    pg_backend_pid() AS backend_pid,
    (
        SELECT count(*)
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
    ) AS tables,
    (
        SELECT count(*) FILTER (WHERE has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
    ) AS tables_readable,
    ARRAY(
        SELECT r.rolname::text FROM pg_catalog.pg_roles AS r
        WHERE r.rolname IN
            ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'supabase_admin', 'neon_superuser', 'alloydbsuperuser')
    ) AS hosted_roles,
    EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.proname = 'aurora_version') AS is_aurora,
    current_database()::text AS database,
    (SELECT count(*) FROM pg_catalog.pg_stat_activity AS a WHERE a.backend_type = 'client backend') AS connections,
    current_setting('max_connections')::int AS max_connections
