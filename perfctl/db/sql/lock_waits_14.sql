-- What each session waits for, and what the others hold of it. PostgreSQL 14 and later.
WITH /* perfctl */ locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks),
waits AS (SELECT l.*, l.waitstart AS since FROM locks AS l WHERE NOT l.granted)
SELECT
    w.pid, w.locktype, w.mode, w.transactionid::text AS transactionid, w.classid::bigint AS classid,
    w.objid::bigint AS objid, w.objsubid, w.relation::bigint AS relation_oid,
    extract(epoch FROM clock_timestamp() - w.since)::float8 AS waited_seconds,
    (
        SELECT n.nspname || '.' || c.relname || CASE WHEN w.locktype = 'tuple' THEN ' (' || w.page || ',' || w.tuple || ')' ELSE '' END
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = w.relation AND (w.database = 0 OR w.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
    ) AS relation,
    (
        SELECT n.nspname || '.' || c.relname
        FROM locks AS t
        JOIN pg_catalog.pg_class AS c ON c.oid = t.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE w.locktype = 'transactionid' AND t.pid = w.pid AND t.locktype = 'tuple' AND t.granted
          AND t.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        LIMIT 1
    ) AS row_of,
    (
        SELECT array_agg(coalesce(h.pid, 0) || ' ' || h.mode)
        FROM locks AS h
        WHERE h.granted AND h.pid IS DISTINCT FROM w.pid
          AND (h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
              IS NOT DISTINCT FROM
              (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
    ) AS holders
FROM waits AS w
