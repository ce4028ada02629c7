-- Calls and time of all statements of this database since the counters were reset. `false`: without their texts.
select coalesce(sum(calls), 0)::bigint as calls,
       coalesce(sum(total_exec_time), 0)::float8 as total_ms,
       (select stats_reset from pg_stat_statements_info) as counted_since
from pg_stat_statements(false)
where dbid = (select oid from pg_database where datname = current_database())
