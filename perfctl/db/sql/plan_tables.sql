SELECT /* perfctl */ c.oid::bigint AS oid,
       n.nspname AS schema,
       c.relname AS name,
       CASE WHEN c.relispartition THEN 'partition'
            ELSE CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view'
                                WHEN 'f' THEN 'foreign table' ELSE 'relation' END
       END AS kind,
       c.relpages AS pages,
       nullif(c.reltuples, -1)::float8 AS rows,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) ELSE 0 END AS bytes,
       coalesce(s.n_live_tup, 0) AS live,
       coalesce(s.n_dead_tup, 0) AS dead,
       coalesce(s.n_mod_since_analyze, 0) AS modified,
       greatest(s.last_analyze, s.last_autoanalyze) AS last_analyzed,
       greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuumed,
       has_table_privilege(c.oid, 'SELECT') AS can_see_statistics,
       pg_get_partkeydef(c.oid) AS partition_key,
       (SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid LIMIT 1)
         AS parent
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
 WHERE c.relkind IN ('r', 'p', 'm', 'f')
   AND n.nspname !~ '^pg_toast'
   AND EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
                WHERE asked.name = c.relname
                  AND asked.schema IN ('', n.nspname))
UNION ALL
SELECT p.oid::bigint, n.nspname, p.relname, 'partitioned table', 0, nullif(p.reltuples, -1)::float8, 0, 0, 0, 0, NULL,
       NULL, has_table_privilege(p.oid, 'SELECT'), pg_get_partkeydef(p.oid), NULL
  FROM pg_class p
  JOIN pg_namespace n ON n.oid = p.relnamespace
 WHERE p.relkind = 'p'
   AND EXISTS (SELECT FROM pg_inherits i
                 JOIN pg_class c ON c.oid = i.inhrelid
                 JOIN pg_namespace cn ON cn.oid = c.relnamespace
                 JOIN unnest($1::text[], $2::text[]) AS asked (schema, name) ON asked.name = c.relname
                WHERE i.inhparent = p.oid
                  AND asked.schema IN ('', cn.nspname))
   AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
                    WHERE asked.name = p.relname AND asked.schema IN ('', n.nspname))
