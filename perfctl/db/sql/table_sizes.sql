-- How much each of the tables holds ($1: `schema.table` names): rows as the planner reckons them, and pages.
SELECT /* perfctl */
    n.nspname || '.' || c.relname AS name, now.pages,
    CASE
        WHEN c.reltuples < 0 THEN NULL
        WHEN c.relpages <= 0 THEN c.reltuples
        ELSE c.reltuples / c.relpages * now.pages
    END::float8 AS row_estimate
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages
) AS now
WHERE n.nspname || '.' || c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'm', 'p')
ORDER BY name
