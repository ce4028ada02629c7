-- The databases that this role may connect to, this one first.
SELECT /* perfctl */ d.datname::text AS name, d.datname = current_database() AS is_here
FROM pg_catalog.pg_database AS d
WHERE d.datallowconn AND NOT d.datistemplate AND has_database_privilege(d.oid, 'CONNECT')
ORDER BY is_here DESC, name
