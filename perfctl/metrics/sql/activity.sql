-- How many clients are connected to this database, without the one that asks; and whether statements are counted.
select count(*) as connections,
       exists (select from pg_extension where extname = 'pg_stat_statements') as counts_statements
from pg_stat_activity
where backend_type = 'client backend'
  and datname = current_database()
  and pid <> pg_backend_pid()
