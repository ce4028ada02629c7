-- The texts of statements. $1: their queryids. {schema}: where pg_stat_statements is.
SELECT /* perfctl */ s.dbid::bigint AS dbid, s.userid::bigint AS userid, s.queryid, s.query
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::bigint[])
