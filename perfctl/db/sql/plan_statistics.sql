SELECT /* perfctl */ e.stxrelid::bigint AS oid,
       ARRAY(SELECT a.attname FROM unnest(e.stxkeys::int2[]) AS u (attnum)
               JOIN pg_attribute a ON a.attrelid = e.stxrelid AND a.attnum = u.attnum) AS columns
  FROM pg_statistic_ext e
 WHERE e.stxrelid = ANY ($1::bigint[]::oid[])
 ORDER BY e.stxname
