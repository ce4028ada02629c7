-- Constraints that were added NOT VALID and never validated; those that are not enforced are meant so. PostgreSQL 18 and later.
SELECT /* perfctl */ k.conname::text AS name, k.conrelid::regclass::text AS table_name
FROM pg_catalog.pg_constraint AS k
WHERE NOT k.convalidated AND k.conrelid <> 0 AND k.conparentid = 0 AND k.conenforced
ORDER BY 2, 1
