-- Functions that could do harm when a statement calls them. $1 harmful and $2 harmless volatile symbols of PostgreSQL's
-- own functions; $3, $4, $5 known extensions: name, object_file, whether volatile functions are harmless; $6 the harmful
-- ones among theirs as extension:symbol; $7 trusted names; $8 names that the statement calls; $9 whether it may write.
WITH /* perfctl */ known AS (
    SELECT k.extname, k.object_file, k.volatile_too
    FROM unnest($3::text[], $4::text[], $5::bool[]) AS k (extname, object_file, volatile_too)
),
member AS (
    SELECT d.objid, e.extname, e.xmin::text AS made, k.object_file, k.volatile_too
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
    LEFT JOIN known AS k ON k.extname = e.extname
    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_extension'::regclass
        AND d.deptype = 'e'
),
judged AS MATERIALIZED (
    SELECT
        p.oid, n.nspname, p.proname, p.proargtypes, l.lanname, m.extname,
        p.pronargs, p.pronargdefaults, p.provariadic, p.proargtypes[0] AS first_type, p.prosrc, p.prokind,
        p.prosupport::oid AS support,
        (
            p.proname = ANY($7::text[])
            OR n.nspname || '.' || p.proname = ANY($7::text[])
            OR replace(p.proname || '(' || oidvectortypes(p.proargtypes) || ')', ' ', '') = ANY($7::text[])
            OR replace(n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')', ' ', '')
            = ANY($7::text[])
        ) AS is_trusted,
        CASE
            WHEN p.prokind = 'a' THEN 'parts'
            WHEN l.lanname = 'internal' AND (p.oid < 16384 OR m.object_file IS NOT NULL) THEN
                CASE
                    WHEN h.symbol IS NOT NULL THEN 'acts'
                    WHEN 2275 = ANY(p.proargtypes) OR 2281 = ANY(p.proargtypes) THEN 'inner'
                    WHEN p.provolatile = 'v' AND s.symbol IS NULL THEN 'acts'
                END
            -- PostgreSQL makes these for every range type.
            WHEN l.lanname = 'internal' AND p.prosrc ~ '^(range_constructor[23]|multirange_constructor[012])$'
                AND (SELECT t.typtype FROM pg_catalog.pg_type AS t WHERE t.oid = p.prorettype) IN ('r', 'm') THEN NULL
            WHEN l.lanname = 'c' AND p.oid < 16384 THEN 'inner'
            WHEN l.lanname = 'sql' AND p.oid < 16384 THEN
                CASE
                    WHEN EXISTS (
                        SELECT
                        FROM regexp_matches(to_jsonb(p) ->> 'prosqlbody', ':\w*(?:funcid|fnoid) (\d+)', 'g') AS called (oid)
                        LEFT JOIN pg_catalog.pg_proc AS c ON c.oid = called.oid[1]::int8
                        WHERE called.oid[1]::int8 >= 16384 OR c.prosrc = ANY($1::text[])
                    ) THEN 'foreign'
                    -- From 14 on five of PostgreSQL's own have their body as text still.
                    WHEN to_jsonb(p) ? 'prosqlbody' AND to_jsonb(p) ->> 'prosqlbody' IS NULL
                        AND regexp_replace(p.prosrc, '\s+', '', 'g') NOT IN (
                            'select$1[s],soperator(pg_catalog.-)pg_catalog.array_lower($1,1)operator(pg_catalog.+)1'
                            || 'frompg_catalog.generate_series(pg_catalog.array_lower($1,1),'
                            || 'pg_catalog.array_upper($1,1),1)asg(s)',
                            'SELECT*FROMpg_catalog.unnest($1)WITHORDINALITY'
                        )
                        AND p.prosrc !~ ('^select (pg_catalog.quote_(literal|nullable)\(\$1::pg_catalog.text\)'
                            || '|\$1(::pg_catalog.text)? operator\(pg_catalog.\|\|\) \$2(::pg_catalog.text)?)$')
                        THEN 'foreign'
                END
            WHEN m.object_file IS NOT NULL AND m.extname || ':' || p.prosrc = ANY($6::text[]) THEN 'acts'
            WHEN m.object_file IS NOT NULL AND l.lanname = 'c' AND (m.volatile_too OR p.provolatile <> 'v')
                AND regexp_replace(p.probin, '^\$libdir/', '') LIKE m.object_file THEN
                CASE WHEN 2275 = ANY(p.proargtypes) OR 2281 = ANY(p.proargtypes) THEN 'inner' END
            WHEN m.object_file IS NOT NULL AND l.lanname IN ('sql', 'plpgsql') AND (m.volatile_too OR p.provolatile <> 'v')
                AND p.xmin::text = m.made THEN NULL
            WHEN $9::bool AND m.objid IS NULL AND p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') THEN NULL
            ELSE 'foreign'
        END AS fault
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    LEFT JOIN member AS m ON m.objid = p.oid
    LEFT JOIN unnest($1::text[]) AS h (symbol) ON h.symbol = p.prosrc
    LEFT JOIN unnest($2::text[]) AS s (symbol) ON s.symbol = p.prosrc
),
harmful AS MATERIALIZED (
    SELECT j.* FROM judged AS j
    WHERE (j.fault IN ('acts', 'foreign') OR (j.fault = 'inner' AND j.proname = ANY($8::text[]))) AND NOT j.is_trusted
),
-- C code of the user's own that a catalog names, and that PostgreSQL's functions call when they come across it.
planted AS MATERIALIZED (
    SELECT h.oid FROM harmful AS h
    WHERE h.fault = 'foreign' AND h.extname IS NULL AND h.oid >= 16384 AND h.lanname IN ('c', 'internal')
),
led AS (
    SELECT j.oid FROM judged AS j
    WHERE j.fault IS NULL AND NOT j.is_trusted
        AND (
            j.support IN (SELECT p.oid FROM planted AS p)
            OR (
                (
                    j.prosrc ~ ('^(jsonb?_(string_)?to_tsvector|to_tsvector|(plain|phrase|websearch_)?to_tsquery'
                        || '|ts_headline|ts_lexize|ts_parse|ts_token_type|ts_match_t|unaccent)')
                    OR (j.proname = 'ts_debug' AND j.oid < 16384)
                )
                AND (
                    EXISTS (
                        SELECT FROM pg_catalog.pg_ts_template AS t
                        JOIN planted AS p ON p.oid IN (t.tmplinit, t.tmpllexize)
                    )
                    OR EXISTS (
                        SELECT FROM pg_catalog.pg_ts_parser AS t
                        JOIN planted AS p ON p.oid IN (t.prsstart, t.prstoken, t.prsend, t.prsheadline, t.prslextype)
                    )
                )
            )
            OR (
                j.prosrc ~ '^pg_index(am|_column)?_has_property$'
                AND EXISTS (SELECT FROM pg_catalog.pg_am AS m JOIN planted AS p ON p.oid = m.amhandler)
            )
            OR (
                j.prosrc ~ '^(pg_convert|length_in_encoding)'
                AND EXISTS (SELECT FROM pg_catalog.pg_conversion AS c JOIN planted AS p ON p.oid = c.conproc)
            )
            OR (
                j.prosrc ~ '^(format_type|pg_get_(expr|viewdef|ruledef|indexdef|constraintdef|triggerdef|function|part))'
                AND EXISTS (
                    SELECT FROM pg_catalog.pg_type AS t
                    JOIN planted AS p ON p.oid IN (t.typoutput, t.typmodout)
                    JOIN pg_catalog.pg_proc AS f ON f.oid = p.oid AND f.prolang = 12
                )
            )
        )
),
blamed AS (
    SELECT h.* FROM harmful AS h
    UNION ALL
    SELECT j.* FROM judged AS j
    WHERE NOT j.is_trusted AND j.oid IN (
        SELECT a.aggfnoid
        FROM pg_catalog.pg_aggregate AS a
        LEFT JOIN pg_catalog.pg_operator AS o ON o.oid = a.aggsortop
        CROSS JOIN LATERAL unnest(ARRAY[
            a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
            a.aggmfinalfn, o.oprcode
        ]::oid[]) AS part (oid)
        WHERE part.oid IN (SELECT h.oid FROM harmful AS h WHERE h.fault <> 'inner')
            OR part.oid IN (SELECT l.oid FROM led AS l)
            -- What the memory of an `internal` state means, its functions know alone: others take it for something else.
            OR (a.aggfnoid >= 16384 AND a.aggtranstype = 2281 AND part.oid < 16384)
    )
    UNION ALL
    SELECT j.* FROM judged AS j WHERE j.oid IN (SELECT l.oid FROM led AS l)
)
SELECT
    b.oid::int8 AS oid, b.nspname::text AS schema, b.proname::text AS name,
    oidvectortypes(b.proargtypes) AS arguments, b.lanname::text AS language,
    b.extname::text AS extension, coalesce(b.fault, 'acts') AS fault, b.prosrc AS symbol, b.pronargs::int4 AS most, (b.pronargs - b.pronargdefaults)::int4 AS least,
    b.provariadic <> 0 AS is_variadic,
    EXISTS (
        SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = b.first_type AND t.typtype IN ('c', 'p')
    ) AS takes_row
FROM blamed AS b
