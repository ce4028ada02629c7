-- What leads to harmful functions ($1) without their name: operators, casts, types, operator classes.
WITH RECURSIVE /* perfctl */ harmful AS MATERIALIZED (
    SELECT h.oid FROM unnest($1::oid[]) AS h (oid)
),
operators AS MATERIALIZED (
    SELECT
        o.oid, o.oprname, n.nspname, o.oprleft, o.oprright, o.oprcom, o.oprnegate,
        o.oprcode IN (SELECT h.oid FROM harmful AS h) OR o.oprrest IN (SELECT h.oid FROM harmful AS h)
        OR o.oprjoin IN (SELECT h.oid FROM harmful AS h) AS is_direct
    FROM pg_catalog.pg_operator AS o
    JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
),
harmful_operators AS MATERIALIZED (
    SELECT o.oid, o.oprname, o.nspname, o.oprleft, o.oprright FROM operators AS o
    WHERE o.is_direct
        OR o.oprcom IN (SELECT q.oid FROM operators AS q WHERE q.is_direct)
        OR o.oprnegate IN (SELECT q.oid FROM operators AS q WHERE q.is_direct)
),
entries AS (
    SELECT a.amprocfamily AS family, a.amproclefttype AS lefttype, a.amprocrighttype AS righttype
    FROM pg_catalog.pg_amproc AS a
    WHERE a.amproc IN (SELECT h.oid FROM harmful AS h)
    UNION
    SELECT a.amopfamily, a.amoplefttype, a.amoprighttype
    FROM pg_catalog.pg_amop AS a
    WHERE a.amopopr IN (SELECT h.oid FROM harmful_operators AS h)
),
classes AS (
    SELECT c.oid, c.opcintype, c.opcdefault, m.amname FROM pg_catalog.pg_opclass AS c
    JOIN pg_catalog.pg_am AS m ON m.oid = c.opcmethod
    WHERE EXISTS (
        SELECT FROM entries AS e WHERE e.family = c.opcfamily AND c.opcintype IN (e.lefttype, e.righttype)
    )
),
casts AS (
    SELECT c.castsource, c.casttarget, c.castcontext FROM pg_catalog.pg_cast AS c WHERE c.castfunc IN (SELECT h.oid FROM harmful AS h)
),
domains AS (
    SELECT DISTINCT c.contypid AS oid
    FROM pg_catalog.pg_constraint AS c
    CROSS JOIN LATERAL (
        SELECT m.parts[2]::int8 AS oid
        FROM regexp_matches(c.conbin::text, ':(\w*(?:funcid|fnoid|RangeFunc)|opno) (\d+)', 'g') AS m (parts)
        UNION ALL
        SELECT one.oid::int8
        FROM regexp_matches(c.conbin::text, ':opnos \(o ([\d ]+)\)', 'g') AS m (parts)
        CROSS JOIN LATERAL regexp_split_to_table(trim(m.parts[1]), ' +') AS one (oid)
    ) AS called
    WHERE c.contypid <> 0
        AND (
            called.oid IN (SELECT h.oid::int8 FROM harmful AS h)
            OR called.oid IN (SELECT h.oid::int8 FROM harmful_operators AS h)
        )
),
converted AS MATERIALIZED (
    SELECT DISTINCT c.contypid AS oid, m.parts[1]::int8 AS used
    FROM pg_catalog.pg_constraint AS c
    CROSS JOIN LATERAL regexp_matches(c.conbin::text, ':\w*(?:type(?:id)?|typid|typeId) (\d+)', 'g') AS m (parts)
    WHERE c.contypid <> 0
),
types AS (
    SELECT t.oid FROM pg_catalog.pg_type AS t
    CROSS JOIN LATERAL unnest(
        ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout]::oid[]
    ) AS part (oid)
    WHERE part.oid IN (SELECT h.oid FROM harmful AS h)
    UNION SELECT d.oid FROM domains AS d
    UNION SELECT r.rngtypid FROM pg_catalog.pg_range AS r
    WHERE r.rngcanonical IN (SELECT h.oid FROM harmful AS h) OR r.rngsubdiff IN (SELECT h.oid FROM harmful AS h)
        OR r.rngsubopc IN (SELECT c.oid FROM classes AS c)
    UNION SELECT c.opcintype FROM classes AS c WHERE c.opcdefault OR c.opcintype >= 16384 OR c.amname IN ('btree', 'hash')
    UNION SELECT side.oid FROM entries AS e CROSS JOIN LATERAL (VALUES (e.lefttype), (e.righttype)) AS side (oid)
    WHERE side.oid >= 16384 OR (e.lefttype <> e.righttype AND e.lefttype < 16384 AND e.righttype < 16384)
    UNION SELECT side.oid FROM harmful_operators AS h CROSS JOIN LATERAL (VALUES (h.oprleft), (h.oprright)) AS side (oid)
    WHERE side.oid >= 16384
    UNION SELECT side.oid FROM casts AS c CROSS JOIN LATERAL (VALUES (c.castsource), (c.casttarget)) AS side (oid)
    WHERE side.oid >= 16384
    UNION
    SELECT above.oid FROM types AS t
    CROSS JOIN LATERAL (
        SELECT a.oid FROM pg_catalog.pg_type AS a WHERE a.typelem = t.oid OR a.typbasetype = t.oid
        UNION ALL SELECT v.oid FROM converted AS v WHERE v.used = t.oid::int8 AND t.oid >= 16384
        UNION ALL SELECT c.reltype FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
        WHERE a.atttypid = t.oid AND NOT a.attisdropped AND c.reltype <> 0
        UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range AS r WHERE r.rngsubtype = t.oid
        UNION ALL SELECT (to_jsonb(r) ->> 'rngmultitypid')::oid FROM pg_catalog.pg_range AS r WHERE r.rngtypid = t.oid
    ) AS above (oid)
    WHERE above.oid IS NOT NULL
)
SELECT
    'operator' AS kind, h.oid::int8 AS oid, h.nspname::text AS schema, h.oprname::text AS name,
    -- Reached by its name alone, unless it wants a type of the user's own, and literals would find another operator.
    NOT (h.oprleft >= 16384 OR h.oprright >= 16384)
    OR EXISTS (
        SELECT FROM (VALUES (h.oprleft), (h.oprright)) AS side (oid)
        JOIN pg_catalog.pg_type AS t ON t.oid = side.oid
        WHERE (t.oid >= 16384 AND t.typcategory = 'S')
            OR NOT EXISTS (
                SELECT FROM operators AS o
                WHERE o.oprname = h.oprname AND o.nspname = 'pg_catalog'
                    AND o.oprleft = (CASE WHEN t.oid >= 16384 THEN 25 ELSE t.oid END)
                    AND o.oprright = o.oprleft
            )
    ) AS by_name
FROM harmful_operators AS h
UNION ALL
SELECT
    'cast', c.casttarget::int8, f.typname::text, t.typname::text, c.castcontext = 'i'
FROM casts AS c
JOIN pg_catalog.pg_type AS f ON f.oid = c.castsource
JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget
WHERE c.castsource < 16384
UNION ALL
SELECT 'type', t.oid::int8, n.nspname::text, format_type(t.oid, NULL), false
FROM types AS t
JOIN pg_catalog.pg_type AS y ON y.oid = t.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace
UNION ALL
SELECT 'class', c.oid::int8, NULL, NULL, false FROM classes AS c
