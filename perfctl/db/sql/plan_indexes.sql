SELECT /* perfctl */ i.indrelid::bigint AS oid,
       c.relname AS name,
       m.amname AS method,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS columns,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true)
               FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k ORDER BY k) AS included,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       i.indisunique AS is_unique,
       i.indisprimary AS is_primary,
       i.indisvalid AND i.indisready AS is_valid,
       ARRAY(SELECT o.opcname FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS k (opclass, at)
               JOIN pg_opclass o ON o.oid = k.opclass ORDER BY k.at) AS operator_classes,
       pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_am m ON m.oid = c.relam
 WHERE i.indrelid = ANY ($1::bigint[]::oid[])
 ORDER BY i.indrelid, c.relname
