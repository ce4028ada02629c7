-- Every index of the users' tables: what it is made of, whether a constraint needs it, how often it was used. One that
-- begins with the columns of a foreign key serves its checks; a partition's goes with the partitioned one.
SELECT /* perfctl */
    c.oid::regclass::text AS name, i.indrelid::regclass::text AS table_name, m.amname::text AS method,
    (i.indkey::int2[])[0:i.indnkeyatts - 1]::int[] AS keys, (i.indkey::int2[])[i.indnkeyatts:]::int[] AS included,
    i.indclass::text AS classes, i.indcollation::text AS collations, i.indoption::text AS options,
    pg_get_expr(i.indexprs, i.indrelid) AS expressions, pg_get_expr(i.indpred, i.indrelid) AS predicate,
    i.indisunique AS is_unique, i.indisvalid AND i.indisready AS is_valid,
    (c.relispartition OR i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered
        OR EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = c.oid AND k.contype <> 'f')) AS is_constraint,
    EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS f
        WHERE f.contype = 'f' AND f.conrelid = i.indrelid
          AND (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
    ) AS serves_foreign_key,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid) AS is_being_built,
    c.relpages::bigint * current_setting('block_size')::int AS size_bytes,
    s.idx_scan AS scans,
    extract(epoch FROM clock_timestamp() - coalesce(d.stats_reset, b.stats_reset))::float8 / 86400 AS counted_days,
    d.xact_commit AS commits,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication AS r WHERE r.state = 'streaming') AS replicas
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
JOIN pg_catalog.pg_stat_user_indexes AS s ON s.indexrelid = i.indexrelid
JOIN pg_catalog.pg_stat_database AS d ON d.datname = current_database()
CROSS JOIN pg_catalog.pg_stat_bgwriter AS b
ORDER BY c.relpages DESC, name
