-- The age of the oldest id, by database, and of the oldest tables of this one; pairs of (kind, name, age).
SELECT /* perfctl */ kind, name, age, current_setting('autovacuum_freeze_max_age')::bigint AS autovacuum_at
FROM (
    SELECT 'database' AS kind, d.datname::text AS name, age(d.datfrozenxid)::bigint AS age
    FROM pg_catalog.pg_database AS d
    UNION ALL
    (
        SELECT 'table', c.oid::regclass::text, age(c.relfrozenxid)::bigint
        FROM pg_catalog.pg_class AS c
        WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0'
        ORDER BY 3 DESC
        LIMIT 5
    )
) AS ages
ORDER BY age DESC
