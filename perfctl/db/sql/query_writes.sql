-- What a write to tables ($1 schemas, '' where none is said, $2 names) touches: the tables behind views, those that
-- foreign keys carry deletes and updates to ($3: there may be some), and whether code runs that may write anywhere.
WITH RECURSIVE /* perfctl */ named AS (
    SELECT pg_catalog.to_regclass(
        CASE WHEN w.schema = '' THEN '' ELSE pg_catalog.quote_ident(w.schema) || '.' END
        || pg_catalog.quote_ident(w.name)
    )::oid AS oid
    FROM unnest($1::text[], $2::text[]) AS w (schema, name)
),
touched AS (
    SELECT n.oid FROM named AS n
    UNION
    SELECT next.oid
    FROM touched AS t
    CROSS JOIN LATERAL (
        SELECT d.refobjid AS oid
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
        WHERE c.oid = t.oid AND c.relkind = 'v' AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> t.oid
        UNION ALL
        SELECT k.conrelid FROM pg_catalog.pg_constraint AS k
        WHERE $3 AND k.contype = 'f' AND k.confrelid = t.oid
            AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
        UNION ALL
        SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid
        UNION ALL
        SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = t.oid
    ) AS next
)
SELECT
    n.nspname || '.' || c.relname AS table,
    c.relkind NOT IN ('r', 'p', 'v')
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D')
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid AND r.ev_type <> '1')
    OR EXISTS (
        SELECT FROM pg_catalog.pg_attrdef AS a
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = a.oid
        WHERE a.adrelid = c.oid AND d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid >= 16384
    ) AS runs_code
FROM touched AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
UNION ALL
SELECT 'missing', true FROM named AS n WHERE n.oid IS NULL
