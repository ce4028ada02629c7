-- Since when pg_stat_statements counts, and what it lost; unreadable: statements that this role may not see.
SELECT /* perfctl */
    (SELECT i.stats_reset FROM {schema}.pg_stat_statements_info AS i) AS since,
    (SELECT i.dealloc FROM {schema}.pg_stat_statements_info AS i) AS evicted,
    count(*) FILTER (WHERE s.queryid IS NULL) AS unreadable,
    current_database()::text AS database
FROM {schema}.pg_stat_statements(false) AS s
