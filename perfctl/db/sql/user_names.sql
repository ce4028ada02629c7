-- Every name that users of this server gave: what a redacted report must not hold.
SELECT /* perfctl */ DISTINCT name FROM (
    SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'public')
    UNION ALL
    SELECT c.relname::text
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT a.attname::text
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
      AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT k.conname::text
    FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_namespace AS n ON n.oid = k.connamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT p.proname::text
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT r.rolname::text FROM pg_catalog.pg_roles AS r WHERE r.rolname NOT LIKE 'pg\_%'
    UNION ALL
    SELECT d.datname::text FROM pg_catalog.pg_database AS d WHERE d.datname NOT IN ('template0', 'template1')
    UNION ALL
    SELECT s.slot_name::text FROM pg_catalog.pg_replication_slots AS s
    UNION ALL
    SELECT t.typname::text
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND t.typelem = 0
    UNION ALL
    SELECT g.tgname::text FROM pg_catalog.pg_trigger AS g WHERE NOT g.tgisinternal
    UNION ALL
    SELECT e.stxname::text FROM pg_catalog.pg_statistic_ext AS e
    UNION ALL
    SELECT w.spcname::text FROM pg_catalog.pg_tablespace AS w WHERE w.spcname NOT LIKE 'pg\_%'
    UNION ALL
    SELECT f.srvname::text FROM pg_catalog.pg_foreign_server AS f
    UNION ALL
    SELECT x.gid::text FROM pg_catalog.pg_prepared_xacts AS x
    UNION ALL
    SELECT a.application_name::text FROM pg_catalog.pg_stat_activity AS a
    WHERE a.application_name NOT IN ('', 'perfctl')
) AS names
WHERE name IS NOT NULL
LIMIT 200000
