-- What runs one of the functions $1 without naming it: when it is read or written to, or by its sign.
WITH RECURSIVE /* perfctl */ trees (place, mode, tree) AS (
    SELECT r.ev_class, CASE WHEN r.ev_type = '1' THEN 'read' ELSE 'write' END, r.ev_action::text || r.ev_qual::text
    FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class >= 16384
    UNION ALL
    SELECT p.polrelid, 'read', pg_catalog.concat(p.polqual::text, p.polwithcheck::text) FROM pg_catalog.pg_policy AS p
    UNION ALL
    SELECT d.adrelid, 'write', d.adbin::text FROM pg_catalog.pg_attrdef AS d
    UNION ALL
    SELECT nullif(c.conrelid, 0), 'write', c.conbin::text FROM pg_catalog.pg_constraint AS c
    WHERE c.conbin IS NOT NULL AND c.conrelid <> 0 AND c.oid >= 16384
    UNION ALL
    SELECT i.indrelid, 'write', pg_catalog.concat(i.indexprs::text, i.indpred::text) FROM pg_catalog.pg_index AS i
    WHERE i.indrelid >= 16384 AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
),
called (place, mode, function) AS (
    SELECT t.place, t.mode, m[1]::oid
    FROM trees AS t
    CROSS JOIN LATERAL regexp_matches(t.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS m
    UNION ALL
    SELECT g.tgrelid, 'write', g.tgfoid FROM pg_catalog.pg_trigger AS g WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
),
domains (oid) AS (
    SELECT DISTINCT c.contypid
    FROM pg_catalog.pg_constraint AS c
    CROSS JOIN LATERAL regexp_matches(c.conbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') AS m
    WHERE c.contypid >= 16384 AND m[1]::bigint = ANY($1::bigint[])
    UNION
    SELECT t.oid FROM domains AS d JOIN pg_catalog.pg_type AS t ON d.oid IN (t.typbasetype, t.typelem)
),
coded (place, mode) AS (
    SELECT DISTINCT c.place, c.mode FROM called AS c WHERE c.function::bigint = ANY($1::bigint[])
    UNION
    SELECT a.attrelid, 'write' FROM pg_catalog.pg_attribute AS a WHERE a.atttypid IN (SELECT d.oid FROM domains AS d)
    UNION
    SELECT r.ev_class, 'write' FROM pg_catalog.pg_rewrite AS r WHERE r.ev_type <> '1' AND r.ev_class >= 16384
),
views (outer_view, inside) AS (
    SELECT DISTINCT r.ev_class, d.refobjid
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class AND r.ev_class >= 16384
),
nearby (place, above, mode) AS (
    SELECT v.inside, v.outer_view, NULL FROM views AS v
    UNION ALL
    SELECT i.inhrelid, i.inhparent, 'write' FROM pg_catalog.pg_inherits AS i
    UNION ALL
    SELECT i.inhparent, i.inhrelid, 'write' FROM pg_catalog.pg_inherits AS i
    UNION ALL
    SELECT k.conrelid, k.confrelid, 'write' FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f'
),
reached (place, mode) AS (
    SELECT c.place, c.mode FROM coded AS c
    UNION
    SELECT n.above, r.mode FROM reached AS r JOIN nearby AS n ON n.place = r.place AND coalesce(n.mode, r.mode) = r.mode
)
SELECT DISTINCT CASE WHEN r.mode = 'read' AND c.relkind = 'v' THEN 'view' ELSE r.mode END AS mode, c.relname::text AS name
FROM reached AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.place
UNION
SELECT 'read', t.typname FROM domains AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.oid
UNION
SELECT 'read', t.typname
FROM pg_catalog.pg_cast AS c JOIN pg_catalog.pg_type AS t ON t.oid IN (c.castsource, c.casttarget)
WHERE c.castfunc::bigint = ANY($1::bigint[]) AND t.oid >= 16384
UNION
SELECT 'sign', o.oprname FROM pg_catalog.pg_operator AS o WHERE o.oprcode::bigint = ANY($1::bigint[]) AND o.oid >= 16384
