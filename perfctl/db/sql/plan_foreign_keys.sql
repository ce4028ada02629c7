SELECT /* perfctl */ k.conname AS name,
       k.conrelid::regclass::text AS referring,
       k.confrelid::regclass::text AS referenced,
       ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.at) AS columns,
       EXISTS (SELECT FROM pg_index i
                WHERE i.indrelid = k.conrelid
                  AND i.indisvalid
                  AND i.indpred IS NULL
                  AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) AS is_indexed
  FROM pg_constraint k
 WHERE k.contype = 'f'
   AND (k.conrelid = ANY ($1::bigint[]::oid[]) OR k.confrelid = ANY ($1::bigint[]::oid[]))
 ORDER BY k.conname
