-- Which of these indexes ($1: names) are there and valid.
SELECT /* perfctl */ DISTINCT c.relname::text AS name
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE i.indisvalid AND c.relname = ANY ($1::text[])
