-- Which of the harmful types ($1) a statement touches by a type that it names ($2 schemas, $3 names), a function ($4, $5)
-- or an operator ($6); $7 is the path.
SELECT /* perfctl */ 'the type ' || format_type(t.oid, NULL) AS place
FROM unnest($2::text[], $3::text[]) AS w (schema, name)
JOIN pg_catalog.pg_type AS t ON t.typname = w.name
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY($1::oid[]) AND (n.nspname = w.schema OR (w.schema = '' AND n.nspname = ANY($7::text[])))
UNION
SELECT 'a type of the function ' || p.proname
FROM unnest($4::text[], $5::text[]) AS w (schema, name)
JOIN pg_catalog.pg_proc AS p ON p.proname = w.name
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE (n.nspname = w.schema OR (w.schema = '' AND n.nspname = ANY($7::text[])))
    AND (p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')) && $1::oid[]
UNION
SELECT 'a type of the operator ' || o.oprname
FROM pg_catalog.pg_operator AS o
WHERE o.oprname = ANY($6::text[])
    AND (
        o.oprresult = ANY($1::oid[])
        OR (
            (o.oprleft = ANY($1::oid[]) OR o.oprright = ANY($1::oid[]))
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_operator AS q
                WHERE q.oprname = o.oprname AND q.oprnamespace = 'pg_catalog'::regnamespace
                    AND q.oprleft = 25 AND q.oprright = 25
            )
        )
    )
