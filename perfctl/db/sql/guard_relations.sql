-- The relations that a statement names ($1 schemas, empty for any in the path; $2 names; $3 the path) and all that they
-- lead to: parts, views, policies. Of these what reaches harmful functions ($4), operators ($5), operator classes ($6)
-- or types ($7). With $8 the statement writes, and rules, defaults and checks are at work as well.
WITH RECURSIVE /* perfctl */ named AS (
    SELECT c.oid
    FROM unnest($1::text[], $2::text[]) AS w (schema, name)
    JOIN pg_catalog.pg_class AS c ON c.relname = w.name
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = w.schema OR (w.schema = 'pg_temp' AND n.oid = pg_my_temp_schema())
        OR (w.schema = '' AND n.nspname = ANY($3::text[]))
),
reached AS (
    SELECT n.oid, true AS is_direct FROM named AS n
    UNION
    SELECT next.oid, next.is_direct AND r.is_direct
    FROM reached AS r
    CROSS JOIN LATERAL (
        SELECT i.inhrelid, true FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = r.oid
        UNION ALL
        SELECT found.part[1]::oid, false
        FROM pg_catalog.pg_rewrite AS w
        CROSS JOIN LATERAL regexp_matches(w.ev_action::text, ':relid (\d+)', 'g') AS found (part)
        JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class
        WHERE w.ev_class = r.oid AND (c.relkind = 'v' OR $8::bool)
        UNION ALL
        SELECT found.part[1]::oid, false
        FROM pg_catalog.pg_policy AS p
        CROSS JOIN LATERAL regexp_matches(p.polqual::text, ':relid (\d+)', 'g') AS found (part)
        WHERE p.polrelid = r.oid
    ) AS next (oid, is_direct)
),
relations AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relam, c.relrowsecurity, bool_and(r.is_direct) AS is_direct
    FROM reached AS r
    JOIN pg_catalog.pg_class AS c ON c.oid = r.oid
    GROUP BY c.oid
),
-- What a partition may hold is what the keys of those above it say.
lineage AS (
    SELECT c.oid, c.name FROM relations AS c
    UNION
    SELECT i.inhparent, l.name FROM lineage AS l JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = l.oid
),
running AS (
    SELECT c.name, 'the view ' || c.name AS place, w.ev_action::text AS tree
    FROM relations AS c
    JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = c.oid
    WHERE (c.relkind = 'v' AND w.ev_type = '1') OR $8::bool
    UNION ALL
    SELECT c.name, 'the policy ' || p.polname || ' of ' || c.name, p.polqual::text
    FROM relations AS c
    JOIN pg_catalog.pg_policy AS p ON p.polrelid = c.oid
    WHERE c.relrowsecurity AND p.polqual IS NOT NULL AND (NOT c.is_direct OR row_security_active(c.oid))
    UNION ALL
    SELECT c.name, 'the column ' || a.attname || ' of ' || c.name, d.adbin::text
    FROM relations AS c
    JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.adnum
    WHERE a.attgenerated = 'v' OR $8::bool
    UNION ALL
    SELECT c.name, 'the check ' || k.conname || ' of ' || c.name, k.conbin::text
    FROM relations AS c
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
    WHERE $8::bool AND k.conbin IS NOT NULL
),
calls AS (
    SELECT DISTINCT r.place, found.part[1]::int8 AS oid
    FROM running AS r
    CROSS JOIN LATERAL regexp_matches(r.tree, ':\w*(?:funcid|fnoid|RangeFunc|handler) (\d+)', 'g') AS found (part)
),
planned AS (
    SELECT c.oid, 'an index of ' || c.name AS place, t.tree::text AS tree, pg_get_expr(t.tree, c.oid) AS said
    FROM relations AS c
    JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid
    CROSS JOIN LATERAL (VALUES (i.indexprs), (i.indpred)) AS t (tree)
    WHERE t.tree IS NOT NULL
    UNION ALL
    SELECT c.oid, 'the check ' || k.conname || ' of ' || c.name, k.conbin::text, pg_get_expr(k.conbin, c.oid)
    FROM relations AS c
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
    WHERE k.conbin IS NOT NULL
    UNION ALL
    SELECT c.oid, 'the partition key of ' || c.name, p.partexprs::text, pg_get_expr(p.partexprs, c.oid)
    FROM lineage AS c
    JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = c.oid
    WHERE p.partexprs IS NOT NULL
    UNION ALL
    SELECT c.oid, 'statistics of ' || c.name, to_jsonb(s) ->> 'stxexprs', NULL
    FROM relations AS c
    JOIN pg_catalog.pg_statistic_ext AS s ON s.stxrelid = c.oid
    WHERE to_jsonb(s) ->> 'stxexprs' IS NOT NULL
),
folded AS (
    SELECT p.place, p.said, bool_or(
            f.prolang = 14 OR f.pronargdefaults > 0 OR p.said IS NULL
            OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = p.oid AND a.attgenerated = 'v')
        ) AS is_inlined
    FROM planned AS p
    CROSS JOIN LATERAL regexp_matches(p.tree, ':(\w*(?:funcid|fnoid|RangeFunc)|opno) (\d+)', 'g') AS found (part)
    LEFT JOIN pg_catalog.pg_operator AS o ON o.oid = found.part[2]::int8 AND found.part[1] = 'opno'
    JOIN pg_catalog.pg_proc AS f ON f.oid = coalesce(o.oprcode::oid, found.part[2]::int8::oid)
    WHERE f.oid = ANY($4::oid[])
    GROUP BY p.place, p.said
)
SELECT 'function' AS kind, c.place, c.oid AS oid, NULL::text AS said, false AS is_inlined
FROM calls AS c
LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = c.oid
WHERE c.oid = ANY($4::int8[])
    OR (p.prokind = 'f' AND p.prosrc !~ '^tsm_' AND (2275 = ANY(p.proargtypes) OR 2281 = ANY(p.proargtypes)))
UNION ALL
SELECT DISTINCT 'operator', r.place, found.part[1]::int8, NULL, false
FROM running AS r
CROSS JOIN LATERAL regexp_matches(r.tree, ':(?:opno|eqop|sortop) (\d+)', 'g') AS found (part)
WHERE found.part[1]::int8 = ANY($5::int8[])
UNION ALL
SELECT DISTINCT 'operator', r.place, one.oid::int8, NULL, false
FROM running AS r
CROSS JOIN LATERAL regexp_matches(r.tree, ':opnos \(o ([\d ]+)\)', 'g') AS found (part)
CROSS JOIN LATERAL regexp_split_to_table(trim(found.part[1]), ' +') AS one (oid)
WHERE one.oid::int8 = ANY($5::int8[])
UNION ALL
SELECT DISTINCT 'type', r.place, found.part[1]::int8, NULL, false
FROM running AS r
CROSS JOIN LATERAL regexp_matches(r.tree, ':\w*(?:type(?:id)?|typid|typeId) (\d+)', 'g') AS found (part)
WHERE found.part[1]::int8 = ANY($7::int8[])
UNION ALL
SELECT DISTINCT 'type', r.place, one.oid::int8, NULL, false
FROM running AS r
CROSS JOIN LATERAL regexp_matches(r.tree, ':\w*coltypes \(o ([\d ]+)\)', 'g') AS found (part)
CROSS JOIN LATERAL regexp_split_to_table(trim(found.part[1]), ' +') AS one (oid)
WHERE one.oid::int8 = ANY($7::int8[])
UNION ALL
SELECT 'type', 'the row of ' || c.name, y.oid::int8, NULL, false
FROM relations AS c
JOIN pg_catalog.pg_type AS y ON y.typrelid = c.oid
WHERE y.oid = ANY($7::oid[])
UNION ALL
SELECT DISTINCT 'type', 'the column ' || a.attname || ' of ' || c.name, a.atttypid::int8, NULL, false
FROM relations AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE a.atttypid = ANY($7::oid[])
UNION ALL
SELECT 'class', 'an index of ' || c.name, NULL, NULL, false
FROM relations AS c
JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid
WHERE i.indclass::oid[] && $6::oid[]
UNION ALL
SELECT 'class', 'the partitions of ' || c.name, NULL, NULL, false
FROM lineage AS c
JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = c.oid
WHERE p.partclass::oid[] && $6::oid[]
UNION ALL
SELECT 'function', 'the foreign table ' || c.name, w.fdwhandler::oid::int8, NULL, false
FROM relations AS c
JOIN pg_catalog.pg_foreign_table AS f ON f.ftrelid = c.oid
JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver
JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
WHERE w.fdwhandler = 0 OR w.fdwhandler = ANY($4::oid[])
UNION ALL
SELECT DISTINCT 'function', 'the access method of ' || c.name, m.amhandler::oid::int8, NULL, false
FROM relations AS c
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid IN (c.relam, x.relam)
WHERE m.amhandler = ANY($4::oid[])
UNION ALL
SELECT 'folded', f.place, NULL, f.said, f.is_inlined FROM folded AS f
