-- How much of its room each rising sequence used: its own, or that of the narrower column that it feeds.
WITH /* perfctl */ fed AS (
    SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS attnum
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, e.adrelid, e.adnum
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_attrdef AS e ON e.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
)
SELECT
    c.oid::regclass::text AS name,
    CASE WHEN f.relation IS NOT NULL THEN f.relation::regclass::text || '.' || quote_ident(a.attname) END AS column_name,
    format_type(a.atttypid, NULL) AS column_type,
    q.last_value,
    q.last_value::float8 / least(
        s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END
    ) AS share,
    NOT (has_sequence_privilege(c.oid, 'USAGE') OR has_sequence_privilege(c.oid, 'SELECT')) AS is_unreadable
FROM pg_catalog.pg_sequence AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequences AS q ON q.schemaname = n.nspname AND q.sequencename = c.relname
LEFT JOIN fed AS f ON f.sequence = c.oid
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.relation AND a.attnum = f.attnum
WHERE s.seqincrement > 0 AND NOT s.seqcycle
ORDER BY share DESC NULLS LAST, name
