-- The relations that a statement names ($1 schemas, '' where none is said, $2 names), and those behind views.
WITH RECURSIVE /* perfctl */ named AS (
    SELECT DISTINCT
        w.schema, w.name,
        pg_catalog.to_regclass(
            CASE WHEN w.schema = '' THEN '' ELSE pg_catalog.quote_ident(w.schema) || '.' END
            || pg_catalog.quote_ident(w.name)
        )::oid AS oid
    FROM unnest($1::text[], $2::text[]) AS w (schema, name)
),
reached AS (
    SELECT n.oid FROM named AS n WHERE n.oid IS NOT NULL
    UNION
    SELECT d.refobjid
    FROM reached AS v
    JOIN pg_catalog.pg_class AS c ON c.oid = v.oid AND c.relkind = 'v'
    JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> v.oid
),
ancestors AS (
    SELECT r.oid AS child, r.oid AS above FROM reached AS r
    UNION
    SELECT a.child, i.inhparent FROM ancestors AS a JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.above
)
SELECT
    c.relkind::text AS kind,
    c.relpersistence::text AS persistence,
    c.relrowsecurity AS has_row_security,
    n.nspname::text AS schema,
    c.relname::text AS name,
    CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
    (
        SELECT pg_catalog.array_agg(DISTINCT pn.nspname || '.' || p.relname)
        FROM ancestors AS a
        JOIN pg_catalog.pg_class AS p ON p.oid = a.above
        JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
        WHERE a.child = c.oid
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = a.above)
    )::text[] AS roots
FROM reached AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
UNION ALL
SELECT 'missing', NULL, NULL, w.schema, w.name, NULL, NULL FROM named AS w WHERE w.oid IS NULL
