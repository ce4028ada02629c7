-- The texts of statements. $1: their queryids, with commas: for an array the driver asks the server for its type.
-- {schema}: where pg_stat_statements is.
SELECT /* perfctl */ s.dbid::bigint AS dbid, s.userid::bigint AS userid, s.queryid, s.query
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY (string_to_array($1::text, ',')::bigint[])
