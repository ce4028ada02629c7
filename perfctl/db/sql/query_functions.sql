-- The functions that a statement calls ($1 schemas, '' where none is said, $2 names) and the operators that it uses
-- ($3 names) and that are not PostgreSQL's own; every function that a name could mean.
SELECT /* perfctl */
    n.nspname::text AS schema,
    p.proname::text AS name,
    p.provolatile::text AS volatility,
    l.lanname::text AS language,
    p.prokind::text AS kind,
    EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    ) AS is_extension,
    CASE WHEN l.lanname = 'sql' THEN pg_catalog.pg_get_functiondef(p.oid) END AS definition,
    CASE WHEN l.lanname = 'sql' THEN p.prosrc END AS body,
    p.proconfig IS NOT NULL OR p.prosecdef AS is_steered
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS w (schema, name)
    WHERE p.proname = w.name
        AND (n.nspname = w.schema OR (w.schema = '' AND n.nspname = ANY(pg_catalog.current_schemas(true))))
)
AND (p.prokind <> 'a' OR l.lanname <> 'sql')
UNION ALL
SELECT
    n.nspname, o.oprname, p.provolatile::text, l.lanname, 'o',
    EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    ),
    NULL, NULL, false
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE o.oprname = ANY($3::text[]) AND n.nspname <> 'pg_catalog'
UNION ALL
SELECT
    n.nspname, p.proname, p.provolatile::text, l.lanname, 'c', false, NULL, NULL, false
FROM pg_catalog.pg_cast AS c
JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('internal', 'c', 'sql') OR (p.provolatile = 'v' AND c.oid >= 16384)
