-- Where pgstattuple is, if it is there.
SELECT /* perfctl */ n.nspname::text AS schema_name
FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pgstattuple'
