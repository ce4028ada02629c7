-- How many clients are connected to this database, without the one that asks; and in which schema, quoted, statements
-- are counted (NULL: they are not). Every role may ask; PostgreSQL 13 and later.
SELECT /* perfctl */
    count(*) AS connections,
    (
        SELECT quote_ident(n.nspname)
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'
    ) AS statements_schema
FROM pg_catalog.pg_stat_activity AS a
-- backend_type is NULL for sessions that this role may not look into.
WHERE a.datname = current_database() AND coalesce(a.backend_type, 'client backend') = 'client backend'
    AND a.pid <> pg_backend_pid()
