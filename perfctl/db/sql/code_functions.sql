-- The functions that may leave something behind wherever they are called without being named: users' own, extensions'
-- volatile ones, and PostgreSQL's volatile ones but for those that are known to leave nothing ($1).
SELECT /* perfctl */
    p.oid::bigint AS oid,
    p.proname::text AS name,
    p.oid < 16384 AS is_builtin,
    p.provolatile = 'v' AS is_volatile,
    l.lanname IN ('sql', 'plpgsql') AS is_readable,
    CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN coalesce(left(p.prosrc, 20000), '') ELSE '' END AS source,
    p.pronargs = 1 AND t.typtype IN ('c', 'p') AS reads_like_a_column
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_type AS t ON t.oid = p.proargtypes[0]
WHERE CASE
    WHEN p.oid < 16384
        THEN p.provolatile = 'v' AND p.proname <> ALL($1::text[]) AND p.prorettype <> 'pg_catalog.trigger'::regtype
    WHEN l.lanname IN ('c', 'internal')
        THEN p.provolatile = 'v'
    ELSE true
END
